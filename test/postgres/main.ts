// Eight writers beside transactions that stay open, for as long as is asked: `npm run open-transactions -- [--seconds 60]
// [--writers 8] [--keys 3]`. On a server of its own, or the one that BALLET_TEST_PG names. Exits with 1 when anything is lost,
// doubled, out of order, or not delivered while the transactions are open.
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { publishBesideOpenTransactions } from './open-transactions.ts'
import { PostgresServer } from './server.ts'

const STALL_MS = 30_000

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    writers: { type: 'string', default: '8' },
    keys: { type: 'string', default: '3' },
  },
})

function numberOf(name: keyof typeof values): number {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= 1 && value <= 3600) return value
  throw new RangeError(`--${name} is "${values[name]}"; it must be a whole number from 1 to 3600`)
}

const [seconds, writers, keys] = [numberOf('seconds'), numberOf('writers'), numberOf('keys')]
const named = process.env['BALLET_TEST_PG'] ?? ''
const server = named === '' ? await PostgresServer.start() : null
try {
  const until = performance.now() + seconds * 1000
  const { findings, committed, withdrawn, takenMs, deliveredMs } = await publishBesideOpenTransactions({
    url: server?.url() ?? named,
    schema: `open_${randomUUID().replaceAll('-', '')}`,
    writers,
    keys,
    goesOn: () => performance.now() < until,
    stallMs: STALL_MS,
  })
  const words = (delays: readonly number[]): string => {
    const at = (share: number): string => `${delays[Math.min(delays.length - 1, Math.floor(delays.length * share))]} ms`
    return `after ${at(0.5)} at the median, ${at(0.99)} for 99 of 100, ${at(1)} at most`
  }
  console.log(`${writers} writers, ${keys} keys, ${seconds} s; a transaction open in this database, and one in another`)
  console.log(`  committed   ${committed}, of which each was delivered while those were open`)
  console.log(`  rolled back ${withdrawn}`)
  console.log(`  in the log  ${words(takenMs)}`)
  console.log(`  delivered   ${words(deliveredMs)}`)
  for (const finding of findings) console.log(`  ${finding}`)
  console.log(findings.length === 0 ? 'nothing lost, nothing twice, nothing out of order' : 'FAULTY')
  process.exitCode = findings.length === 0 ? 0 : 1
} finally {
  await server?.stop()
}
