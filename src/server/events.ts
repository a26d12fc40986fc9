// Events over HTTP: publish one as a CloudEvent, list those that there are.
import { isRecord } from '../core/json.ts'
import type { Application } from '../define/application.ts'
import { answer, type Answer } from './answer.ts'
import { readCloudEvent, type CloudEvent } from './cloud-event.ts'
import { traceparentOf, wrong } from './envelope.ts'
import { PAGE_LIMIT, type Exchange, type Route } from './route.ts'

async function publish({ app, request, bodyLimitBytes }: Exchange): Promise<Answer> {
  const event = await readCloudEvent(request, bodyLimitBytes)
  if (event.subject !== undefined) await checkSubject(app, event, event.subject)
  const { type, data, id, source, cause } = event
  // Where the event was made, which may be far from who brings it.
  const traceparent = event.traceparent ?? traceparentOf(request)
  const published = await app.publishNamed({ type, data, id, source, cause, traceparent })
  const { created } = published
  return answer(created ? 202 : 200, {
    id: published.id,
    source: published.source,
    position: published.position,
    created,
  })
}

/** A subject says to whom the event belongs: it must be the key that the data has. An unknown type is judged later. */
async function checkSubject(app: Application, { type, data }: CloudEvent, subject: string): Promise<void> {
  const definition = (await app.describe()).events.find((event) => event.type === type)
  if (definition === undefined || !isRecord(data)) return
  const value = data[definition.key]
  if (typeof value !== 'string' || subject === value || subject === `${definition.key}:${value}`) return
  throw wrong('subject', `it must be the ${definition.key} of the event, or be left out`)
}

async function list({ app, query }: Exchange): Promise<Answer> {
  return answer(
    200,
    await app.events({
      key: query.key('key'),
      types: query.list('type'),
      published: query.flag('published'),
      limit: query.count('limit', PAGE_LIMIT),
      cursor: query.text('cursor'),
    }),
  )
}

export const eventRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/api/events',
    scope: 'start',
    summary: 'Publish an event (CloudEvents 1.0)',
    query: [],
    answer: publish,
  },
  {
    method: 'GET',
    path: '/api/events',
    scope: 'read',
    summary: 'List events, oldest first',
    query: ['key', 'type', 'published', 'cursor', 'limit'],
    answer: list,
  },
]
