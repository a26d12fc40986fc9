// What runs of other shards say to this one, taken from the inbox: an event of a key that is here, a workflow that a reaction
// elsewhere begins, and the answer to that. Each is there once, because its row was written with the turn that says it and
// goes with what it brings about; a begin may be said twice (its reaction was brought back meanwhile), and is known by its
// claim. Called by requests.ts.
import { fault, isBalletError } from '../core/errors.ts'
import { toFailure, type Failure } from '../core/failure.ts'
import { runRef } from '../core/ids.ts'
import { parseText } from '../core/json-text.ts'
import { toText } from '../core/json.ts'
import { createRun, startHash } from './births.ts'
import { markStuck } from './endings.ts'
import { appendEvent, type Fact } from './facts.ts'
import { post } from './outbox.ts'
import type { ShardContext } from './shard-context.ts'
import { endBegun, type BeginElsewhere } from './solo-runs.ts'

/** What became of a workflow that was to begin. */
interface Begun {
  /** The reaction, and the run that it began. */
  readonly run: string
  readonly id: string
  /** Why it did not. */
  readonly refused: { readonly reason: 'conflict' | 'threw'; readonly error: Failure } | null
}

/** @param drain takes the row away, in the batch of what was written in the same moment. */
export function takeFact(context: ShardContext, text: string, drain: () => void): void {
  const fact = parseText(text) as Fact
  whole(context, () => appendEvent(context, fact))
  drain()
  context.writer.flush()
}

/** Begins the workflow of a reaction, unless there is a run of its id, and says how that came out. */
export async function takeBegin(context: ShardContext, text: string, drain: () => void): Promise<void> {
  const { id, call, input, from, root } = parseText(text) as BeginElsewhere
  const answer = (refused: Begun['refused']): void => {
    post(context, 'begun', from, JSON.stringify({ run: from, id, refused } satisfies Begun))
    drain()
    context.writer.flush()
  }
  let birth: Parameters<typeof createRun>[1]
  try {
    const made = context.directory.checkInput(call, input)
    birth = {
      id,
      kind: 'workflow',
      name: call,
      call,
      key: context.directory.runKey(call, made),
      root,
      cause: runRef(from),
      parent: null,
      parentOp: null,
      input: toText(made, `the input of ${call}`) ?? 'null',
      hash: startHash(context, call, input),
    }
  } catch (error) {
    return answer({ reason: 'threw', error: toFailure(error) })
  }
  await context.claims.settle(
    'run',
    id,
    (taken) => {
      if (taken === null) whole(context, () => context.begin(createRun(context, birth)))
      const isConflict = taken !== null && taken.hash !== birth.hash
      answer(isConflict ? { reason: 'conflict', error: toFailure(fault('RUN_CONFLICT', { id })) } : null)
    },
    true,
  )
}

/** The reaction ends, or is stuck as it would be if the workflow were here. */
export async function takeBegun(context: ShardContext, text: string, drain: () => void): Promise<void> {
  const { run: reaction, id, refused } = parseText(text) as Begun
  const num = context.open.numOf(reaction)
  const run = num === undefined ? undefined : await context.live(num)
  const isWaiting = run?.executor.kind === 'solo' && run.row.ended === null && run.row.status === 'running'
  if (isWaiting && refused === null) whole(context, () => endBegun(context, run, id))
  else if (isWaiting && refused !== null) markStuck(context, run, null, refused.reason, refused.error)
  drain()
  context.writer.flush()
}

/**
 * What cannot be written here (the codec fails, perhaps) was said by a run all the same, and nobody is there to be told: as when
 * a run says it to its own shard, the shard fails, so that nothing of it becomes durable by half and its row stays.
 */
function whole(context: ShardContext, write: () => void): void {
  try {
    write()
  } catch (error) {
    context.fail(error)
    throw error
  }
}

/** Whether the store is at fault, and not what was asked. */
export const isOfStore = (error: unknown): boolean => isBalletError(error) && error.code === 'STORE_FAILED'
