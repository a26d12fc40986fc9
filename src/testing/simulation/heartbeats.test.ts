// Long operations in stories in which processes die and requests get lost: an export goes on from where the attempt before it was, and
// no row is left out. One that says of a row that it is written before it is, is found.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, operation, service, workflow } from '../../index.ts'
import { simulate, type Dice, type Story } from './simulate.ts'

const ROWS = 12

function exportStory(dice: Dice, { saysBefore = false, told = [] as number[] } = {}): Story {
  const written = new Set<number>()
  let highest = 0
  const table = service('table', {
    export: operation({
      input: z.null(),
      output: z.number(),
      timeout: '2h',
      heartbeat: '30s',
      retry: { attempts: 10_000, backoff: '10ms', limit: '1s' },
      run: (_, { progress, heartbeat }) => {
        const from = Number(progress ?? 0)
        told.push(from)
        if (from > highest) throw new Error(`it is told of row ${from}, and nobody has said more than ${highest}`)
        // An attempt comes so far, and then its disk is full.
        const last = Math.min(ROWS, from + dice.between(1, 4))
        for (let row = from; row < last; row += 1) {
          highest = Math.max(highest, row + 1)
          if (saysBefore) heartbeat(row + 1)
          if (row === last - 1 && last < ROWS && saysBefore) throw new Error('the disk is full')
          written.add(row)
          if (!saysBefore) heartbeat(row + 1)
        }
        if (last < ROWS) throw new Error('the disk is full')
        return written.size
      },
    }),
  })
  const nightly = workflow('nightly', { input: z.null(), output: z.number() }, (run) => run.call(table.export(null)))
  return {
    application: ballet({ name: 'exports', services: [table], workflows: [nightly] }),
    clients: async (app) => {
      await app.start(nightly(null), { id: 'one' })
      await app.settled('one', 60_000)
    },
    judge: async (app) => {
      const run = await app.run('one')
      if (run?.output !== ROWS || written.size !== ROWS)
        throw new Error(`${run?.status}, and rows ${[...written].join(', ')} of ${ROWS} are written`)
    },
  }
}

test('every row is written, and the attempts go on from where they were', async () => {
  const told: number[] = []
  const report = await simulate((dice) => exportStory(dice, { told }), { seeds: 100 })
  expect(report.found).toBeNull()
  expect(report.crashes).toBeGreaterThan(10)
  // Mostly an attempt has something to go on from.
  expect(told.filter((from) => from > 0).length).toBeGreaterThan(told.length / 2)
})

test('who says of a row that it is written, and has not written it yet, is found', async () => {
  const { found } = await simulate((dice) => exportStory(dice, { saysBefore: true }), { seeds: 100 })
  expect(found).toMatchObject({ rule: 'JUDGE', detail: expect.stringContaining('are written') as string })
})
