// An application as a process of its own, on the SQLite file of its first argument: it exports a table without an end, and says how
// far it is. The row at which an attempt begins is the first thing that it prints; then it says when it is at a thousand more. Its clock
// is fast, so that what is kept within five seconds is so within a tenth of one.
import { z } from 'zod'
import { ballet, open, operation, service, sqlite } from '../../src/index.ts'
import { fastClock } from '../support/clocks.ts'

const table = service('table', {
  export: operation({
    input: z.null(),
    timeout: '100h',
    heartbeat: '1h',
    async run(_, { heartbeat, progress }) {
      const from = typeof progress === 'number' ? progress : 0
      console.log(`begins ${from}`)
      for (let row = from + 1; ; row += 1) {
        heartbeat(row)
        if (row === from + 1000) console.log(`at ${row}`)
        if (row % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }),
})

const app = await open(ballet({ name: 'exports', services: [table] }), {
  store: sqlite({ file: process.argv[2] ?? '' }),
  clock: fastClock(50),
  log: { info() {}, warn() {}, error: (message) => console.error(message) },
})
await app.start(table.export(null), { id: 'one' })
