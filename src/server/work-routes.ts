// The routes of services that fetch their calls: for work, to end a request for it, for what came of a call, and that one lives.
import { bareAnswer, textAnswer, type Answer } from './answer.ts'
import { segment, type Exchange, type Route } from './route.ts'
import { nameOf, unfetched, whenGone, type Place } from './work.ts'

/** @throws WORK_UNFETCHED */
function placeOf(exchange: Exchange): Place {
  const { app } = exchange
  const service = segment(exchange, 'service')
  const door = app.fetching.door(service)
  if (door === null) throw unfetched(service)
  return { app, service, door }
}

async function fetchWork(exchange: Exchange): Promise<Answer> {
  const { request, work } = exchange
  const place = placeOf(exchange)
  const asked = await place.door.asked(request)
  const handed = await exchange.wait((signal) => work.fetch(place, asked, signal))
  if (handed.calls.length > 0) whenGone(request.signal, () => handed.lost())
  return textAnswer('application/json', `{"calls":[${handed.calls.join(',')}],"node":"${nameOf(place)}"}`)
}

async function endFetch(exchange: Exchange): Promise<Answer> {
  const place = placeOf(exchange)
  await exchange.work.end(place, await place.door.ended(exchange.request))
  return bareAnswer(204)
}

const sent = (what: 'answer' | 'heartbeat'): Route['answer'] =>
  told(async (exchange) => {
    const { request, work } = exchange
    const about = { what, token: segment(exchange, 'token') }
    return (await work.sent(placeOf(exchange), about, request)) ?? bareAnswer(204)
  })

/** What is refused is told here too. */
function told(answer: Route['answer']): Route['answer'] {
  return async (exchange) => {
    try {
      return await answer(exchange)
    } catch (error) {
      exchange.work.refused(error, segment(exchange, 'service'))
      throw error
    }
  }
}

export const workRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/api/work/{service}',
    scope: 'service',
    summary: 'Fetch calls of a service',
    query: [],
    answer: told(fetchWork),
  },
  {
    method: 'DELETE',
    path: '/api/work/{service}',
    scope: 'service',
    summary: 'End a request for calls that waits',
    query: [],
    answer: told(endFetch),
  },
  {
    method: 'POST',
    path: '/api/work/{service}/{token}',
    scope: 'service',
    summary: 'Answer a call that was fetched',
    query: [],
    answer: sent('answer'),
  },
  {
    method: 'POST',
    path: '/api/work/{service}/{token}/heartbeat',
    scope: 'service',
    summary: 'Say that a call lives, and hear whether it is wanted',
    query: [],
    answer: sent('heartbeat'),
  },
]
