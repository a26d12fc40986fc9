// Schedules over HTTP: what is asked of the application, and what is refused before it is asked.
import { expect, test } from 'vitest'
import { serve } from './serve.ts'
import { testApplication } from './test-application.ts'

const headers = { 'content-type': 'application/json' }
const by = { by: 'ana', why: 'the bank is closed' }
const at = '2026-03-02T03:00:00Z'

test.each([
  ['pause', by, 202, ['pause', 'nightly', by]],
  ['pause', undefined, 202, ['pause', 'nightly', {}]],
  ['resume', { by: 'ana' }, 202, ['resume', 'nightly', { by: 'ana' }]],
  ['runs', { at, by: 'ana' }, 201, ['trigger', 'nightly', { at, by: 'ana' }]],
  ['runs', undefined, 201, ['trigger', 'nightly', {}]],
] as const)('POST %s %j: %s', async (what, body, status, asking) => {
  const { app, asked } = testApplication()
  await using server = await serve(app, { port: 0 })
  const init = { method: 'POST', headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
  const response = await fetch(`${server.url}/api/schedules/nightly/${what}`, init)
  expect([response.status, asked]).toEqual([status, [asking]])
})

test.each([
  ['a field that there is not', 'pause', { until: at }],
  ['a long name', 'resume', { by: 'x'.repeat(257) }],
  ['a time that is no text', 'runs', { at: 7 }],
])('%s is refused before it is asked', async (_, what, body) => {
  const { app, asked } = testApplication()
  await using server = await serve(app, { port: 0 })
  const init = { method: 'POST', headers, body: JSON.stringify(body) }
  const response = await fetch(`${server.url}/api/schedules/nightly/${what}`, init)
  expect([response.status, ((await response.json()) as { code: string }).code, asked]).toEqual([
    422,
    'REQUEST_INVALID',
    [],
  ])
})
