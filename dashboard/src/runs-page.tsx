// The list of runs, newest first, each with the line that says why it waits.
import type { ReactNode } from 'react'
import { serverNow } from './api.ts'
import { FilterBar, filterOf } from './filter-bar.tsx'
import { More } from './more.tsx'
import { Empty, Failure, KeyLink, Loading, RunLink, State, Unreadable, When, shownId } from './pieces.tsx'
import { useKnownApp, useRun, useRuns } from './queries.ts'
import { printable, printableView, waitingLine, type ApplicationView, type RunView } from './shown.ts'
import { WindowList } from './window-list.tsx'

const STATUSES = ['running', 'stuck', 'completed', 'failed', 'cancelled']
const KINDS = ['workflow', 'operation', 'reaction', 'choreography']
const REASONS = ['call', 'threw', 'diverged', 'limit', 'poisoned', 'conflict', 'unreadable']
/** Characters of an id in a line. */
const LISTED = 48
const NAMES = ['status', 'kind', 'name', 'key', 'reason', 'root', 'id'] as const

export function RunsPage({ query }: { readonly query: URLSearchParams }): ReactNode {
  const app = useKnownApp()
  const { id, ...filter } = filterOf(query, NAMES)
  return (
    <>
      <h1>Runs</h1>
      <FilterBar
        path={['runs']}
        query={query}
        fields={[
          { name: 'status', label: 'Status', options: STATUSES },
          { name: 'kind', label: 'Kind', options: KINDS },
          { name: 'name', label: 'Name', options: namesOf(app, filter['name']) },
          { name: 'reason', label: 'Stuck for', options: REASONS },
          { name: 'key', label: 'Key', hint: 'orderId:8841' },
          { name: 'id', label: 'Id', hint: 'checkout:8841' },
        ]}
      />
      {id === undefined ? <RunList filter={filter} /> : <OneRun id={id} />}
    </>
  )
}

/** All that runs can be called, and what is asked for even where the application has it no more. */
function namesOf(app: ApplicationView | undefined, asked: string | undefined): readonly string[] {
  const names = [
    ...(app?.workflows ?? []).map(({ name }) => name),
    ...(app?.choreographies ?? []).map(({ name }) => name),
    ...(app?.services ?? []).flatMap(({ operations, reactions }) =>
      [...operations, ...reactions].map(({ name }) => name),
    ),
  ]
  return asked === undefined || names.includes(asked) ? names : [asked, ...names]
}

function OneRun({ id }: { readonly id: string }): ReactNode {
  const run = useRun(id)
  if (run.data !== undefined) return <RunLine run={run.data} />
  return run.isPending ? <Loading /> : <Failure of={run.error} />
}

function RunList({ filter }: { readonly filter: Readonly<Record<string, string>> }): ReactNode {
  const runs = useRuns(filter)
  const items = runs.data?.pages.flatMap((page) => page.items) ?? []
  const unreadable = runs.data?.pages.flatMap((page) => page.unreadable ?? []) ?? []
  return (
    <>
      <Failure of={runs.error} />
      {runs.isPending ? (
        <Loading />
      ) : runs.data !== undefined && runs.error === null && items.length === 0 ? (
        <Empty>No run fits.</Empty>
      ) : null}
      <Unreadable of={unreadable} />
      <WindowList
        count={items.length}
        rowHeight={52}
        keyOf={(index) => items[index]?.id ?? `${index}`}
        row={(index) => <RunLine run={items[index] as RunView} />}
        label="Runs"
      />
      <More of={runs} />
    </>
  )
}

function RunLine({ run }: { readonly run: RunView }): ReactNode {
  return (
    <div className="run-line">
      <State of={run.status} phase={run.phase} />
      <RunLink id={run.id}>{shownId(run.id, LISTED)}</RunLink>
      <span className="what dim">
        {run.kind} {run.kind === 'reaction' && run.call !== undefined ? printable(run.call) : ''}
      </span>
      <KeyLink of={run.key} most={LISTED} />
      <span className="ago dim">
        <When at={run.created} ago />
      </span>
      <span className="line dim">{waitingLine(printableView(run), serverNow())}</span>
    </div>
  )
}
