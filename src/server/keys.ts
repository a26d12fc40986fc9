// What belongs together: everything of a business key, and everything that one run or event brought about.
import { keyOf, splitKey } from '../core/names.ts'
import { fault } from '../core/errors.ts'
import { answer, type Answer } from './answer.ts'
import { segment, type Exchange, type Route } from './route.ts'

async function showKey(exchange: Exchange): Promise<Answer> {
  const { field, value } = splitKey(keyOf(segment(exchange, 'field'), segment(exchange, 'value')))
  return answer(200, await exchange.app.key(field, value, exchange.query.text('cursor')))
}

async function showGraph({ app, query }: Exchange): Promise<Answer> {
  const root = query.text('root')
  if (root === undefined) throw fault('QUERY_INVALID', { name: 'root', problem: 'it is missing' })
  return answer(200, { root, ...(await app.graph(root, query.text('cursor'))) })
}

export const keyRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/keys/{field}/{value}',
    scope: 'read',
    summary: 'Show all runs and events of a key',
    query: ['cursor'],
    answer: showKey,
  },
  {
    method: 'GET',
    path: '/api/graph',
    scope: 'read',
    summary: 'Show all runs and events that one root brought about',
    query: ['root', 'cursor'],
    answer: showGraph,
  },
]
