// What the reading commands ask, whether a process answers (client.ts) or the file is read without one (store-reads.ts).
import type { AsideWholeView } from '../core/aside-views.ts'
import type { AsidesPage, AsidesRequest } from '../define/asides.ts'
import type { EventsRequest, FlowsRequest, RunsRequest } from '../define/reads.ts'
import type { NodesView } from '../core/node-views.ts'
import type { CountsView, EventView, FlowView, JournalView, KeyView, Page, Related, RunView } from '../core/views.ts'

/** The names that there are, as far as is known. */
export interface KnownNames {
  /** Of workflows, operations, reactions and choreographies. */
  readonly runs: readonly string[]
  /** Types of events. */
  readonly events: readonly string[]
  readonly signals: readonly string[]
  /** What they were taken from: the store alone does not know what has never been. */
  readonly of: 'application' | 'store'
}

export interface Reads {
  run(id: string): Promise<RunView | null>
  runs(request: RunsRequest): Promise<Page<RunView>>
  counts(): Promise<CountsView>
  journal(
    run: string,
    request: { readonly limit?: number; readonly cursor?: string | undefined },
  ): Promise<Page<JournalView> | null>
  events(request: EventsRequest): Promise<Page<EventView>>
  key(field: string, value: string, cursor?: string): Promise<KeyView>
  flows(choreography: string, request: FlowsRequest): Promise<Page<FlowView>>
  nodes(): Promise<NodesView>
  asides(request: AsidesRequest): Promise<AsidesPage>
  /** Also one that was dropped. @throws ASIDE_UNKNOWN, ASIDE_DROPPED of one of which nobody knows what it said */
  aside(item: string): Promise<AsideWholeView>
  /** Everything of a causal graph, by its root. */
  graph(root: string, cursor?: string): Promise<Related>
  /** The fields that keys have here. */
  fields(): Promise<readonly string[]>
  /** The names that runs, events and signals have here. */
  known(): Promise<KnownNames>
  close(): Promise<void>
}

const PAGE = 1000

/** The whole journal of a run, page by page; null when there is no such run. */
export async function wholeJournal(reads: Reads, run: string): Promise<readonly JournalView[] | null> {
  const rows: JournalView[] = []
  let cursor: string | undefined
  do {
    const page = await reads.journal(run, { limit: PAGE, cursor })
    if (page === null) return null
    rows.push(...page.items)
    cursor = page.cursor
  } while (cursor !== undefined)
  return rows
}
