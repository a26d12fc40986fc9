// What a shard is made of: where it is, what runs there and how, and what it tells its process. Given by shards.ts.
import type { Clock, Random } from '../core/clock.ts'
import type { Codec } from '../core/codec.ts'
import type { InboxRow, Store, StoreInfo, Tenure } from '../core/store.ts'
import type { Log } from '../define/definition.ts'
import type { Limits } from '../define/limits.ts'
import type { RetentionMs } from '../define/retention.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Beside } from './admission.ts'
import type { CallLimits } from './call-limits.ts'
import type { Counts } from './counts.ts'
import type { CurrentWork } from './current-work.ts'
import type { Directory } from './directory.ts'
import type { Hold } from './hold.ts'
import type { Outages } from './outages.ts'
import type { Pulse } from './pulse.ts'
import type { StuckLines } from './stuck-lines.ts'
import type { Trials } from './trials.ts'

export interface ShardOptions {
  readonly store: Store
  readonly info: StoreInfo
  readonly tenure: Tenure
  readonly hold: Hold
  readonly ns: string
  readonly directory: Directory
  readonly codec: Codec
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Of the process, as are the counts. */
  readonly stuckLines: StuckLines
  readonly counts: Counts
  readonly liveRuns: number
  readonly limits: Limits
  readonly retention: RetentionMs | null
  readonly development: boolean
  readonly current: CurrentWork
  /** Handles an inbox row, whose number is drained with what it writes. False: a later read is to take it. */
  readonly handleInbox: (row: InboxRow) => Promise<boolean>
  readonly onFailure: (error: Error) => void
  readonly posted: (shard: number) => void
  /** Calls back now and then, at once for all that ask: their looks are one. */
  readonly pulse: Pulse
  /** Of the process: what may end it is done for one run at a time, of all shards. */
  readonly trials: Trials
  /** Of the process: what does not answer is said once. */
  readonly outages: Outages
  /** Of the process: lets attempts begin as their services can take them. */
  readonly callLimits: CallLimits
  /** Of the process. */
  readonly telemetry: Telemetry
  /** What the other shards of this process have taken on, when so many runs are to come in. */
  readonly beside: (runs: number) => Beside
}
