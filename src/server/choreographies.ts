// Choreographies over HTTP: which there are, how the flows of one stand, how that of one key does, and to conduct one.
import { fault } from '../core/errors.ts'
import type { FlowStanding } from '../core/store-queries.ts'
import { answer, pathTo, type Answer } from './answer.ts'
import { readJson } from './body.ts'
import { traceparentOf, optionalText, readEnvelope, requiredText } from './envelope.ts'
import { PAGE_LIMIT, segment, type Exchange, type Route } from './route.ts'

const FLOW_STATES = ['on track', 'may end', 'complete', 'broken', 'overdue'] as const satisfies readonly FlowStanding[]

async function list({ app }: Exchange): Promise<Answer> {
  const { choreographies } = await app.describe()
  return answer(200, { items: choreographies })
}

async function flows(exchange: Exchange): Promise<Answer> {
  const { app, query } = exchange
  const request = {
    state: query.word('state', FLOW_STATES),
    limit: query.count('limit', PAGE_LIMIT),
    cursor: query.text('cursor'),
  }
  return answer(200, await app.flows(segment(exchange, 'name'), request))
}

async function flow(exchange: Exchange): Promise<Answer> {
  const [choreography, key] = [segment(exchange, 'name'), segment(exchange, 'key')]
  const found = await exchange.app.flow(choreography, key)
  if (found === null) throw fault('FLOW_UNKNOWN', { choreography, key: key.slice(0, 256) })
  return answer(200, found)
}

/** Begins to conduct a flow, with the event that begins it. */
async function conduct(exchange: Exchange): Promise<Answer> {
  const { app, request, bodyLimitBytes } = exchange
  const body = readEnvelope(await readJson(request, bodyLimitBytes), ['type', 'data', 'id', 'source', 'cause'])
  const { id, created } = await app.conductNamed({
    choreography: segment(exchange, 'name'),
    type: requiredText(body, 'type'),
    data: body['data'],
    id: optionalText(body, 'id'),
    source: optionalText(body, 'source'),
    cause: optionalText(body, 'cause'),
    traceparent: traceparentOf(request),
  })
  return answer(created ? 201 : 200, { id, created }, { location: pathTo('/api/runs', id) })
}

export const choreographyRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/choreographies',
    scope: 'read',
    summary: 'List the choreographies',
    query: [],
    answer: list,
  },
  {
    method: 'GET',
    path: '/api/choreographies/{name}',
    scope: 'read',
    summary: 'List the flows of a choreography, by how they stand',
    query: ['state', 'cursor', 'limit'],
    answer: flows,
  },
  {
    method: 'GET',
    path: '/api/choreographies/{name}/{key}',
    scope: 'read',
    summary: 'Show how the flow of one key stands',
    query: [],
    answer: flow,
  },
  {
    method: 'POST',
    path: '/api/choreographies/{name}/runs',
    scope: 'start',
    summary: 'Conduct the flow of a key by one run',
    query: [],
    answer: conduct,
  },
]
