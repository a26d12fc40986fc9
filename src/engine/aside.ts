// Rows of an inbox that cannot be taken now, and were acknowledged. They are set aside, so that nothing waits behind them and no
// answer for them. Where what they say cannot be read (a key is missing, or whoever has it does not answer), or nobody has thought of
// what is wrong, that may pass: it is looked whether they can be read again, after a second, then ever more seldom. What this version
// refuses is looked at again when the shard is owned anew, by a process that may have another. One part of a shard (shard.ts);
// called by requests.ts. A person may have one looked at at once, or drop it (aside-acts.ts).
//
//   inbox --cannot be read--> later --can be read, or the shard is owned anew, or a person says so--> inbox
//   inbox --refused by this version--> aside --the shard is owned anew, or a person says so--> inbox
//   later, aside --a person drops it--> gone
import type { Cancel } from '../core/clock.ts'
import { isBalletError } from '../core/errors.ts'
import { toFailure, type Failure } from '../core/failure.ts'
import { parseText } from '../core/json-text.ts'
import type { InboxItem, InboxRow } from '../core/store.ts'
import type { AsideView } from '../core/node-views.ts'
import { itemOf } from './aside-rows.ts'
import { isOfVersion } from './between-shards.ts'
import { orFailure } from './run-rows.ts'
import type { ShardContext } from './shard-context.ts'
import { isOfStore } from './store-faults.ts'

/** How long whoever asks another shard waits until what was asked is taken, milliseconds. It is taken all the same. */
export const TAKEN_MS = 30_000
/** So far whoever asked is known to wait still, also where the clocks of the two nodes differ by as much. */
const FRESH_MS = TAKEN_MS / 2
/** Before the first look, and before each when they have become seldom. */
const [SOONEST_MS, LATEST_MS] = [1000, 300_000] as const
const PAGE = 200
/** Reasons that are kept in memory, for whoever looks. */
const CAUSES = 1000

/** What is said of a start or an event that is another one than the one which has its name: no version takes it any more. */
const OF_ANOTHER: ReadonlySet<string> = new Set(['RUN_CONFLICT', 'EVENT_CONFLICT'])

const PLACES = ['aside', 'later'] as const
type AsidePlace = (typeof PLACES)[number]

const nameOf = (ns: string, place: AsidePlace): string => `${ns} ${place}`

/** Where such rows are in the table of inboxes (a namespace holds no space), and when they are looked at again. */
export const asideBy = (ns: string): readonly (readonly [inbox: string, again: AsideView['again']])[] => [
  [nameOf(ns, 'aside'), 'owned anew'],
  [nameOf(ns, 'later'), 'by itself'],
]
export const asidesOf = (ns: string): readonly string[] => asideBy(ns).map(([inbox]) => inbox)

/** How something came out that was looked at once more, where it was not taken. */
export interface Came {
  readonly outcome: 'aside' | 'refused' | 'waits'
  readonly cause: Failure
}

export class Aside {
  readonly #context: ShardContext
  #pauseMs: number = SOONEST_MS
  #next: Cancel | null = null
  #isStopped = false
  #lying = 0
  /** Why each lies there, the newest last. */
  readonly #causes = new Map<string, Failure>()
  /** Who waits for how one comes out that was put back. */
  readonly #watched = new Map<string, (came: Came) => void>()
  /** What moves rows out of their places, one after the other: no two take the same row. */
  #moves: Promise<unknown> = Promise.resolve()

  constructor(context: ShardContext) {
    this.#context = context
  }

  /** Takes a row out of the inbox and keeps it, in one batch. */
  set({ id, ...item }: InboxRow, place: AsidePlace, error: unknown): void {
    const { writer, inbox, stuckLines, ns, counts } = this.#context
    this.#lying += 1
    counts.setAside += 1
    writer.rows.posts.push({ ...item, ns: nameOf(ns, place) })
    writer.rows.drained.push(id)
    writer.onDurable(() => inbox.gone(id))
    writer.flush()
    const until = place === 'later' ? 'it can be' : 'the shard is owned anew'
    const cause = toFailure(error)
    stuckLines.aside(
      { ...item, code: cause.code },
      `What came for ${item.target} (${item.kind}) cannot be taken and is set aside until ${until}: ${cause.message}`,
    )
    this.#explain(itemOf(this.#context.shard, item), cause)
    this.came(item, { outcome: 'aside', cause })
    if (place === 'later') this.#later()
  }

  /** How many rows are set aside, of those that can be read. */
  get lying(): number {
    return this.#lying
  }

