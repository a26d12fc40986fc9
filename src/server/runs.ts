// Runs over HTTP: start one, list them, look at one or wait for its end, read its journal.
import { fault } from '../core/errors.ts'
import { STUCK_REASONS } from '../core/journal.ts'
import type { RunKind, RunStatus } from '../core/store-queries.ts'
import { answer, pathTo, type Answer } from './answer.ts'
import { readJson } from './body.ts'
import { traceparentOf, optionalText, readEnvelope, requiredText } from './envelope.ts'
import { limitOf } from './query.ts'
import { PAGE_LIMIT, segment, type Exchange, type Route } from './route.ts'

const STATUSES = ['running', 'stuck', 'completed', 'failed', 'cancelled'] as const satisfies readonly RunStatus[]
export const KINDS: readonly RunKind[] = ['workflow', 'operation', 'reaction', 'choreography']
/** Longest wait of one request; a client asks again. */
const WAIT_LIMIT = limitOf('60s')

async function start(exchange: Exchange): Promise<Answer> {
  const { app, request, bodyLimitBytes } = exchange
  const waitMs = exchange.query.duration('wait', WAIT_LIMIT)
  const body = readEnvelope(await readJson(request, bodyLimitBytes), ['call', 'input', 'id', 'at', 'deadline'])
  const started = await app.startNamed({
    call: requiredText(body, 'call'),
    input: body['input'],
    id: optionalText(body, 'id'),
    at: optionalText(body, 'at'),
    deadline: optionalText(body, 'deadline'),
    traceparent: traceparentOf(request),
  })
  const { id, created } = started
  // What has been started is acknowledged whatever becomes of the wait.
  const run = waitMs === undefined ? {} : { run: await exchange.wait((signal) => app.settled(id, waitMs, signal)) }
  return answer(created ? 201 : 200, { id, created, ...run }, { location: pathTo('/api/runs', id) })
}

async function list({ app, query }: Exchange): Promise<Answer> {
  return answer(
    200,
    await app.runs({
      name: query.text('name'),
      status: query.words('status', STATUSES),
      reason: query.word('reason', STUCK_REASONS),
      kind: query.word('kind', KINDS),
      key: query.key('key'),
      root: query.text('root'),
      limit: query.count('limit', PAGE_LIMIT),
      cursor: query.text('cursor'),
    }),
  )
}

async function show(exchange: Exchange): Promise<Answer> {
  const id = runId(exchange)
  const waitMs = exchange.query.duration('wait', WAIT_LIMIT)
  const { app } = exchange
  // Cut short (the client has gone, the server closes), a wait answers with the run as it is.
  const run =
    waitMs === undefined ? await app.run(id) : await exchange.wait((signal) => app.settled(id, waitMs, signal))
  if (run === null) throw unknown(id)
  return answer(200, run)
}

async function journal(exchange: Exchange): Promise<Answer> {
  const id = runId(exchange)
  const limit = exchange.query.count('limit', PAGE_LIMIT)
  const cursor = exchange.query.text('cursor')
  const page = await exchange.app.journal(id, {
    ...(limit === undefined ? {} : { limit }),
    ...(cursor === undefined ? {} : { cursor }),
  })
  if (page === null) throw unknown(id)
  return answer(200, page)
}

/** The id in the path. One that no run can have is not looked for. @throws RUN_UNKNOWN */
export function runId(exchange: Exchange): string {
  const id = segment(exchange, 'id')
  if (!/^[\x21-\x7e]+$/.test(id)) throw unknown(id)
  return id
}

function unknown(id: string): Error {
  return fault('RUN_UNKNOWN', { id: id.slice(0, 256) })
}

export const runRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/api/runs',
    scope: 'start',
    summary: 'Start a workflow or an operation',
    query: ['wait'],
    answer: start,
  },
  {
    method: 'GET',
    path: '/api/runs',
    scope: 'read',
    summary: 'List runs, newest first',
    query: ['name', 'status', 'reason', 'kind', 'key', 'root', 'limit', 'cursor'],
    answer: list,
  },
  {
    method: 'GET',
    path: '/api/counts',
    scope: 'read',
    summary: 'Count the runs that have not ended',
    query: [],
    answer: async ({ app }) => answer(200, await app.counts()),
  },
  {
    method: 'GET',
    path: '/api/runs/{id}',
    scope: 'read',
    summary: 'Show a run, or wait for its end',
    query: ['wait'],
    answer: show,
  },
  {
    method: 'GET',
    path: '/api/runs/{id}/journal',
    scope: 'read',
    summary: 'Read the journal of a run',
    query: ['limit', 'cursor'],
    answer: journal,
  },
]
