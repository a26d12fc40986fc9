// The routes of choreographies on the real engine: pages, and what is not there.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import type { Application } from '../define/application.ts'
import { ballet, choreography, event, open, seq, type FlowView, type Page } from '../index.ts'
import { serve, type Serving } from './serve.ts'

const Noted = event('noted', z.object({ id: z.string() }), { key: 'id' })
const Done = event('done', z.object({ id: z.string() }), { key: 'id' })
const notes = choreography('notes', { key: 'id' }, seq(Noted, Done.within('1h')))

let app: Application
let server: Serving
beforeAll(async () => {
  app = await open(ballet({ services: [], choreographies: [notes] }), { store: 'memory:' })
  server = await serve(app, { port: 0 })
  for (const id of ['a', 'b', 'c:d', 'e']) await app.publish(Noted({ id }))
  await app.publish(Done({ id: 'b' }))
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
