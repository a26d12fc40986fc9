// The routes of choreographies on the real engine: pages, conducting, and what is not there.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import type { Application } from '../define/application.ts'
import type { ApplicationView } from '../core/views.ts'
import { ballet, choreography, event, open, operation, seq, service, type FlowView, type Page } from '../index.ts'
import { serve, type Serving } from './serve.ts'

const Noted = event('noted', z.object({ id: z.string() }), { key: 'id' })
const Asked = event('asked', z.object({ id: z.string() }), { key: 'id' })
const Answered = event('answered', z.object({ id: z.string() }), { key: 'id' })
const Done = event('done', z.object({ id: z.string() }), { key: 'id' })
const desk = service('desk', {
  do: operation({ input: z.object({ id: z.string() }), outcomes: [Answered], run: (input) => Answered(input) }),
})
const doing = choreography('doing', { key: 'id' }, seq(Asked, Answered))
const notes = choreography('notes', { key: 'id' }, seq(Noted, Done.within('1h')))

desk.on(Asked, (asked) => desk.do(asked))

let app: Application
let server: Serving
beforeAll(async () => {
  app = await open(ballet({ services: [desk], choreographies: [notes, doing] }), { store: 'memory:' })
  server = await serve(app, { port: 0 })
  for (const id of ['a', 'b', 'c:d', 'e']) await app.publish(Noted({ id }))
  await app.publish(Done({ id: 'b' }))
  await app.publish(Asked({ id: 'e' }))
})
afterAll(async () => {
  await server.close()
  await app.close()
})

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the type of the answer, which the caller knows
async function get<Answer>(path: string): Promise<{ status: number; body: Answer }> {
  const response = await fetch(`${server.url}${path}`)
  return { status: response.status, body: (await response.json()) as Answer }
}
const values = ({ items }: Page<FlowView>): readonly string[] => items.map(({ key }) => key.value)

it('lists flows page by page, in the order of their keys, of one state or of all', async () => {
  const first = await get<Page<FlowView>>('/api/choreographies/notes?limit=3')
  expect(values(first.body)).toEqual(['a', 'b', 'c:d'])
  const second = await get<Page<FlowView>>(`/api/choreographies/notes?limit=3&cursor=${first.body.cursor}`)
  expect([values(second.body), second.body.cursor]).toEqual([['e'], undefined])
  expect(values((await get<Page<FlowView>>('/api/choreographies/notes?state=complete')).body)).toEqual(['b'])
})

it('draws a choreography as boxes and arrows, each arrow between two of the boxes', async () => {
  const { body } = await get<{ readonly items: ApplicationView['choreographies'] }>('/api/choreographies')
  const parts = body.items.flatMap(({ drawing }) => drawing.parts)
  const nodes = parts.flatMap((part) => (part.kind === 'node' ? [part] : []))
  const ids = new Set(nodes.map(({ id }) => id))
  expect(nodes.filter(({ shape }) => shape === 'event').map(({ title }) => title)).toEqual(
    expect.arrayContaining(['noted', 'done']),
  )
  expect(parts.some((part) => part.kind === 'edge' && !(ids.has(part.from) && ids.has(part.to)))).toBe(false)
})

it('shows a flow by its key, with or without its field', async () => {
  for (const key of ['c%3Ad', 'id%3Ac%3Ad'])
    expect((await get(`/api/choreographies/notes/${key}`)).body).toMatchObject({
      state: 'on track',
      awaited: [{ event: 'done', from: [] }],
      deadlines: [{ events: ['done'], passed: false }],
    })
})

it('tells of a key which flows it has', async () => {
  expect((await get('/api/keys/id/a')).body).toMatchObject({ flows: [{ choreography: 'notes', state: 'on track' }] })
})

it.each([
  ['/api/choreographies/note', 404, 'CHOREOGRAPHY_UNKNOWN', 'Did you mean "notes"?'],
  ['/api/choreographies/notes/x', 404, 'FLOW_UNKNOWN', 'notes'],
  ['/api/choreographies/notes?state=late', 400, 'QUERY_INVALID', 'state'],
  ['/api/choreographies/notes?cursor=!', 400, 'QUERY_INVALID', 'cursor'],
])('%s is refused', async (path, status, code, words) => {
  const answer = await get<{ readonly code: string; readonly detail: string }>(path)
  expect(answer).toMatchObject({ status, body: { code } })
  expect(answer.body.detail).toContain(words)
})

async function conduct(
  name: string,
  body: unknown,
): Promise<{ status: number; body: unknown; location: string | null }> {
  const headers = { 'content-type': 'application/json' }
  const init = { method: 'POST', headers, body: JSON.stringify(body) }
  const response = await fetch(`${server.url}/api/choreographies/${name}/runs`, init)
  return { status: response.status, body: await response.json(), location: response.headers.get('location') }
}

it('conducts a flow: its run has the calls as steps, and the ending as its output', async () => {
  const asked = { type: 'asked', data: { id: 'x' }, id: 'x-1', source: 'web' }
  const answer = { id: 'doing:x', created: true }
  expect(await conduct('doing', asked)).toEqual({ status: 201, body: answer, location: '/api/runs/doing:x' })
  expect(await conduct('doing', asked)).toMatchObject({ status: 200, body: { ...answer, created: false } })
  expect((await get('/api/runs/doing%3Ax?wait=20s')).body).toMatchObject({
    kind: 'choreography',
    status: 'completed',
    cause: 'event:web:x-1',
    output: { choreography: 'doing', ending: 'complete' },
    steps: [{ step: 'desk:asked', call: 'desk.do', status: 'done', outcome: 'answered' }],
  })
  expect((await get<Page<unknown>>('/api/runs?kind=choreography')).body.items).toHaveLength(1)
})

it.each([
  ['doin', { type: 'asked', data: { id: 'y' } }, 404, 'CHOREOGRAPHY_UNKNOWN'],
  ['doing', { type: 'answered', data: { id: 'y' } }, 422, 'REQUEST_INVALID'],
  ['doing', { type: 'asked', data: { id: 7 } }, 422, 'INPUT_INVALID'],
  ['doing', { data: { id: 'y' } }, 422, 'REQUEST_INVALID'],
  ['doing', { type: 'asked', data: { id: 'y' }, key: 'y' }, 422, 'REQUEST_INVALID'],
  // It has begun by itself.
  ['doing', { type: 'asked', data: { id: 'e' } }, 409, 'CONDUCT_REFUSED'],
  // Nobody answers what is noted.
  ['notes', { type: 'noted', data: { id: 'y' } }, 422, 'CONDUCT_IMPOSSIBLE'],
])('conducting %s with %j is refused', async (name, body, status, code) => {
  expect(await conduct(name, body)).toMatchObject({ status, body: { code } })
})
