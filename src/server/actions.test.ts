// What a person does to runs, over real sockets: what reaches the application, how it is answered, what is refused
// before. What the actions do is tested on the engine.
import { describe, expect, it } from 'vitest'
import { fault } from '../core/errors.ts'
import type { Acted, ActedAll } from '../define/application.ts'
import type { Problem } from './problem.ts'
import { serve } from './serve.ts'
import { testApplication } from './test-application.ts'

const json = { 'content-type': 'application/json' }
const post = (body: unknown): RequestInit => ({ method: 'POST', headers: json, body: JSON.stringify(body) })
const problem = async (response: Response): Promise<Problem> => (await response.json()) as Problem
const OP = 'payment.charge#0'

describe('an action on a run', () => {
  const given = [
    ['cancel', { by: 'ann', why: 'ordered twice' }, []],
    ['retry', { op: OP, by: 'ann', why: 'the bank is back' }, [OP]],
    ['retry', {}, []],
    ['answer', { op: OP, value: { type: 'payment.approved', data: { orderId: '8841' } } }, [OP]],
    ['answer', { op: OP, value: null, by: 'ann' }, [OP]],
    ['fail', { op: OP, error: { code: 'CARD_GONE', message: 'no card' }, why: 'asked her' }, [OP]],
    ['fail', { error: { message: 'it is of no use' } }, []],
  ] as const

  it.each(given)('%s %j reaches the application, and answers 202, then 200', async (action, body, ops) => {
    let changed = true
    const answered = (id: string): Promise<Acted> => Promise.resolve({ id, action, changed, ops })
    const { app, asked } = testApplication({ cancel: answered, retry: answered, answer: answered, fail: answered })
    await using server = await serve(app, { port: 0 })
    const url = `${server.url}/api/runs/${encodeURIComponent('checkout:8841~gift-wrap.0')}/${action}`
    const first = await fetch(url, post(body))
    const id = 'checkout:8841~gift-wrap.0'
    expect([first.status, await first.json()]).toEqual([202, { id, action, changed: true, ops }])
    changed = false
    expect((await fetch(url, post(body))).status).toBe(200)
    expect(asked[0]).toEqual([action, id, body])
  })

  it.each(['cancel', 'retry'])('%s takes no body, of any type', async (action) => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    const url = `${server.url}/api/runs/checkout:8841/${action}`
    const statuses = [
      await fetch(url, { method: 'POST' }),
      await fetch(url, { method: 'POST', headers: json }),
      await fetch(url, { method: 'POST', body: '' }),
    ].map(({ status }) => status)
    expect(statuses).toEqual([202, 202, 202])
    expect(asked).toEqual(Array.from({ length: 3 }, () => [action, 'checkout:8841', {}]))
    const form = await fetch(url, { method: 'POST', body: 'by=ann' })
    expect([form.status, (await problem(form)).code]).toEqual([415, 'BODY_TYPE'])
  })

  it.each([
    ['cancel', { operation: OP }, 'operation', 'there is no such field (only by, why)'],
    ['cancel', [], 'the top', 'it must be an object with by, why'],
    ['cancel', { by: 'x'.repeat(257) }, 'by', 'it must have at most 256 characters'],
    ['cancel', { why: 'x'.repeat(4001) }, 'why', 'it must have at most 4000 characters'],
    ['retry', { op: 7 }, 'op', 'it must be a string that is not empty'],
    ['answer', { value: 1 }, 'op', 'it is missing'],
    ['answer', { op: OP, vlaue: 1 }, 'vlaue', 'there is no such field, perhaps "value"'],
    ['fail', { op: OP }, 'error', 'it is missing'],
    ['fail', { error: 'no' }, 'error', 'it must be an object with code, message'],
    ['fail', { error: { code: 'X' } }, 'error.message', 'it is missing'],
    ['fail', { error: { message: 'no', cod: 'X' } }, 'error.cod', 'there is no such field, perhaps "code"'],
  ])('%s refuses %j', async (action, body, path, why) => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    const response = await fetch(`${server.url}/api/runs/checkout:8841/${action}`, post(body))
    expect(response.status).toBe(422)
    expect(await problem(response)).toMatchObject({ code: 'REQUEST_INVALID', details: { path, problem: why } })
    expect(asked).toEqual([])
  })

  it.each(['answer', 'fail'])('%s needs a body', async (action) => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    const url = `${server.url}/api/runs/checkout:8841/${action}`
    const response = await fetch(url, { method: 'POST', headers: json })
    expect([response.status, (await problem(response)).code]).toEqual([400, 'JSON_MALFORMED'])
  })

  it.each([
    ['RUN_UNKNOWN', { id: 'x' }, 404],
    ['RUN_ENDED', { id: 'x', status: 'completed' }, 409],
    ['OP_UNKNOWN', { id: 'x', op: OP, nearest: ' Did you mean "payment.charge#1"?' }, 404],
    ['ACTION_REFUSED', { id: 'x', action: 'retry', problem: 'it is not stuck' }, 409],
  ] as const)('tells %s of the application', async (code, details, status) => {
    const { app } = testApplication({ retry: () => Promise.reject(fault(code, details)) })
    await using server = await serve(app, { port: 0 })
    const response = await fetch(`${server.url}/api/runs/x/retry`, { method: 'POST' })
    expect([response.status, (await problem(response)).code]).toEqual([status, code])
  })
})

