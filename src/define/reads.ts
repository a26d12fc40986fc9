// Which runs, flows and events are asked for, and how many at once: what the lists of a running application take
// (application.ts).
import type { FlowStanding, RunKind, RunStatus } from '../core/store-queries.ts'

/** Which runs are asked for; without anything, all. */
export interface RunsRequest {
  /** Of the workflow, the operation, the reaction or the choreography. */
  readonly name?: string | undefined
  readonly status?: readonly RunStatus[] | undefined
  /** Only runs that are stuck for this reason; as in `ActAllRequest`. */
  readonly reason?: string | undefined
  readonly kind?: RunKind | undefined
  /** `field:value`. */
  readonly key?: string | undefined
  readonly root?: string | undefined
  /** 1 to 1,000; default 50. Newest first. */
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

/** Which flows of a choreography are asked for; without anything, all. */
export interface FlowsRequest {
  /** Only flows that stand so. */
  readonly state?: FlowStanding | undefined
  /** 1 to 1,000; default 50. In the order of their keys. */
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

/** Which events of the log are asked for; without anything, all. */
export interface EventsRequest {
  /** `field:value`. */
  readonly key?: string | undefined
  readonly types?: readonly string[] | undefined
  /** Only those that reactions and `receive` see, or only the others. */
  readonly published?: boolean | undefined
  /** 1 to 1,000; default 50. Oldest first. */
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}
