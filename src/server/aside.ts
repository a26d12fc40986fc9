// What lies aside over HTTP: list it, look at one, have one looked at once more by the owner of its shard, drop one; or all that match.
import type { InboxItem } from '../core/store.ts'
import { readBulk, reasonOf, readOptional } from './actions.ts'
import { answer, type Answer } from './answer.ts'
import { optionalText, optionalWord, readEnvelope, wrong, type Envelope } from './envelope.ts'
import { PAGE_LIMIT, segment, type Exchange, type Route } from './route.ts'

const ACTIONS = ['retry', 'drop'] as const
/** All that can lie aside. */
const KINDS = [
  'start',
  'signal',
  'event',
  'conduct',
  'cancel',
  'fact',
  'begin',
  'begun',
  'act',
] as const satisfies readonly InboxItem['kind'][]

async function list({ app, query }: Exchange): Promise<Answer> {
  return answer(
    200,
    await app.asides({
      kind: query.word('kind', KINDS),
      name: query.text('name'),
      version: query.text('version'),
      unread: query.flag('unread'),
      limit: query.count('limit', PAGE_LIMIT),
    }),
  )
}

async function show(exchange: Exchange): Promise<Answer> {
  return answer(200, await exchange.app.aside(segment(exchange, 'item')))
}

async function retry(exchange: Exchange): Promise<Answer> {
  const body = await readOptional(exchange, ['by', 'why'])
  return answer(202, await exchange.app.retryAside(segment(exchange, 'item'), reasonOf(exchange, body)))
}

async function drop(exchange: Exchange): Promise<Answer> {
  const body = await readOptional(exchange, ['by', 'why'])
  const acted = await exchange.app.dropAside(segment(exchange, 'item'), reasonOf(exchange, body))
  return answer(acted.changed ? 202 : 200, acted)
}

async function actOnAll(exchange: Exchange): Promise<Answer> {
  return answer(200, await exchange.app.actOnAsides(await readBulk(exchange, ACTIONS, filterOf)))
}

/** An absent filter is refused, so that no typo acts on everything; `{}` is everything, and says so. */
function filterOf(body: Envelope) {
  if (body['filter'] === undefined) throw wrong('filter', 'it is missing; {} stands for all that lies aside')
  const filter = readEnvelope(body['filter'], ['kind', 'name', 'version', 'unread'], 'filter')
  const { unread } = filter
  if (unread !== undefined && typeof unread !== 'boolean') throw wrong('filter.unread', 'it must be true or false')
  return {
    kind: optionalWord(filter, 'kind', KINDS, 'filter'),
    name: optionalText(filter, 'name', 'filter'),
    version: optionalText(filter, 'version', 'filter'),
    unread,
  }
}

export const asideRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/aside',
    scope: 'read',
    summary: 'List what lies aside',
    query: ['kind', 'name', 'version', 'unread', 'limit'],
    answer: list,
  },
  { method: 'GET', path: '/api/aside/{item}', scope: 'read', summary: 'Show what lies aside', query: [], answer: show },
  {
    method: 'POST',
    path: '/api/aside/{item}/retry',
    scope: 'act',
    summary: 'Look once more at what lies aside',
    query: [],
    answer: retry,
  },
  {
    method: 'POST',
    path: '/api/aside/{item}/drop',
    scope: 'act',
    summary: 'Drop what lies aside',
    query: [],
    answer: drop,
  },
  {
    method: 'POST',
    path: '/api/aside',
    scope: 'act',
    summary: 'Retry or drop all that match',
    query: [],
    answer: actOnAll,
  },
]
