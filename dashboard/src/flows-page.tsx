// The choreographies of the application, and the flows of one of them by how they stand.
import type { ReactNode } from 'react'
import { serverNow } from './api.ts'
import { FilterBar, filterOf } from './filter-bar.tsx'
import { FlowDrawing } from './flow-drawing.tsx'
import { FLOW_STATES, FlowNumbers } from './flow-numbers.tsx'
import { More } from './more.tsx'
import { Empty, Failure, Loading, Part, State, When } from './pieces.tsx'
import { useApp, useFlows } from './queries.ts'
import { href } from './router.ts'
import { flowWords, printable, printableView, type FlowView } from './shown.ts'
import { WindowList } from './window-list.tsx'

export function ChoreographiesPage(): ReactNode {
  const app = useApp()
  return (
    <>
      <h1>Flows</h1>
      {app.isPending ? <Loading /> : <Failure of={app.error} />}
      {app.data?.choreographies.length === 0 ? <Empty>The application has no choreography.</Empty> : null}
      {app.data?.choreographies.map(({ name, key, endings, drawing }) => (
        <Part key={name} title={printable(name)} note={`by ${key}; ends as ${endings.join(', ')}`}>
          <FlowNumbers name={name} />
          {drawing === undefined ? null : <FlowDrawing drawing={drawing} label={`The flow of ${name}`} />}
        </Part>
      ))}
    </>
  )
}

export function FlowsPage({ name, query }: { readonly name: string; readonly query: URLSearchParams }): ReactNode {
  const app = useApp()
  const flows = useFlows(name, filterOf(query, ['state']))
  const items = flows.data?.pages.flatMap((page) => page.items) ?? []
  const choreography = app.data?.choreographies.find((one) => one.name === name)
  return (
    <>
      <h1>Flows of {printable(name)}</h1>
      <FlowNumbers name={name} />
      <div className="line-of">
        <FilterBar
          path={['flows', name]}
          query={query}
          fields={[{ name: 'state', label: 'State', options: FLOW_STATES }]}
        />
        <a href={href(['start'], { what: 'flow', name })}>Conduct a flow</a>
      </div>
      <Failure of={flows.error} />
      {flows.isPending ? (
        <Loading />
      ) : flows.data !== undefined && flows.error === null && items.length === 0 ? (
        <Empty>No flow fits.</Empty>
      ) : null}
      <WindowList
        count={items.length}
        rowHeight={48}
        keyOf={(index) => items[index]?.key.value ?? `${index}`}
        row={(index) => <FlowLine flow={items[index] as FlowView} />}
        label="Flows"
      />
      <More of={flows} />
      {choreography?.drawing === undefined ? null : (
        <Part title="The flow">
          <FlowDrawing drawing={choreography.drawing} label={`The flow of ${name}`} />
        </Part>
      )}
    </>
  )
}

function FlowLine({ flow }: { readonly flow: FlowView }): ReactNode {
  return (
    <div className="run-line">
      <State of={flow.state} />
      <a className="id" href={href(['flows', flow.choreography, flow.key.value])}>
        {printable(flow.key.value)}
      </a>
      <span className="ago dim">
        <When at={flow.changed} ago />
      </span>
      <span className="line dim">{flowWords(printableView(flow), serverNow())}</span>
    </div>
  )
}
