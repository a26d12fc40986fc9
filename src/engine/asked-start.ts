// A start as somebody outside asks for it, judged once: what is called, with what, and under which id, from which follows
// where the run will be. Used by requests.ts, and by whoever has to find the shard first.
import { causeWith } from '../core/caller.ts'
import { runRef } from '../core/ids.ts'
import { toWholeText } from '../core/json-losses.ts'
import { fromText, type JsonText } from '../core/json.ts'
import { checkId, splitKey } from '../core/names.ts'
import type { StartRequest } from '../define/application.ts'
import { startHash, type Birth } from './births.ts'
import { timeOf } from './schedule.ts'
import type { ShardContext } from './shard-context.ts'

/** What is needed to judge; nothing of it is a shard's own. */
export type Judging = Pick<ShardContext, 'directory' | 'random' | 'clock' | 'hash'>

export interface AskedStart {
  readonly birth: Birth
  /** Whether it was asked for under this id: then there may be such a run. */
  readonly given: boolean
  /** Whose turns it will have; null for a single operation. */
  readonly workflow: string | null
}

/** Ids that are made until there is one of this process, at the most. */
const TRIES = 256

/**
 * @param isHere whether an id is one of a shard of this process: one that is made should be.
 * @param made what the schema made of the input at another door, where that holds.
 * @throws CALL_UNKNOWN, INPUT_INVALID, VALUE_NOT_JSON, KEY_INVALID, ID_INVALID, TIME_INVALID
 */
export function judgeStart(
  judging: Judging,
  request: StartRequest,
  isHere?: (id: string) => boolean,
  made?: JsonText,
): AskedStart {
  const { directory, clock } = judging
  const { call } = request
  const { kind } = directory.callable(call)
  const value = made === undefined ? directory.checkInput(call, request.input) : fromText(made)
  const input = toWholeText(value, `the input of ${call}`) ?? 'null'
  const key = directory.runKey(call, value)
  const { id, given } = runId(judging, request, key, isHere)
  const now = clock.now()
  const birth = {
    id,
    kind,
    name: call,
    call,
    key,
    root: runRef(id),
    cause: causeWith(null, request.traceparent),
    parent: null,
    parentOp: null,
    input,
    at: timeOf(request.at, 'The start', now),
    deadline: timeOf(request.deadline, 'The deadline', now),
    hash: startHash(judging, call, request.input),
  }
  return { birth, given, workflow: kind === 'workflow' ? call : null }
}

function runId(
  { directory, random, clock }: Judging,
  { id, call }: StartRequest,
  key: string | null,
  isHere: (id: string) => boolean = () => true,
): { readonly id: string; readonly given: boolean } {
  if (id !== undefined) return { id: directory.checkRunId(checkId(id, 'The run id'), call), given: true }
  if (key !== null) return { id: `${call}:${splitKey(key).value}`, given: true }
  let made = random.uuid(clock.now())
  for (let tries = 1; tries < TRIES && !isHere(made); tries++) made = random.uuid(clock.now())
  return { id: made, given: false }
}
