// What the body of an operation or a step is given beside its input. The signal, the log and the traceparent are made when they are
// asked for, which few bodies do. They are properties of the context itself, so that `{ ...context }` has them; all contexts have
// the same getters, because an object with getters of its own costs as much as all else that an attempt needs (1.2 us
// and 1,300 bytes; by these it is 0.3 us). Used by calls.ts.
import { causeOf } from '../core/caller.ts'
import { idempotencyKey } from '../core/ids.ts'
import type { Json } from '../core/json.ts'
import { undeclaredHeartbeat } from '../core/progress.ts'
import type { RunRow, StoreInfo, Tenure } from '../core/store.ts'
import { attemptSpanId, traceIdOf, traceparent } from '../telemetry/trace-ids.ts'
import type { Sampler } from '../telemetry/sampling.ts'
import type { Log, OperationContext } from '../define/definition.ts'
import type { Counts } from './counts.ts'
import type { CurrentWork } from './current-work.ts'
import type { Heart } from './heart.ts'
import type { Heartbeats } from './heartbeats.ts'
import { identityOf } from './live-run.ts'
import { logOf } from './log.ts'
import type { StopSignal } from './stop-signal.ts'

/** What every call of a process shares. */
export interface CallEnvironment {
  readonly store: string
  readonly fence: string
  readonly counts: Counts
  readonly log: (run: string, op: string) => Log
  readonly sampler: Sampler
  /** Noted for a watchdog. */
  readonly current: CurrentWork
  /** How far its calls are. */
  readonly heartbeats: Heartbeats
}

/** What calls share in a shard that is held in this tenure. */
export function environmentOf({
  info,
  tenure,
  current,
  counts,
  log,
  telemetry,
  heartbeats,
}: {
  readonly info: StoreInfo
  readonly tenure: Tenure
  readonly current: CurrentWork
  readonly counts: Counts
  readonly log: Log
  readonly telemetry: { readonly sampler: Sampler }
  readonly heartbeats: Heartbeats
}): CallEnvironment {
  return {
    store: info.id,
    fence: `${info.incarnation}.${tenure.shard}.${tenure.epoch}`,
    log: (run, op) => logOf(log, run, op),
    sampler: telemetry.sampler,
    current,
    counts,
    heartbeats,
  }
}

/** What is called, and by whom. */
export interface Called {
  readonly row: RunRow
  readonly op: string
  /** Key of the call that it takes back. */
  readonly undoes: string | null
  /** 1 for the first. */
  readonly attempt: number
  /** How often a person had it tried again: then attempts are counted anew. */
  readonly round: number
  readonly timeoutMs: number
  /** Where it says that it lives; null when it is not asked. */
  readonly heart: Heart | null
  readonly stop: StopSignal
}

export class CallContext implements OperationContext {
  readonly idempotencyKey: string
  readonly fence: string
  readonly attempt: number
  readonly timeoutMs: number
  readonly key: string | null
  readonly run: string
  readonly op: string
  readonly root: string
  readonly cause: string | null
  readonly undoes: string | null
  readonly progress: Json | undefined
  readonly heartbeat: (progress?: unknown) => void
  declare readonly signal: AbortSignal
  declare readonly log: Log
  declare readonly traceparent: string
  readonly #environment: CallEnvironment
  readonly #called: Called

  constructor(environment: CallEnvironment, called: Called) {
    const { row, op, undoes, attempt, timeoutMs, heart } = called
    this.idempotencyKey = idempotencyKey(identityOf(environment.store, row), op)
    this.fence = environment.fence
    this.attempt = attempt
    this.timeoutMs = timeoutMs
    this.key = row.key
    this.run = row.id
    this.op = op
    this.root = row.root
    this.cause = causeOf(row.cause)
    this.undoes = undoes
    this.progress = heart === null ? undefined : heart.progress
    this.heartbeat = heart === null ? undeclaredHeartbeat : heart.begin(attempt)
    this.#environment = environment
    this.#called = called
    Object.defineProperty(this, 'signal', CallContext.#signal)
    Object.defineProperty(this, 'log', CallContext.#log)
    Object.defineProperty(this, 'traceparent', CallContext.#traceparent)
  }

  static readonly #signal = {
    enumerable: true,
    get(this: CallContext): AbortSignal {
      return this.#called.stop.signal
    },
  }

  static readonly #log = {
    enumerable: true,
    get(this: CallContext): Log {
      return this.#environment.log(this.run, this.op)
    },
  }

  static readonly #traceparent = {
    enumerable: true,
    get(this: CallContext): string {
      const { store, sampler } = this.#environment
      const { row, op, round, attempt } = this.#called
      const space = { store, ns: row.ns }
      const trace = traceIdOf(space, row.root)
      const span = attemptSpanId(space, { run: row.id, generation: row.generation, op, round, attempt })
      return traceparent(trace, span, sampler(trace))
    },
  }
}
