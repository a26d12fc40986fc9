// One event: what brought it about, what it says, and what it brought about in turn. It is found in its causal graph, whose root
// stands in the address; without one, the event itself is taken for where the graph began.
import type { ReactNode } from 'react'
import { serverNow } from './api.ts'
import { CausalGraph } from './causal-graph.tsx'
import {
  Copy,
  Empty,
  EventLink,
  Facts,
  Failure,
  Loading,
  Part,
  RefLink,
  RunLink,
  State,
  Unreadable,
  Value,
  When,
  refOf,
  shownId,
} from './pieces.tsx'
import { useGraph, useKnownApp, type Whole } from './queries.ts'
import { href } from './router.ts'
import { causalTree, printable, type EventView } from './shown.ts'

export function EventPage({ to, query }: { readonly to: string; readonly query: URLSearchParams }): ReactNode {
  const graph = useGraph(query.get('root') ?? to)
  const event = graph.data?.events.find((one) => refOf(one) === to)
  const hidden = graph.data?.unreadable.filter(({ id }) => to.endsWith(`:${id}`)) ?? []
  if (graph.data === undefined || event === undefined)
    return (
      <>
        <h1 className="id">{shownId(to)}</h1>
        <Failure of={graph.error} />
        {graph.isPending ? (
          <Loading />
        ) : graph.error === null && hidden.length === 0 ? (
          <Empty>There is no such event here.</Empty>
        ) : null}
        <Unreadable of={hidden} />
      </>
    )
  return <KnownEvent event={event} whole={graph.data} />
}

function KnownEvent({ event, whole }: { readonly event: EventView; readonly whole: Whole }): ReactNode {
  const own = refOf(event)
  const field = useKnownApp()?.events.find(({ type }) => type === event.type)?.key
  const effects = whole.runs.filter(({ cause }) => cause === own)
  const more = whole.events.filter(({ causationid }) => causationid === own)
  return (
    <>
      <div className="head">
        <h1>{printable(event.type)}</h1>
        <span className="dim">{event.published ? 'published' : 'not published: the outcome of a call'}</span>
        {field === undefined ? null : (
          <a className="id" href={href(['keys', field, event.subject])}>
            {printable(`${field}:${event.subject}`)}
          </a>
        )}
      </div>
      <div className="columns">
        <Part title="Cause">
          {event.causationid === undefined ? (
            <Empty>It came from outside.</Empty>
          ) : (
            <p>
              <RefLink to={event.causationid} root={event.correlationid} />
            </p>
          )}
        </Part>
        <Part title="Effects">
          {effects.length + more.length === 0 ? <Empty>Nothing followed from it.</Empty> : null}
          <ul className="plain">
            {effects.map((run) => (
              <li key={run.id}>
                <State of={run.status} phase={run.phase} /> <RunLink id={run.id} />
              </li>
            ))}
            {more.map((one) => (
              <li key={refOf(one)}>
                <EventLink to={refOf(one)} root={one.correlationid}>
                  {printable(one.type)}
                </EventLink>
              </li>
            ))}
          </ul>
        </Part>
      </div>
      <Part title="Data">
        <Value of={event.data} />
      </Part>
      <Part title="The graph that it is part of">
        <CausalGraph tree={causalTree(whole)} of={own} now={serverNow()} />
      </Part>
      <Part title="About this event">
        <Facts
          of={[
            { name: 'Time', value: <When at={event.time} /> },
            { name: 'Source', value: printable(event.source) },
            { name: 'Id', value: <Copy text={printable(event.id)} /> },
            { name: 'Position', value: event.sequence },
            { name: 'Root', value: <RefLink to={event.correlationid} root={event.correlationid} /> },
          ]}
        />
      </Part>
    </>
  )
}
