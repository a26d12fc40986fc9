// A schedule in stories in which processes die, hang and are replaced, and commits are lost: no time is left out, and none has two runs.
import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, operation, schedule, service, workflow } from '../index.ts'
import { simulate } from '../testing.ts'

/** What the service was asked, by the time that it was for: the keys of the calls. */
type Book = Map<string, Set<string>>

function applicationWith(book: Book) {
  const clerk = service('clerk', {
    note: operation({
      input: z.string(),
      output: z.null(),
      retry: { attempts: 50 },
      run: (at, { idempotencyKey }) => (book.set(at, (book.get(at) ?? new Set()).add(idempotencyKey)), null),
    }),
  })
  const wait = workflow('wait', { input: z.object({ id: z.string() }), output: z.null(), key: 'id' }, async (run) => {
    await run.sleep('8s')
    return null
  })
  const often = schedule('often', {
    every: '1s',
    overlap: 'allow',
    catchUp: 'all',
    call: ({ at }) => clerk.note(at),
  })
  return { wait, definition: ballet({ services: [clerk], workflows: [wait], schedules: [often] }) }
}

test('every time has its run, and one, whatever dies', async () => {
  let total = 0
  const report = await simulate(
    () => {
      const book: Book = new Map()
      const { wait, definition } = applicationWith(book)
      return {
        application: definition,
        clients: async (app) => {
          const { id } = await app.start(wait({ id: 'eight' }))
          await app.result(id)
        },
        judge: () => {
          const times = [...book.keys()].sort().map((at) => Date.parse(at))
          const [first = 0] = times
          assert.deepEqual(
            times,
            times.map((_, index) => first + index * 1000),
          )
          total += times.length
          for (const keys of book.values()) assert.equal(keys.size, 1)
        },
      }
    },
    { seeds: 60 },
  )
  expect(report.found).toBeNull()
  expect(report.crashes).toBeGreaterThan(5)
  expect(total).toBeGreaterThan(300)
})
