// What a running application is made of, judged by open.ts.
import type { Clock, Random } from '../core/clock.ts'
import type { Codec } from '../core/codec.ts'
import type { NodeInfo } from '../core/lease.ts'
import type { Store } from '../core/store.ts'
import type { Log } from '../define/definition.ts'
import type { Limits } from '../define/limits.ts'
import type { RetentionMs } from '../define/retention.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Directory } from './directory.ts'

export interface ApplicationOptions {
  readonly directory: Directory
  readonly store: Store
  readonly namespace: string
  /** The name that the application had before, or null. */
  readonly renamedFrom: string | null
  readonly node: NodeInfo
  readonly codec: Codec
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
  readonly liveRuns: number
  readonly limits: Limits
  readonly retention: RetentionMs | null
  readonly graceMs: number
  readonly development: boolean
  readonly watchdogMs: number | undefined
  readonly signal: AbortSignal | undefined
  readonly telemetry: Telemetry
}
