import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openForTest, until } from '../../test/support/applications.ts'
import { ballet, workflow } from '../index.ts'
import { z } from 'zod'
import { placesIn } from './places.ts'

const here = fileURLToPath(import.meta.url)

function breaks(): never {
  throw new RangeError('a bug')
}

test('a run whose code threw tells where, in code of its author', async () => {
  const flow = workflow('flow', { input: z.null(), output: z.null() }, async (run) => {
    await run.sleep('1ms')
    return breaks()
  })
  const app = await openForTest(ballet({ services: [], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  const run = await until(app, null, async () => {
    const found = await app.run('f')
    return found?.status === 'stuck' && found
  })
  const details = run.error?.details as { readonly at: readonly string[] }
  const places = details.at.map((place) => place.replaceAll(/:\d+:\d+/g, ':line'))
  expect(places).toEqual([`breaks (${here}:line)`, expect.stringContaining(`${here}:line`)])
  const notes = (await app.journal('f'))?.items.flatMap(({ note }) => note ?? [])
  expect(notes).toMatchObject([{ kind: 'stuck', error: { details } }])
})

test('what is kept is small, whatever the stack is', () => {
  const own = `${fileURLToPath(new URL('.', import.meta.url))}pump.ts:1:1`
  const frames = ['node:internal/timers:5:5', '/shop/node_modules/zod/index.js:1:1', own, '<anonymous>']
  const lines = [
    ...frames,
    ...Array.from({ length: 20 }, (_, n) => `f${n} (file:///shop/${'x'.repeat(500)}.ts:${n}:1)`),
  ]
  const places = placesIn(`Error: words\n    at nothing here\n${lines.map((line) => `    at ${line}`).join('\n')}`)
  expect(places.map((place) => place.length)).toEqual([300, 300, 300, 300, 300])
  expect(places[0]).toMatch(/^f0 \(\/shop\/xxx/)
  expect(placesIn('')).toEqual([])
})
