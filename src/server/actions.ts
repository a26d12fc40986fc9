// What a person does to runs over HTTP: cancel one, try it again, answer or fail one of its calls, or do so for all that
// match. Every answer says what has become durable: 202 when it changed something, 200 when it had been asked before.
import { keyOf, splitKey } from '../core/names.ts'
import type { Acted, ActAllRequest, FailRequest } from '../define/application.ts'
import type { Reasoned } from '../define/reasoned.ts'
import { answer, type Answer } from './answer.ts'
import { readJson, readJsonOrNothing } from './body.ts'
import { optionalText, optionalWord, readEnvelope, requiredText, wrong, type Envelope } from './envelope.ts'
import { KINDS, runId } from './runs.ts'
import type { Exchange, Route } from './route.ts'

const BULK_ACTIONS = ['retry', 'cancel'] as const
const OPEN_STATUSES = ['running', 'stuck'] as const
/** Most runs, or what else it is, of one bulk action. */
const BULK_LIMIT = 10_000
/** Longest `by` and `why`, in characters. */
const BY_LIMIT = 256
const WHY_LIMIT = 4000

async function cancel(exchange: Exchange): Promise<Answer> {
  const body = await readOptional(exchange, ['by', 'why'])
  return acted(await exchange.app.cancel(runId(exchange), reasonOf(exchange, body)))
}

async function retry(exchange: Exchange): Promise<Answer> {
  const body = await readOptional(exchange, ['op', 'by', 'why'])
  return acted(await exchange.app.retry(runId(exchange), { op: optionalText(body, 'op'), ...reasonOf(exchange, body) }))
}

async function answerCall(exchange: Exchange): Promise<Answer> {
  const body = await read(exchange, ['op', 'value', 'by', 'why'])
  const request = { op: requiredText(body, 'op'), value: body['value'], ...reasonOf(exchange, body) }
  return acted(await exchange.app.answer(runId(exchange), request))
}

async function fail(exchange: Exchange): Promise<Answer> {
  const body = await read(exchange, ['op', 'error', 'by', 'why'])
  const request = { op: optionalText(body, 'op'), error: errorOf(body), ...reasonOf(exchange, body) }
  return acted(await exchange.app.fail(runId(exchange), request))
}

async function actOnAll(exchange: Exchange): Promise<Answer> {
  return answer(200, await exchange.app.actOnAll(await readBulk(exchange, BULK_ACTIONS, runFilterOf)))
}

interface Bulk<Word> extends Reasoned {
  readonly action: Word
  readonly limit: number | undefined
  readonly rehearse: boolean | undefined
}

/** One action for all that match. Also for what lies aside. @param filterOf what its filter means */
export async function readBulk<Word extends string, Filter>(
  exchange: Exchange,
  actions: readonly Word[],
  filterOf: (body: Envelope) => Filter,
): Promise<Filter & Bulk<Word>> {
  const body = await read(exchange, ['action', 'filter', 'limit', 'rehearse', 'by', 'why'])
  const action = optionalWord(body, 'action', actions)
  if (action === undefined) throw wrong('action', 'it is missing')
  return {
    action,
    ...filterOf(body),
    limit: limitOf(body),
    rehearse: rehearseOf(body),
    ...reasonOf(exchange, body),
  }
}

async function read({ request, bodyLimitBytes }: Exchange, names: readonly string[]): Promise<Envelope> {
  return readEnvelope(await readJson(request, bodyLimitBytes), names)
}

/** The fields of a body that may be left out. Also for schedules. */
export async function readOptional({ request, bodyLimitBytes }: Exchange, names: readonly string[]): Promise<Envelope> {
  return readEnvelope((await readJsonOrNothing(request, bodyLimitBytes)) ?? {}, names)
}

/** A run that had been asked for the same before is not changed by it. */
function acted(result: Acted): Answer {
  return answer(result.changed ? 202 : 200, result)
}

