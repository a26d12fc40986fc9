// What a store is asked for where that is more than a name (StoreReader), and the words by which runs and flows are told apart.

/** `choreography`: a run that conducts the flow of one key. */
export type RunKind = 'workflow' | 'operation' | 'reaction' | 'choreography'
/** How a run stands. `stuck` waits for a person; `completed`, `failed` and `cancelled` have ended. */
export type RunStatus = 'running' | 'stuck' | 'completed' | 'failed' | 'cancelled'
/** How the flow of one key stands against its choreography. */
export type FlowStanding = 'on track' | 'may end' | 'complete' | 'broken' | 'overdue'

/** Which runs a store is asked for. */
export interface RunQuery {
  readonly ns: string
  readonly name?: string | undefined
  readonly status?: readonly RunStatus[] | undefined
  readonly reason?: string | undefined
  readonly kind?: RunKind | undefined
  readonly key?: string | undefined
  readonly root?: string | undefined
  readonly parent?: number | undefined
  /** Runs with a number below / above this. `before` reads newest first, `after` oldest first; newest first without either. */
  readonly before?: number | undefined
  readonly after?: number | undefined
  readonly limit: number
}

/** Which flows a store is asked for. */
export interface FlowQuery {
  readonly ns: string
  readonly name: string
  readonly standing?: FlowStanding | undefined
  /** Flows with a key behind this, in the order of their keys. */
  readonly after?: string | undefined
  readonly limit: number
}

/** Which events a store is asked for. */
export interface EventQuery {
  readonly ns: string
  readonly key?: string | undefined
  readonly types?: readonly string[] | undefined
  readonly root?: string | undefined
  readonly published?: boolean | undefined
  /** Events with a position above this, oldest first. */
  readonly after?: number | undefined
  readonly limit: number
}
