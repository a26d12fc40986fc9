// An attempt that was given up, and answers all the same when its call has been taken back: what it did stands again, and
// an undo of it has been and gone (protocol: an idempotency key does not help, it is the same call). So it is taken back
// once more, under a new key, by a run of its own: the run that made the call may have ended. A service that refuses a
// key once it has undone it never gets here. Called by the effects, through the effect of each attempt.
import { toFailure } from '../core/failure.ts'
import { AGAIN_ID_LIMIT, checkChildId, childId, runRef } from '../core/ids.ts'
import { fromText, toText, type JsonText } from '../core/json.ts'
import type { Note } from '../core/journal.ts'
import type { Machine } from '../core/machine.ts'
import type { Registered } from '../core/undo.ts'
import type { CallValue } from '../core/values.ts'
import { createRun, startHash } from './births.ts'
import type { Effect } from './effect.ts'
import { writeNote } from './endings.ts'
import { identityOf, machineOfRun, type LiveRun } from './live-run.ts'
import { orFailure } from './run-rows.ts'
import type { ShardContext } from './shard-context.ts'

/** Where a run of one call says in its row what it takes back: the generation and the operation of the run that caused it. */
const LATE = 'late:'
/** Characters of the hash of what takes it back that stand in the id of the run: 48 bits, for the attempts of one call. */
const HASH_SHOWN = 8

/** The key of the call that a run of one call takes back, from its row; null for any other run. */
export function lateUndone(row: LiveRun['row']): { readonly id: string; readonly undoes: string } | null {
  if (row.parentOp?.startsWith(LATE) !== true || row.cause === null) return null
  return { id: row.cause.slice(runRef('').length), undoes: row.parentOp.slice(LATE.length) }
}

/** What to do when attempt `attempt` of `op` answers after it was given up. */
export function lateAnswer(context: ShardContext, run: LiveRun, op: string): Effect['late'] {
  const { executor } = run
  const { generation } = run.row
  if (executor.kind !== 'workflow') return () => undefined
  const { machine } = executor
  return (attempt, payload) => {
    // The run may have been brought back anew, gone on as another generation, or ended since the attempt began.
    let now = run
    while (now.heir !== null) now = now.heir
    const undone = undoneOf(context, now, machineOfRun(now) ?? machine, { op, generation })
    if (undone === undefined) return undefined
    return takeBackAgain(context, now, undone, { op, generation, attempt, payload })
  }
}

interface Called {
  readonly op: string
  readonly generation: number
}

/** What has taken back the call, or is doing so; undefined when that is still to come, or nobody wants it. */
function undoneOf(
  { effects }: ShardContext,
  { row, undosBegun, stuckOps }: LiveRun,
  { spec, undos, pending }: Machine,
  { op, generation }: Called,
): Registered | undefined {
  const name = spec.identity.generation === generation ? op : `${generation}~${op}`
  const undone = undos.takenUnknown(name)
  const undo = `undo:${name}`
  // The turn that asks for it may not be durable yet. What a workflow has done for it by now, nobody here knows.
  const isUnbegun = pending.get(undo)?.command.kind === 'call' && !undosBegun.has(undo) && !stuckOps.has(undo)
  return isUnbegun || effects.state(row.num, undo) === 'waiting' ? undefined : undone
}

/** Takes back what is known to have happened now. */
function takeBackAgain(
  context: ShardContext,
  run: LiveRun,
  { name, undo, wasNothing = false }: Registered,
  { op, generation, attempt, payload }: Called & { readonly attempt: number; readonly payload: JsonText | undefined },
): Promise<void> | undefined {
  const { claims, log, directory } = context
  const { row } = run
  const how = wasNothing ? 'there had been nothing to take back' : 'it had been taken back'
  const words = `${op} of the run "${row.id}" answered after ${how}`
  const again = wasNothing ? '' : ' again'
  const late = { kind: 'late', op, attempt, ...(wasNothing ? { nothing: true as const } : {}) } as const
  try {
    const call = typeof undo === 'function' ? undo(fromText(payload)) : undo
    if (call === null) return undefined
    directory.checkUndo(name, call)
    const birthOfCall = birthOf(context, row, call)
    // Two attempts that answer alike are one call, made twice under one key: it is taken back once.
    const label = `${LATE}${op}:${birthOfCall.hash.slice(0, HASH_SHOWN)}`
    const made = childId({ ...identityOf(context.environment.store, row), generation }, label)
    const id = checkChildId(made, op, AGAIN_ID_LIMIT)
    const birth = { ...birthOfCall, id, parentOp: `${LATE}${generation}~${op}` }
    const begin = (taken: unknown, isKept: boolean): void => {
      if (taken !== null) return
      log.error(`${words}: it is taken back${again}, by the run "${id}"`, undefined, { run: row.id, op })
      context.begin(createRun(context, birth))
      if (isKept) note(context, run, { ...late, run: id })
      context.writer.flush()
    }
    return isThere(context, run)
      .then((isKept) => claims.settle('run', id, (taken) => begin(taken, isKept)))
      .catch((error: unknown) => context.fail(error))
  } catch (error) {
    const failure = toFailure(error)
    const about = { run: row.id, op, code: failure.code }
    log.error(`${words}, and cannot be taken back${again}: ${failure.message}`, undefined, about)
    const said = { ...late, run: null, error: failure }
    return isThere(context, run)
      .then((isKept) => (isKept ? note(context, run, said) : undefined))
      .catch((failed: unknown) => context.fail(failed))
  }
}

function birthOf(context: ShardContext, row: LiveRun['row'], call: CallValue) {
  const { directory } = context
  const value = directory.checkInput(call.name, call.input)
  return {
    kind: directory.callable(call.name).kind,
    name: call.name,
    call: call.name,
    key: directory.runKey(call.name, value) ?? row.key,
    root: row.root,
    cause: runRef(row.id),
    parent: row.num,
    input: toText(value, `the input of ${call.name}`) ?? 'null',
    hash: startHash(context, call.name, call.input),
  }
}

/** Whether there is a journal to write into: one that ended long ago may have been forgotten, and rows of it would stay for ever. */
async function isThere({ store, shard }: ShardContext, { row }: LiveRun): Promise<boolean> {
  if (row.ended === null) return true
  const stored = await orFailure(store.run(shard, row.num))
  return stored !== null && !(stored instanceof Error)
}

/** In the journal of the run that made the call, as long as nobody else writes there. */
function note(context: ShardContext, run: LiveRun, words: Note): void {
  if (context.open.use(run.row.num) === run || run.row.ended !== null) writeNote(context, run, words)
}
