// The routes of services that fetch their calls: for work, to end a request for it, and for what came of a call.
import { fault } from '../core/errors.ts'
import type { WorkDoor } from '../core/transport.ts'
import { bareAnswer, textAnswer, type Answer } from './answer.ts'
import { segment, type Exchange, type Route } from './route.ts'
import { whenGone } from './work.ts'

/** @throws WORK_UNFETCHED */
function doorOf(exchange: Exchange): { readonly service: string; readonly door: WorkDoor } {
  const service = segment(exchange, 'service')
  const door = exchange.app.fetching.door(service)
  if (door === null) throw fault('WORK_UNFETCHED', { service: service.slice(0, 200) })
  return { service, door }
}

async function fetchWork(exchange: Exchange): Promise<Answer> {
  const { app, request, work } = exchange
  const { service, door } = doorOf(exchange)
  const asked = await door.asked(request)
  const handed = await exchange.wait((signal) => work.fetch({ app, service, door }, asked, signal))
  if (handed.calls.length > 0) whenGone(request.signal, () => handed.lost())
  return textAnswer('application/json', `{"calls":[${handed.calls.join(',')}]}`)
}

async function endFetch(exchange: Exchange): Promise<Answer> {
  const { service, door } = doorOf(exchange)
  await exchange.work.end(exchange.app, { service, door }, await door.ended(exchange.request))
  return bareAnswer(204)
}

async function answerWork(exchange: Exchange): Promise<Answer> {
  const { door } = doorOf(exchange)
  const { app, request, work } = exchange
  return (await work.answer(app, door, segment(exchange, 'token'), request)) ?? bareAnswer(204)
}

export const workRoutes: readonly Route[] = [
  { method: 'POST', path: '/api/work/{service}', summary: 'Fetch calls of a service', query: [], answer: fetchWork },
  {
    method: 'DELETE',
    path: '/api/work/{service}',
    summary: 'End a request for calls that waits',
    query: [],
    answer: endFetch,
  },
  {
    method: 'POST',
    path: '/api/work/{service}/{token}',
    summary: 'Answer a call that was fetched',
    query: [],
    answer: answerWork,
  },
]
