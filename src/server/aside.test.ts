// What lies aside, over real sockets: what reaches the application, how it is answered, what is refused before, and who may. What
// comes of it is tested on the engine.
import { describe, expect, it } from 'vitest'
import type { AsideActed } from '../core/aside-views.ts'
import type { Problem } from './problem.ts'
import { serve } from './serve.ts'
import { testApplication } from './test-application.ts'

const ITEM = '0-9f2c41d0a7b3c5e1'
const json = { 'content-type': 'application/json' }
const post = (body: unknown): RequestInit => ({ method: 'POST', headers: json, body: JSON.stringify(body) })
const problem = async (response: Response): Promise<Problem> => (await response.json()) as Problem

describe('what lies aside', () => {
  it('is asked for by its filters, and by its name', async () => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    const url = `${server.url}/api/aside`
    const listed = await fetch(`${url}?kind=start&name=flow&version=8&unread=false&limit=7`)
    expect([listed.status, await listed.json()]).toEqual([200, { items: [], more: false }])
    expect((await fetch(`${url}/${ITEM}`)).status).toBe(200)
    const filter = { kind: 'start', name: 'flow', version: '8', unread: false, limit: 7 }
    expect(asked).toEqual([
      ['asides', filter],
      ['aside', ITEM],
    ])
  })

  it('is acted on one by one: 202, and 200 when it had been dropped before', async () => {
    let changed = true
    const dropAside = (item: string): Promise<AsideActed> =>
      Promise.resolve({ item, action: 'drop', outcome: 'dropped', changed })
    const { app, asked } = testApplication({ dropAside })
    await using server = await serve(app, { port: 0 })
    const url = `${server.url}/api/aside/${ITEM}`
    expect((await fetch(`${url}/retry`, { method: 'POST' })).status).toBe(202)
    expect((await fetch(`${url}/drop`, post({ by: 'ann', why: 'twice' }))).status).toBe(202)
    changed = false
    expect((await fetch(`${url}/drop`, post({}))).status).toBe(200)
    expect(asked).toEqual([
      ['retryAside', ITEM, {}],
      ['dropAside', ITEM, { by: 'ann', why: 'twice' }],
      ['dropAside', ITEM, {}],
    ])
  })

  it('is acted on by a filter', async () => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    const body = { action: 'drop', filter: { kind: 'event', unread: true }, limit: 9, rehearse: true, by: 'ann' }
    const response = await fetch(`${server.url}/api/aside`, post(body))
    expect(response.status).toBe(200)
    const { filter, ...rest } = body
    expect(asked).toEqual([['actOnAsides', { ...rest, ...filter }]])
  })

  it.each([
    [{ filter: {} }, 'action', 'it is missing'],
    [{ action: 'cancel', filter: {} }, 'action', 'it must be one of retry, drop'],
    [{ action: 'drop' }, 'filter', 'it is missing; {} stands for all that lies aside'],
    [{ action: 'drop', filter: { kid: 'start' } }, 'filter.kid', 'there is no such field, perhaps "kind"'],
    [{ action: 'drop', filter: { kind: 'acted' } }, 'filter.kind', expect.stringContaining('it must be one of start')],
    [{ action: 'drop', filter: { unread: 'yes' } }, 'filter.unread', 'it must be true or false'],
    [{ action: 'drop', filter: {}, limit: 0 }, 'limit', 'it must be a whole number from 1 to 10000'],
    [{ action: 'drop', filter: {}, rehearse: 'yes' }, 'rehearse', 'it must be true or false'],
    [{ action: 'drop', filter: {}, why: 'x'.repeat(4001) }, 'why', 'it must have at most 4000 characters'],
  ])('is not acted on by %j', async (body, path, told) => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    const response = await fetch(`${server.url}/api/aside`, post(body))
    expect(response.status).toBe(422)
    const { code, details } = await problem(response)
    expect([code, details]).toEqual(['REQUEST_INVALID', expect.objectContaining({ path, problem: told })])
    expect(asked).toEqual([])
  })

  it('is looked at, and not acted on, with a token that only reads', async () => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0, token: 'open-sesame', readToken: 'look-only' })
    const headers = { ...json, authorization: 'Bearer look-only' }
    expect((await fetch(`${server.url}/api/aside`, { headers })).status).toBe(200)
    const paths = [`/${ITEM}/retry`, `/${ITEM}/drop`, '']
    const answers = paths.map((path) =>
      fetch(`${server.url}/api/aside${path}`, { method: 'POST', headers, body: '{}' }),
    )
    const refused = await Promise.all((await Promise.all(answers)).map(problem))
    expect(refused.map(({ code }) => code)).toEqual(Array.from({ length: 3 }, () => 'TOKEN_READS_ONLY'))
    expect(asked.map(([name]) => name)).toEqual(['asides'])
  })
})
