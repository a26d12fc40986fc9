// Signals over HTTP: a named message to one run.
import { isRecord } from '../core/json.ts'
import { nearest } from '../core/names.ts'
import { answer, type Answer } from './answer.ts'
import { readJson } from './body.ts'
import { traceparentOf, optionalText, readEnvelope, wrong } from './envelope.ts'
import { segment, type Exchange, type Route } from './route.ts'
import { runId } from './runs.ts'

/** What the ids of the runs begin with that are schedules: to pause one is an action, by whichever door. */
const SCHEDULES = '@schedule:'

async function send(exchange: Exchange): Promise<Answer> {
  const json = await readJson(exchange.request, exchange.bodyLimitBytes)
  // Whoever sends the data itself is told where it belongs, and not that its first field is none.
  const others = isRecord(json) ? Object.keys(json).filter((name) => name !== 'id') : []
  if (others.length > 0 && others.every((name) => name !== 'data' && nearest(name, ['data']) === ''))
    throw wrong('data', 'it is missing: what the signal says stands in it, {"data": ...}')
  const body = readEnvelope(json, ['data', 'id'])
  const run = runId(exchange)
  // It pauses one, or lets one go on.
  if (run.startsWith(SCHEDULES)) exchange.demand('act')
  const { id, created } = await exchange.app.signalNamed({
    run,
    name: segment(exchange, 'name'),
    data: body['data'],
    id: optionalText(body, 'id'),
    traceparent: traceparentOf(exchange.request),
  })
  return answer(created ? 202 : 200, { id, created })
}

export const signalRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/api/runs/{id}/signals/{name}',
    scope: 'signal',
    summary: 'Send a signal to a run',
    query: [],
    answer: send,
  },
]
