// Everything of a business key, as `ballet why` tells it: how its flows stand, what of it is open and why, and what brought what
// about, over both styles.
import type { ReactNode } from 'react'
import { serverNow } from './api.ts'
import { Empty, EventLink, Failure, Loading, Part, RunLink, State, Unreadable, When, refOf, toneOf } from './pieces.tsx'
import { useKey, type Whole } from './queries.ts'
import { href } from './router.ts'
import { flowWords, printable, printableView, waitingLine, type FlowView, type RunView } from './shown.ts'
import { Tabs, WholeView } from './whole-view.tsx'

interface KeyProps {
  readonly field: string
  readonly value: string
  readonly query: URLSearchParams
}

export function KeyPage({ field, value, query }: KeyProps): ReactNode {
  const key = useKey(field, value)
  return (
    <>
      <div className="head">
        <h1 className="id">{printable(`${field}:${value}`)}</h1>
      </div>
      {key.isPending ? <Loading /> : <Failure of={key.error} />}
      {key.data === undefined ? null : (
        <>
          {key.data.flows.map((flow) => (
            <FlowLine key={flow.choreography} flow={flow} />
          ))}
          <WholePart whole={key.data} query={query} path={['keys', field, value]} />
        </>
      )}
    </>
  )
}

function FlowLine({ flow }: { readonly flow: FlowView }): ReactNode {
  return (
    <section className={`why ${toneOf(flow.state)}`}>
      <p className="line">
        <State of={flow.state} />{' '}
        <a href={href(['flows', flow.choreography, flow.key.value])}>{printable(flow.choreography)}</a>:{' '}
        {flowWords(printableView(flow), serverNow())}
      </p>
    </section>
  )
}

const FORMS = ['timeline', 'graph', 'sequence', 'runs', 'events'] as const

interface WholePartProps {
  readonly whole: Whole
  readonly query: URLSearchParams
  readonly path: readonly string[]
  /** The picture of the flow, where the page is that of one: it stands first then. */
  readonly drawing?: ReactNode
}

/** What is open, and all that happened in one of its forms. */
export function WholePart({ whole, query, path, drawing }: WholePartProps): ReactNode {
  const forms = drawing === undefined ? FORMS : (['flow', ...FORMS] as const)
  const shown = forms.find((name) => name === query.get('view')) ?? forms[0] ?? 'timeline'
  if (whole.runs.length + whole.events.length + whole.unreadable.length === 0)
    return <Empty>Nothing is known of this key: it has no run and no event here.</Empty>
  return (
    <>
      <OpenRuns runs={whole.runs} />
      <Unreadable of={whole.unreadable} />
      <Tabs names={forms} shown={shown} to={(name) => href(path, { view: name })} />
      {shown === 'flow' ? (
        drawing
      ) : shown === 'runs' ? (
        <RunsOf whole={whole} />
      ) : shown === 'events' ? (
        <EventsOf whole={whole} />
      ) : (
        <WholeView whole={whole} shown={shown} />
      )}
    </>
  )
}

function OpenRuns({ runs }: Pick<Whole, 'runs'>): ReactNode {
  const open = runs.filter(({ ended }) => ended === null)
  if (open.length === 0) return <p className="dim">No run is open.</p>
  return open.map((run) => (
    <section key={run.id} className={`why ${toneOf(run.status)}`}>
      <p className="line">
        <State of={run.status} phase={run.phase} /> <RunLink id={run.id} />:{' '}
        {waitingLine(printableView(run), serverNow())}
      </p>
    </section>
  ))
}

const oldestFirst = (one: RunView, other: RunView): number => one.created.localeCompare(other.created)

function RunsOf({ whole }: Pick<WholePartProps, 'whole'>): ReactNode {
  return (
    <ul className="plain">
      {whole.runs.toSorted(oldestFirst).map((run) => (
        <li key={run.id}>
          <State of={run.status} phase={run.phase} /> <RunLink id={run.id} />{' '}
          <span className="dim">
            {run.kind} <When at={run.created} />
          </span>
        </li>
      ))}
    </ul>
  )
}

function EventsOf({ whole }: Pick<WholePartProps, 'whole'>): ReactNode {
  return (
    <Part title="Events">
      <ul className="plain">
        {whole.events
          .toSorted((one, other) => one.time.localeCompare(other.time) || one.sequence.localeCompare(other.sequence))
          .map((event) => (
            <li key={refOf(event)}>
              <EventLink to={refOf(event)} root={event.correlationid}>
                {printable(event.type)}
              </EventLink>{' '}
              <span className="dim">
                from {printable(event.source)} <When at={event.time} />
                {event.published ? '' : ', not published'}
              </span>
            </li>
          ))}
      </ul>
    </Part>
  )
}
