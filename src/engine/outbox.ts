// What a run says to another run, or to another key: a row for the inbox of the shard that has it, in the batch of the turn
// that says it, so that it cannot be lost between the two, or said twice. Whoever owns that shard is told when it is durable,
// and looks every second all the same. In one batch the order of the rows is the order in which they were said.
import type { InboxItem } from '../core/store.ts'
import type { ShardContext } from './shard-context.ts'

/** Puts something into the inbox of the shard of `tag`, an id of a run or a key. */
export function post(context: ShardContext, kind: InboxItem['kind'], tag: string, text: string): void {
  const { writer, place, ns } = context
  const data = context.encode(text, 'turn', tag)
  writer.rows.posts.push({ ns, slot: place.slotOf(tag), kind, target: tag, data, at: context.now() })
  writer.onDurable(() => context.posted(place.shardOf(tag)))
}

/** Whether a run or a key belongs to this shard. */
export function isHere({ place, shard }: ShardContext, tag: string): boolean {
  return place.shards === 1 || place.shardOf(tag) === shard
}
