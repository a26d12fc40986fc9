// An open run in memory. A workflow has a machine; an operation run or a reaction is a single call. The row here is
// ahead of the store by what the writer has not committed yet.
import type { RunIdentity } from '../core/ids.ts'
import type { Machine } from '../core/machine.ts'
import type { Cancelled, Command, Delivered } from '../core/journal.ts'
import { soloInput, type Solo } from '../core/solo.ts'
import type { RunRow } from '../core/store.ts'
import type { RunCounts } from './counts.ts'
import type { Attempts } from './effect.ts'

/** How a run executes. */
export type Executor =
  | WorkflowExecutor
  | {
      readonly kind: 'solo'
      readonly solo: Solo
      command: (Command & { readonly op: string }) | null
      /** Who asked it to stop while an attempt was under way, or its workflow was asked for in another shard. */
      cancelled: Cancelled | null
      /** Which of its askings for a workflow in another shard is the last: the others' refusals do not count. */
      asked?: string
    }
  /** It conducts the flow of a key: conducts.ts has what there is of it. */
  | { readonly kind: 'conductor' }
  /** Its code is wrong (it threw, diverged, or is gone): nothing is delivered until the application is opened again.
   *  `seen` are the signals that it has had, `unread` how many it has not received. `sealed`: its rows cannot be read,
   *  so that nothing is written beside them either. `machine`: how far it had come in this process. */
  | {
      readonly kind: 'frozen'
      readonly seen: Map<string, string | undefined>
      unread?: number
      readonly sealed?: Error
      readonly machine?: Machine | undefined
    }

/** A class, as is whatever leads to a run for as long as that lives: a literal may be made in V8's old generation (ADR 49). */
export class WorkflowExecutor {
  readonly kind = 'workflow'
  readonly machine: Machine

  constructor(machine: Machine) {
    this.machine = machine
  }
}

export class LiveRun {
  row: RunRow
  executor: Executor = { kind: 'frozen', seen: new Map() }
  /** Seq of the next journal row. */
  seq = 0
  /** Turns of this generation in the journal, and their bytes as text. */
  turns = 0
  bytes = 0
  /** Turns that are queued or running: such a run is not evicted. */
  queued = 0
  /** Its last turn threw, and is queued to be made again: whatever comes is behind that, and behind what was kept for it. */
  isResuming = false
  /** Turns that are queued with what is kept for the run in its journal. */
  readonly mail: Set<{ delivered: Delivered }> = new Set()
  /** What came while turns were queued that it cannot make any more: it is given to the run behind them, in this order. */
  readonly held: (() => void)[] = []
  /** The same run, brought back anew since this one was taken out of memory. */
  heir: LiveRun | null = null
  /** Operations whose retries are exhausted: each waits for a person. */
  readonly stuckOps: Set<string> = new Set()
  /** Runs that took the place of a child which failed to take something back, by operation. */
  readonly again: Map<string, string> = new Map()
  /** Operations of which an attempt from an earlier life of the run may still be under way, and when this life began, by time that passes. */
  readonly lingering: Map<string, number> = new Map()
  /** Calls that take something back and have begun, in this life of the run. */
  readonly undosBegun: Set<string> = new Set()
  /** Attempts that failed in an earlier process, by operation. */
  readonly attempts: Map<string, Attempts> = new Map()
  /** Where it is counted. */
  readonly counts: RunCounts

  /** With nothing replayed yet. */
  constructor(row: RunRow, counts: RunCounts) {
    this.row = row
    this.counts = counts
  }
}

/** The machine of a run, also after it froze or ended; undefined when it has come to none in this process. */
export function machineOfRun({ executor }: LiveRun): Machine | undefined {
  return 'machine' in executor ? executor.machine : undefined
}

/** The run that a run waits for with an operation. */
export function childOf(
  { again }: Pick<LiveRun, 'again'>,
  { op, run }: Extract<Command, { kind: 'child' | 'join' }>,
): string {
  return again.get(op) ?? run
}

/** What derived ids of a run are made of, in the store of this id. */
export function identityOf(store: string, row: Pick<RunRow, 'ns' | 'id' | 'generation'>): RunIdentity {
  return { store, ns: row.ns, id: row.id, generation: row.generation }
}

/** What an operation run's or reaction's row says that it does. @param text its input, as `soloText` puts it. */
export function soloOf(row: RunRow, store: string, target: 'operation' | 'workflow', text: string): Solo {
  return { identity: identityOf(store, row), call: row.call, target, ...soloInput(text) }
}
