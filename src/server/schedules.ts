// Schedules over HTTP: which there are and when each fires next, to pause and to resume one, and to fire it by hand.
import { answer, pathTo, type Answer } from './answer.ts'
import { reasonOf, readOptional } from './actions.ts'
import { optionalText } from './envelope.ts'
import { segment, type Exchange, type Route } from './route.ts'

async function list({ app }: Exchange): Promise<Answer> {
  return answer(200, { items: await app.schedules() })
}

async function show(exchange: Exchange): Promise<Answer> {
  return answer(200, await exchange.app.schedule(segment(exchange, 'name')))
}

async function pause(exchange: Exchange): Promise<Answer> {
  const body = await readOptional(exchange, ['by', 'why'])
  return answer(202, await exchange.app.pause(segment(exchange, 'name'), reasonOf(exchange, body)))
}

async function resume(exchange: Exchange): Promise<Answer> {
  const body = await readOptional(exchange, ['by', 'why'])
  return answer(202, await exchange.app.resume(segment(exchange, 'name'), reasonOf(exchange, body)))
}

async function trigger(exchange: Exchange): Promise<Answer> {
  const body = await readOptional(exchange, ['at', 'by', 'why'])
  const request = { at: optionalText(body, 'at'), ...reasonOf(exchange, body) }
  const { id, created } = await exchange.app.trigger(segment(exchange, 'name'), request)
  return answer(created ? 201 : 200, { id, created }, { location: pathTo('/api/runs', id) })
}

export const scheduleRoutes: readonly Route[] = [
  { method: 'GET', path: '/api/schedules', scope: 'read', summary: 'List the schedules', query: [], answer: list },
  { method: 'GET', path: '/api/schedules/{name}', scope: 'read', summary: 'Show a schedule', query: [], answer: show },
  {
    method: 'POST',
    path: '/api/schedules/{name}/pause',
    scope: 'act',
    summary: 'Let a schedule fire no more',
    query: [],
    answer: pause,
  },
  {
    method: 'POST',
    path: '/api/schedules/{name}/resume',
    scope: 'act',
    summary: 'Let a paused schedule go on',
    query: [],
    answer: resume,
  },
  {
    method: 'POST',
    path: '/api/schedules/{name}/runs',
    scope: 'act',
    summary: 'Fire a schedule by hand',
    query: [],
    answer: trigger,
  },
]
