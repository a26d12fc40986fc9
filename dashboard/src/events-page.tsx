// The log of events, oldest first, by key and type.
import type { ReactNode } from 'react'
import { FilterBar, filterOf } from './filter-bar.tsx'
import { More } from './more.tsx'
import { Empty, EventLink, Failure, Loading, Unreadable, When, refOf } from './pieces.tsx'
import { useEvents, useKnownApp } from './queries.ts'
import { href } from './router.ts'
import { printable, type EventView } from './shown.ts'
import { WindowList } from './window-list.tsx'

export function EventsPage({ query }: { readonly query: URLSearchParams }): ReactNode {
  const app = useKnownApp()
  const events = useEvents(filterOf(query, ['key', 'type', 'published']))
  const items = events.data?.pages.flatMap((page) => page.items) ?? []
  const unreadable = events.data?.pages.flatMap((page) => page.unreadable ?? []) ?? []
  const fieldOf = new Map(app?.events.map(({ type, key }) => [type, key]))
  return (
    <>
      <h1>Events</h1>
      <FilterBar
        path={['events']}
        query={query}
        fields={[
          { name: 'type', label: 'Type', options: (app?.events ?? []).map(({ type }) => type) },
          { name: 'key', label: 'Key', hint: 'orderId:8841' },
          { name: 'published', label: 'Published', options: ['true', 'false'] },
        ]}
      />
      <Failure of={events.error} />
      {events.isPending ? (
        <Loading />
      ) : events.data !== undefined && events.error === null && items.length === 0 && unreadable.length === 0 ? (
        <Empty>No event fits.</Empty>
      ) : null}
      <Unreadable of={unreadable} />
      <WindowList
        count={items.length}
        rowHeight={34}
        keyOf={(index) => items[index]?.sequence ?? `${index}`}
        row={(index) => <EventLine event={items[index] as EventView} field={fieldOf.get(items[index]?.type ?? '')} />}
        label="Events"
      />
      <More of={events} />
    </>
  )
}

function EventLine({ event, field }: { readonly event: EventView; readonly field: string | undefined }): ReactNode {
  return (
    <div className="event-line">
      <time className="dim" dateTime={event.time}>
        <When at={event.time} />
      </time>
      <EventLink to={refOf(event)} root={event.correlationid}>
        {printable(event.type)}
      </EventLink>
      {field === undefined ? (
        <span className="id">{printable(event.subject)}</span>
      ) : (
        <a className="id" href={href(['keys', field, event.subject])}>
          {printable(event.subject)}
        </a>
      )}
      <span className="dim">
        from {printable(event.source)}
        {event.published ? '' : ', not published'}
      </span>
    </div>
  )
}