describe('an action on all runs that match', () => {
  it('hands every filter on, and answers 200 with what it came to', async () => {
    const refused = [{ id: 'checkout:1', code: 'ACTION_REFUSED', message: 'no' }]
    const result: ActedAll = { action: 'retry', matched: 3, changed: 2, more: true, refused }
    const { app, asked } = testApplication({ actOnAll: () => Promise.resolve(result) })
    await using server = await serve(app, { port: 0 })
    const filter = {
      name: 'checkout',
      reason: 'call',
      status: ['stuck', 'running'],
      kind: 'workflow',
      key: 'orderId:8841',
      root: 'run:a',
    }
    const body = { action: 'retry', filter, limit: 3, by: 'ann', why: 'the bank is back' }
    const response = await fetch(`${server.url}/api/actions`, post(body))
    expect([response.status, await response.json()]).toEqual([200, result])
    expect(asked).toEqual([['actOnAll', { action: 'retry', ...filter, limit: 3, by: 'ann', why: 'the bank is back' }]])
    expect((await fetch(`${server.url}/api/actions`, post({ action: 'cancel', filter: {} }))).status).toBe(200)
    expect(asked[1]).toEqual(['actOnAll', { action: 'cancel' }])
  })

  it.each([
    [{ filter: {} }, 'action', 'it is missing'],
    [{ action: 'answer', filter: {} }, 'action', 'it must be one of retry, cancel'],
    [{ action: 'cancel' }, 'filter', 'it is missing; {} stands for every open run'],
    [{ action: 'cancel', filter: { nmae: 'x' } }, 'filter.nmae', 'there is no such field, perhaps "name"'],
    [{ action: 'cancel', filter: { status: 'stuck' } }, 'filter.status', 'it must be a list of running, stuck'],
    [{ action: 'cancel', filter: { status: ['failed'] } }, 'filter.status', 'it must be a list of running, stuck'],
    [{ action: 'cancel', filter: { status: [] } }, 'filter.status', 'it must be a list of running, stuck'],
    [
      { action: 'cancel', filter: { kind: 'saga' } },
      'filter.kind',
      'it must be one of workflow, operation, reaction, choreography',
    ],
    [{ action: 'cancel', filter: { key: '1' } }, 'filter.key', 'it must be field:value, for example orderId:8841'],
    [{ action: 'cancel', filter: {}, limit: 0 }, 'limit', 'it must be a whole number from 1 to 10000'],
    [{ action: 'cancel', filter: {}, limit: 10_001 }, 'limit', 'it must be a whole number from 1 to 10000'],
    [{ action: 'cancel', filter: {}, limit: '5' }, 'limit', 'it must be a whole number from 1 to 10000'],
  ])('refuses %j', async (body, path, why) => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    const response = await fetch(`${server.url}/api/actions`, post(body))
    expect(response.status).toBe(422)
    expect(await problem(response)).toMatchObject({ code: 'REQUEST_INVALID', details: { path, problem: why } })
    expect(asked).toEqual([])
  })
})
