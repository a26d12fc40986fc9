// Signals over HTTP: a named message to one run.
import { answer, type Answer } from './answer.ts'
import { readJson } from './body.ts'
import { optionalText, readEnvelope } from './envelope.ts'
import { segment, type Exchange, type Route } from './route.ts'
import { runId } from './runs.ts'

async function send(exchange: Exchange): Promise<Answer> {
  const body = readEnvelope(await readJson(exchange.request, exchange.bodyLimitBytes), ['data', 'id'])
  const { id, created } = await exchange.app.signalNamed({
    run: runId(exchange),
    name: segment(exchange, 'name'),
    data: body['data'],
    id: optionalText(body, 'id'),
  })
  return answer(created ? 202 : 200, { id, created })
}

export const signalRoutes: readonly Route[] = [
  { method: 'POST', path: '/api/runs/{id}/signals/{name}', summary: 'Send a signal to a run', query: [], answer: send },
]