/** Who asks and why, as the body says it; whoever does not say who it is, and bears an API key, has its name. */
export function reasonOf({ keyName }: Pick<Exchange, 'keyName'>, body: Envelope): Reasoned {
  return { by: shortText(body, 'by', BY_LIMIT) ?? keyName ?? undefined, why: shortText(body, 'why', WHY_LIMIT) }
}

function shortText(body: Envelope, name: string, limit: number): string | undefined {
  const text = optionalText(body, name)
  if (text !== undefined && text.length > limit) throw wrong(name, `it must have at most ${limit} characters`)
  return text
}

function errorOf(body: Envelope): FailRequest['error'] {
  const given = body['error']
  if (given === undefined) throw wrong('error', 'it is missing')
  const error = readEnvelope(given, ['code', 'message'], 'error')
  return { code: optionalText(error, 'code', 'error'), message: requiredText(error, 'message', 'error') }
}

/** An absent filter is refused, so that no typo acts on every run; `{}` is every run, and says so. */
function runFilterOf(body: Envelope): Omit<ActAllRequest, 'action' | 'limit' | 'rehearse' | keyof Reasoned> {
  const given = body['filter']
  if (given === undefined) throw wrong('filter', 'it is missing; {} stands for every open run')
  const filter = readEnvelope(given, ['name', 'reason', 'status', 'kind', 'key', 'root'], 'filter')
  return {
    name: optionalText(filter, 'name', 'filter'),
    reason: optionalText(filter, 'reason', 'filter'),
    status: statusesOf(filter),
    kind: optionalWord(filter, 'kind', KINDS, 'filter'),
    key: keyIn(filter),
    root: optionalText(filter, 'root', 'filter'),
  }
}

function statusesOf(filter: Envelope): ActAllRequest['status'] {
  const given = filter['status']
  if (given === undefined) return undefined
  if (!Array.isArray(given) || given.length === 0)
    throw wrong('filter.status', `it must be a list of ${OPEN_STATUSES.join(', ')}`)
  return given.map((status) => {
    const found = OPEN_STATUSES.find((one) => one === status)
    if (found === undefined) throw wrong('filter.status', `it must be a list of ${OPEN_STATUSES.join(', ')}`)
    return found
  })
}

/** A business key in its normal form. @throws KEY_INVALID */
function keyIn(filter: Envelope): string | undefined {
  const text = optionalText(filter, 'key', 'filter')
  if (text === undefined) return undefined
  if (!text.includes(':')) throw wrong('filter.key', 'it must be field:value, for example orderId:8841')
  const { field, value } = splitKey(text)
  return keyOf(field, value)
}

function limitOf(body: Envelope): number | undefined {
  const limit = body['limit']
  if (limit === undefined) return undefined
  if (typeof limit === 'number' && Number.isInteger(limit) && limit >= 1 && limit <= BULK_LIMIT) return limit
  throw wrong('limit', `it must be a whole number from 1 to ${BULK_LIMIT}`)
}

function rehearseOf(body: Envelope): boolean | undefined {
  const rehearse = body['rehearse']
  if (rehearse === undefined || typeof rehearse === 'boolean') return rehearse
  throw wrong('rehearse', 'it must be true or false')
}

export const actionRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/api/runs/{id}/cancel',
    scope: 'act',
    summary: 'Ask a run to stop',
    query: [],
    answer: cancel,
  },
  {
    method: 'POST',
    path: '/api/runs/{id}/retry',
    scope: 'act',
    summary: 'Try again what is stuck',
    query: [],
    answer: retry,
  },
  {
    method: 'POST',
    path: '/api/runs/{id}/answer',
    scope: 'act',
    summary: 'Answer a stuck call',
    query: [],
    answer: answerCall,
  },
  {
    method: 'POST',
    path: '/api/runs/{id}/fail',
    scope: 'act',
    summary: 'Let a stuck call fail',
    query: [],
    answer: fail,
  },
  {
    method: 'POST',
    path: '/api/actions',
    scope: 'act',
    summary: 'Retry or cancel all runs that match',
    query: [],
    answer: actOnAll,
  },
]