  /** Why something lies aside, if it was set aside by this process. */
  causeOf(item: string): Failure | undefined {
    return this.#causes.get(item)
  }

  #explain(item: string, cause: Failure): void {
    this.#causes.delete(item)
    this.#causes.set(item, cause)
    const [oldest] = this.#causes.keys()
    if (this.#causes.size > CAUSES && oldest !== undefined) this.#causes.delete(oldest)
  }

  /** Puts what was set aside back into the inbox: each is looked at once more. */
  async bringBack(): Promise<void> {
    await this.alone(async () => {
      for (const place of PLACES) await this.#bringBack(place, () => true)
    })
  }

  /** Nothing else moves a row out of its place until this is done. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#moves.then(work, work)
    this.#moves = mine
    return mine
  }

  /** Takes a row out of its place, in the batch of what is written in the same moment. Only `alone`. @param back into the inbox. */
  leave({ id, ...item }: InboxRow, back: boolean): void {
    const { writer, ns } = this.#context
    if (back) writer.rows.posts.push({ ...item, ns })
    writer.rows.drained.push(id)
    this.#lying -= this.#lying === 0 ? 0 : 1
  }

  /** Calls back when something of this name has been looked at that came out of the inbox, and was not taken; until it is taken back. */
  watch(item: string, came: (came: Came) => void): () => void {
    this.#watched.set(item, came)
    return () => void this.#watched.delete(item)
  }

  /** How something came out that lay in the inbox, and was not taken. */
  came(item: Omit<InboxItem, 'ns' | 'slot'>, came: Came): void {
    if (this.#watched.size > 0) this.#watched.get(itemOf(this.#context.shard, item))?.(came)
  }

  stop(): void {
    this.#isStopped = true
    this.#next?.()
  }

  #later(): void {
    if (this.#isStopped) return
    this.#next ??= this.#context.clock.after(this.#pauseMs, () => {
      this.#next = null
      this.#pauseMs = Math.min(this.#pauseMs * 2, LATEST_MS)
      this.#look().catch((error: unknown) => {
        if (!this.#isStopped) this.#context.fail(error)
      })
    })
  }

  /** What cannot be read stays where it is, and costs a look at it. */
  async #look(): Promise<void> {
    const context = this.#context
    const isReadable = ({ data, target }: InboxRow): boolean => {
      try {
        context.decode(data, 'turn', target)
        return true
      } catch {
        return false
      }
    }
    const isThere = await this.alone(async () => {
      await context.writer.barrier()
      return this.#bringBack('later', isReadable)
    })
    context.posted(context.shard)
    if (isThere) return this.#later()
    this.#pauseMs = SOONEST_MS
  }

  /** @returns whether any was there. */
  async #bringBack(place: AsidePlace, isWanted: (row: InboxRow) => boolean): Promise<boolean> {
    const { store, shard, ns, writer, log } = this.#context
    for (let after = 0; ;) {
      const rows = await orFailure(store.inbox(shard, nameOf(ns, place), PAGE, after))
      if (this.#isStopped) return false
      if (rows instanceof Error) {
        if (!isOfStore(rows)) throw rows
        log.error(`What was set aside in the shard ${shard} cannot be read: ${rows.message}`)
        return true
      }
      for (const row of rows.filter(isWanted)) this.leave(row, true)
      writer.flush()
      await writer.barrier()
      const last = rows.at(-1)
      if (last === undefined) return after > 0
      after = last.id
    }
  }
}

/**
 * Where a row goes that could be read, and not be taken; null when it is refused, and whoever asked hears it. A start or an event that
 * nobody waits for (it came in a transaction, a run says it (`silent`), or it has lain there for long) was taken by a version, and whatever
 * this one has against it, another may not have: its schema, its names, how much a value may have. When it came is by the clock of who
 * asked: what is not known to be fresh is kept.
 */
export function asideFor({ kind, at }: InboxRow, text: string, now: number, error: unknown): AsidePlace | null {
  // Nobody has thought of it.
  if (!isBalletError(error)) return 'later'
  // A newer version has said it, in another shard.
  if (kind === 'fact' || kind === 'begin') return isOfVersion(error) ? 'aside' : null
  if ((kind !== 'start' && kind !== 'event') || OF_ANOTHER.has(error.code)) return null
  const isHeard = Math.abs(now - at) <= FRESH_MS && (parseText(text) as { readonly silent?: true }).silent !== true
  return isHeard ? null : 'aside'
}
