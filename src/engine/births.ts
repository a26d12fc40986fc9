// How runs come to be: the row, the claim of its id, and the live run, all in the batch of whatever brought it about.
// A run without a turn begins at recovery as it would have begun here, so a crash between its birth and its first turn
// loses nothing.
import type { Failure } from '../core/failure.ts'
import { toText, type JsonText } from '../core/json.ts'
import { Machine } from '../core/machine.ts'
import { soloCommand, type Solo } from '../core/solo.ts'
import type { RunRow } from '../core/store.ts'
import type { RunKind } from '../core/store-queries.ts'
import type { WorkflowDefinition } from '../define/definition.ts'
import { LiveRun, soloOf, WorkflowExecutor, type Executor } from './live-run.ts'
import { RunSpec } from './run-spec.ts'
import { writeSchedule } from './schedule.ts'
import type { ShardContext } from './shard-context.ts'

/** What a new run is. */
export interface Birth {
  readonly id: string
  readonly kind: RunKind
  readonly name: string
  readonly call: string
  readonly key: string | null
  readonly root: string
  readonly cause: string | null
  readonly parent: number | null
  readonly parentOp: string | null
  readonly input: JsonText
  /** Not before this time, and cancelled at that one, milliseconds since the epoch. */
  readonly at?: number | null
  readonly deadline?: number | null
  /** Of `startHash`; empty for runs that nobody can start by hand (reactions). */
  readonly hash: string
  /** Why it cannot begin: its reaction threw, for example. */
  readonly stuck?: { readonly reason: string; readonly error: Failure }
}

/** What makes two starts of one id the same: what is called, and the input as it was given. @throws VALUE_NOT_JSON */
export function startHash(context: Pick<ShardContext, 'hash'>, call: string, input: unknown): string {
  return hashOfGiven(context, { call, input }, input, `the input of ${call}`)
}

/**
 * The hash of what is asked for, in which `given` is: a schema may take what has no hash, since it is no JSON.
 * @throws VALUE_NOT_JSON
 */
export function hashOfGiven({ hash }: Pick<ShardContext, 'hash'>, asked: object, given: unknown, what: string): string {
  try {
    return hash(asked)
  } catch (error) {
    // It says in words what of it is none.
    toText(given, what)
    throw error
  }
}

/** The payloads of a new run, as the store keeps them. */
export type BirthPayloads = Pick<RunRow, 'input' | 'error'>

/** Asked for beforehand where a run is written beside something else: the codec may fail, and then nothing is written. */
export function payloadsOf(encode: ShardContext['encode'], { id, input, stuck }: Birth): BirthPayloads {
  return {
    input: encode(input, 'input', id),
    error: stuck === undefined ? null : encode(JSON.stringify(stuck.error), 'error', id),
  }
}

/** Writes a new run and makes it live. It does nothing before `begin`. */
export function createRun(
  context: ShardContext,
  birth: Birth,
  payloads: BirthPayloads = payloadsOf(context.encode, birth),
): LiveRun {
  const { writer, claims, open, ns } = context
  const num = writer.position()
  const { at = null } = birth
  const isLater = at !== null && at > context.now()
  const row: RunRow = {
    num,
    ns,
    id: birth.id,
    kind: birth.kind,
    name: birth.name,
    call: birth.call,
    version: context.version,
    key: birth.key,
    status: birth.stuck === undefined ? 'running' : 'stuck',
    phase: isLater ? 'scheduled' : null,
    reason: birth.stuck?.reason ?? null,
    root: birth.root,
    cause: birth.cause,
    parent: birth.parent,
    parentOp: birth.parentOp,
    generation: 0,
    output: null,
    ...payloads,
    created: context.now(),
    ended: null,
    since: 0,
    deadline: birth.deadline ?? null,
    at: isLater ? at : null,
  }
  writer.rows.runs.push(row)
  writeSchedule(context, row)
  writer.rows.claims.push(claims.take('run', birth.id, { num, hash: birth.hash }))
  writer.onDurable(() => {
    claims.durable('run', birth.id)
    context.watchers.touched(birth.key)
  })
  const run = liveRun(context, row, birth.input)
  run.counts.started += 1
  if (row.reason !== null) run.counts.stuck.add(row.reason)
  open.add(run)
  context.conducts.know(row)
  return run
}

/**
 * A live run over its row, with nothing replayed yet.
 * @param carry what the generation before handed on.
 */
export function liveRun(context: ShardContext, row: RunRow, input: JsonText, carry: JsonText | null = null): LiveRun {
  const run = new LiveRun(row, context.counts.runsOf(row.kind, row.name))
  const found = context.directory.find(row.call)
  if (row.kind === 'choreography') {
    if (context.directory.choreographies.has(row.name)) run.executor = { kind: 'conductor' }
  } else if (row.kind !== 'workflow') {
    const solo = soloOf(row, context.environment.store, found?.kind ?? 'operation', input)
    run.executor = soloExecutor(solo)
  } else if (found?.kind === 'workflow') {
    run.executor = new WorkflowExecutor(machineOf(context, run, found.workflow, input, carry))
  }
  return run
}

/** How a run of one call executes: its call is known from its row. */
export function soloExecutor(solo: Solo): Extract<Executor, { kind: 'solo' }> {
  return { kind: 'solo', solo, command: solo.target === 'operation' ? soloCommand(solo) : null, cancelled: null }
}

/** The machine of a run's present generation, before its first turn. */
export function machineOf(
  context: ShardContext,
  run: LiveRun,
  workflow: WorkflowDefinition,
  input: JsonText,
  carry: JsonText | null,
): Machine {
  return new Machine(new RunSpec(context, run, workflow, { input, carry }))
}
