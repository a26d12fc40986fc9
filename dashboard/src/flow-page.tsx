// The flow of one key: the same page as that of a run. First how it stands, what is awaited, from whom and by when; then the
// picture of its choreography with what has come; then all that happened.
import type { ReactNode } from 'react'
import { serverNow } from './api.ts'
import { FlowDrawing } from './flow-drawing.tsx'
import { WholePart } from './key-page.tsx'
import { EventLink, Facts, Failure, KeyLink, Loading, Part, State, When, toneOf } from './pieces.tsx'
import { useFlow, useKey, useKnownApp } from './queries.ts'
import { href } from './router.ts'
import { flowWords, inTime, printable, printableView, type EventView, type FlowView } from './shown.ts'
import { Table } from './table.tsx'

interface FlowProps {
  readonly name: string
  readonly value: string
  readonly query: URLSearchParams
}

export function FlowPage({ name, value, query }: FlowProps): ReactNode {
  const flow = useFlow(name, value)
  if (flow.data === undefined)
    return (
      <>
        <h1>
          {printable(name)} <span className="id">{printable(value)}</span>
        </h1>
        {flow.isPending ? <Loading /> : <Failure of={flow.error} />}
      </>
    )
  return <KnownFlow flow={flow.data} query={query} error={flow.error} />
}

interface KnownProps {
  readonly flow: FlowView
  readonly query: URLSearchParams
  readonly error: Error | null
}

function KnownFlow({ flow, query, error }: KnownProps): ReactNode {
  const key = useKey(flow.key.field, flow.key.value)
  const choreography = useKnownApp()?.choreographies.find(({ name }) => name === flow.choreography)
  const events = (key.data?.events ?? []).filter((event) => event.subject === flow.key.value)
  return (
    <>
      <div className="head">
        <h1>
          <span className="id">{printable(flow.key.value)}</span>
        </h1>
        <State of={flow.state} />
        <span>
          flow of <a href={href(['flows', flow.choreography])}>{printable(flow.choreography)}</a>
        </span>
        <KeyLink of={flow.key} />
      </div>
      <Failure of={error} />
      <section className={`why ${toneOf(flow.state)}`} aria-label="How it stands">
        <p className="line">{capital(flowWords(printableView(flow), serverNow()))}.</p>
      </section>
      <Awaited flow={flow} />
      <Broken flow={flow} events={events} />
      {key.data === undefined ? (
        key.isPending ? (
          <Loading />
        ) : (
          <Failure of={key.error} />
        )
      ) : (
        <WholePart
          whole={key.data}
          query={query}
          path={['flows', flow.choreography, flow.key.value]}
          drawing={
            choreography?.drawing === undefined ? undefined : (
              <FlowDrawing
                drawing={choreography.drawing}
                label={`The flow of ${flow.choreography}, with what has come`}
                come={new Set(events.map(({ type }) => type))}
                awaited={new Set(flow.awaited.map(({ event }) => event))}
                ending={flow.ending}
              />
            )
          }
        />
      )}
      <Part title="About this flow">
        <Facts
          of={[
            { name: 'Began', value: <When at={flow.began} /> },
            { name: 'Last event', value: <When at={flow.changed} /> },
            flow.ending !== undefined && { name: 'Ending', value: printable(flow.ending) },
            { name: 'Did not fit', value: flow.breaks },
            { name: 'Deadlines passed', value: flow.overdues },
          ]}
        />
      </Part>
    </>
  )
}

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`

function Awaited({ flow: { awaited, deadlines } }: { readonly flow: FlowView }): ReactNode {
  if (awaited.length === 0) return null
  const dueOf = (event: string): string => deadlines.find(({ events }) => events.includes(event))?.by ?? '9999'
  const soonest = (one: { event: string }, other: { event: string }): number =>
    dueOf(one.event).localeCompare(dueOf(other.event))
  const by = (event: string): ReactNode => {
    const deadline = deadlines.find(({ events }) => events.includes(event))
    if (deadline === undefined) return 'no limit'
    return (
      <span className={deadline.passed ? 'care' : ''}>
        {deadline.passed ? '▲ passed, ' : `${inTime(deadline.by, serverNow())}, `}
        <When at={deadline.by} />
      </span>
    )
  }
  return (
    <Part title="Awaited">
      <Table label="Awaited" heads={['Event', 'From', 'By']}>
        {awaited.toSorted(soonest).map(({ event, from }) => (
          <tr key={event}>
            <td className="id">{printable(event)}</td>
            <td>{from.length === 0 ? 'outside' : printable(from.join(', '))}</td>
            <td>{by(event)}</td>
          </tr>
        ))}
      </Table>
    </Part>
  )
}

function Broken({ flow, events }: { readonly flow: FlowView; readonly events: readonly EventView[] }): ReactNode {
  const { broken, owes = [] } = flow
  if (broken === undefined && owes.length === 0) return null
  const event = events.find(({ source, id }) => source === broken?.source && id === broken.id)
  return (
    <Part title="What did not fit">
      {broken === undefined ? null : (
        <p>
          {event === undefined ? (
            <span className="id">{printable(broken.event)}</span>
          ) : (
            <EventLink to={`event:${event.source}:${event.id}`} root={event.correlationid}>
              {printable(broken.event)}
            </EventLink>
          )}{' '}
          from {printable(broken.source)}, <When at={broken.time} />
        </p>
      )}
      {owes.length === 0 ? null : (
        <>
          <p>Done, and not taken back:</p>
          <ul>
            {owes.map(({ operation, undo }) => (
              <li key={operation}>
                <span className="id">{printable(operation)}</span>;{' '}
                <a href={href(['start'], { what: 'run', name: undo })}>{printable(undo)}</a> would take it back
              </li>
            ))}
          </ul>
        </>
      )}
    </Part>
  )
}
