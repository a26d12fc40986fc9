// What runs of other shards say to this one, taken from the inbox: an event of a key that is here, a workflow that a reaction
// elsewhere begins, and the answer to that. Each is there once, because its row was written with the turn that says it and
// goes with what it brings about; a begin may be said twice (its reaction was brought back meanwhile), and is known by its
// claim. Of what a newer version of the application says, this one may not know a name, or refuse a value: that is thrown, and waits
// for that version (aside.ts). While nodes are replaced one by one, such things come. Called by requests.ts.
import { fault, isBalletError, type BalletError } from '../core/errors.ts'
import { toFailure, type Failure } from '../core/failure.ts'
import { runRef } from '../core/ids.ts'
import { parseText } from '../core/json-text.ts'
import { toText } from '../core/json.ts'
import { compareVersions } from '../core/shares.ts'
import { createRun, startHash } from './births.ts'
import { markStuck } from './endings.ts'
import { appendEvent, type SentFact } from './facts.ts'
import type { LiveRun } from './live-run.ts'
import { post } from './outbox.ts'
import type { ShardContext } from './shard-context.ts'
import { endBegun, endWithdrawn, type BeginElsewhere } from './solo-runs.ts'

/** What became of a workflow that was to begin. */
interface Begun {
  /** The reaction, and the run that it began. */
  readonly run: string
  readonly id: string
  /** Which asking this answers. */
  readonly ask: string
  /** Why it did not; `withdrawn` when the reaction does not ask for it any more. */
  readonly refused: { readonly reason: 'conflict' | 'threw'; readonly error: Failure } | 'withdrawn' | null
}

/**
 * @param drain takes the row away, in the batch of what was written in the same moment.
 * @throws EVENT_UNKNOWN when another version may have reactions to it
 */
export function takeFact(context: ShardContext, text: string, drain: () => void): void {
  const { version, ...fact } = parseText(text) as SentFact
  if (ageOf(context, version) >= 0) context.directory.event(fact.type)
  whole(context, () => appendEvent(context, fact))
  drain()
  context.writer.flush()
}

/**
 * Begins the workflow of a reaction, unless there is a run of its id or the reaction was asked to stop meanwhile, and says how
 * that came out. The reaction waits for that, so that what its row says in this moment decides.
 * @throws CALL_UNKNOWN, INPUT_INVALID, KEY_INVALID when the version that asks may take it
 */
export async function takeBegin(context: ShardContext, text: string, drain: () => void): Promise<void> {
  const { id, call, input, made: held, from, num, root, ask, version } = parseText(text) as BeginElsewhere
  const answer = (refused: Begun['refused']): void => {
    post(context, 'begun', from, JSON.stringify({ run: from, id, ask, refused } satisfies Begun))
    drain()
    context.writer.flush()
  }
  let birth: Parameters<typeof createRun>[1]
  try {
    context.directory.callable(call)
    const made = held === undefined ? context.directory.checkInput(call, input) : parseText(held)
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
    if (isForAnother(context, version, error)) throw error
    return answer({ reason: 'threw', error: toFailure(error) })
  }
  const reaction = await context.store.run(context.place.shardOf(from), num)
  const isWanted = reaction?.status === 'running' && reaction.phase !== 'cancelling'
  await context.claims.settle(
    'run',
    id,
    (taken) => {
      if (taken === null && !isWanted) return answer('withdrawn')
      if (taken === null) whole(context, () => context.begin(createRun(context, birth)))
      const isConflict = taken !== null && taken.hash !== birth.hash
      answer(isConflict ? { reason: 'conflict', error: toFailure(fault('RUN_CONFLICT', { id })) } : null)
    },
    true,
  )
}

/** A begin that nobody takes any more: its reaction waits for the answer, and is stuck with this one. */
export function refuseBegin(context: ShardContext, text: string, error: Failure): void {
  const { id, from, ask } = parseText(text) as BeginElsewhere
  post(
    context,
    'begun',
    from,
    JSON.stringify({ run: from, id, ask, refused: { reason: 'threw', error } } satisfies Begun),
  )
}

/** The reaction ends, or is stuck as it would be if the workflow were here. */
export async function takeBegun(context: ShardContext, text: string, drain: () => void): Promise<void> {
  const { run: reaction, id, ask, refused } = parseText(text) as Begun
  const num = context.open.numOf(reaction)
  const run = num === undefined ? undefined : await context.live(num)
  if (run !== undefined) whole(context, () => answerReaction(context, run, { id, ask, refused }))
  drain()
  context.writer.flush()
}

/** One that has ended or is stuck waits for no answer. */
function answerReaction(context: ShardContext, run: LiveRun, { id, ask, refused }: Omit<Begun, 'run'>): void {
  const { executor, row } = run
  if (executor.kind !== 'solo' || row.ended !== null || row.status !== 'running') return
  if (refused === null) return endBegun(context, run, id)
  // It has asked again since it was brought back: the answer to that counts.
  if (executor.asked !== ask) return
  if (executor.cancelled !== null) return endWithdrawn(context, run, executor.cancelled)
  if (refused !== 'withdrawn') return markStuck(context, run, null, refused.reason, refused.error)
  // It is wanted again.
  context.release(run)
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

/** Above 0 when a newer version says it, 0 when one of the same name does, which may be another all the same. Rows of before have none. */
const ageOf = (context: ShardContext, version: string | undefined): number =>
  version === undefined ? -1 : compareVersions(version, context.version)

/** Whether the version that says it could take it. One that says it of itself, and refuses the value, is at fault. */
function isForAnother(context: ShardContext, version: string | undefined, error: unknown): boolean {
  const age = ageOf(context, version)
  return isOfVersion(error) && (age > 0 || (age === 0 && error.code === 'CALL_UNKNOWN'))
}

/** What a version says of an event, or of the workflow of a reaction, that another one says. */
const OF_VERSION: ReadonlySet<string> = new Set(['INPUT_INVALID', 'CALL_UNKNOWN', 'EVENT_UNKNOWN', 'KEY_INVALID'])
export const isOfVersion = (error: unknown): error is BalletError => isBalletError(error) && OF_VERSION.has(error.code)
