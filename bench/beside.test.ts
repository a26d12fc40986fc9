// Systems beside each other: each in processes of its own, on its own store; one that does not run is told with its reason
// and costs the others nothing.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it, test } from 'vitest'
import { serverUrl } from '../test/postgres/subject.ts'
import { BesideReport } from './beside-report.ts'
import { Beside, crowds, type Contender } from './beside.ts'
import { closedLoopFor } from './closed-loop-for.ts'
import { openDatabases } from './databases.ts'
import { Figures, type Figure } from './figures.ts'
import { cpuUsOf } from './processes.ts'

const folder = mkdtempSync(join(tmpdir(), 'ballet-beside-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const onFile = (mode: Contender['mode']): Contender => ({
  name: 'ceiling',
  mode,
  hosts: (ground) => [
    { program: 'hosts/ceiling.ts', settings: { file: join(ground.folder, 'a.db'), http: mode === 'over HTTP' } },
  ],
})
const onServer: Contender = {
  name: 'ceiling on PostgreSQL',
  mode: 'in process',
  database: true,
  hosts: ({ url }) => [{ program: 'hosts/ceiling-postgres.ts', settings: { url } }],
}
/** Its folder is not there. */
const broken: Contender = {
  name: 'broken',
  mode: 'in process',
  hosts: ({ folder: own }) => [{ program: 'hosts/ceiling.ts', settings: { file: join(own, 'none/a.db') } }],
}

it('measures every system with every crowd, and leaves out what does not run', async () => {
  const databases = await openDatabases(await serverUrl())
  try {
    const lines: object[] = []
    const beside = new Beside({ folder, databases }, { rounds: 1, seconds: 0.05, warmOrders: 64 }, (line) =>
      lines.push(line),
    )
    const contenders = [onFile('in process'), broken, onFile('over HTTP'), onServer]
    const rounds = await beside.measure(contenders)
    expect([...beside.failed.keys()]).toEqual([broken])
    expect(beside.failed.get(broken)).toMatch(/hosts\/ceiling\.ts: [^]*unable to open database file/)
    expect(lines).toContainEqual({ contender: 'broken', mode: 'in process', failed: beside.failed.get(broken) })
    expect(rounds).toHaveLength(1)
    for (const round of rounds) {
      expect(new Set(round.keys())).toEqual(new Set(contenders.filter((one) => one !== broken)))
      for (const [contender, samples] of round) {
        for (const crowd of crowds) {
          const { perSecond, p50Ms, p99Ms, cpuUs, others } = samples[crowd]
          expect(perSecond).toBeGreaterThan(0)
          expect(p99Ms).toBeGreaterThanOrEqual(p50Ms)
          // The server is not one of ours here, so its processor time is not known.
          expect(Number.isNaN(cpuUs)).toBe(contender === onServer || process.platform !== 'linux')
          expect(cpuUs < 0 || others < 0 || others > 1).toBe(false)
        }
      }
    }
    const figures: Figure[] = []
    new BesideReport(rounds).compare('ceiling', new Figures((one) => figures.push(one)), () => ({}))
    expect(figures.map(({ figure }) => figure)).toContain(
      '64 in flight, in process: orders/s of ceiling / ceiling on PostgreSQL',
    )
    expect(readdirSync(folder)).toEqual([])
  } finally {
    await databases.close()
  }
})

test('a closed loop has as many under way as asked for, and waits for all of them', async () => {
  let underWay = 0
  let most = 0
  let ended = 0
  const order = async (): Promise<void> => {
    underWay += 1
    most = Math.max(most, underWay)
    await new Promise((resolve) => setImmediate(resolve))
    underWay -= 1
    ended += 1
  }
  const drove = await closedLoopFor({ inFlight: 7, seconds: 0, orders: 100, mostSeconds: 60 }, order)
  expect(most).toBe(7)
  expect(ended).toBe(drove.orders)
  expect(drove.latenciesMs).toHaveLength(drove.orders)
  expect(drove.orders).toBeGreaterThanOrEqual(100)
  expect(drove.orders).toBeLessThan(107)
  const fails = (): Promise<never> => Promise.reject(new Error('refused'))
  await expect(closedLoopFor({ inFlight: 2, seconds: 0, orders: 2, mostSeconds: 1 }, fails)).rejects.toThrow('refused')
})

test('processor time is that of a process and of what it started', async (context) => {
  context.skip(process.platform !== 'linux', 'there is no account of processes in /proc')
  const burn = 'while (process.cpuUsage().user < 100_000) for (let i = 0; i < 1e6; i++);'
  const burnMore = 'while (process.cpuUsage().user < 900_000) for (let i = 0; i < 1e6; i++);'
  const ended = `require('node:child_process').spawnSync(process.execPath, ['-e', '${burn}'])`
  const living = `require('node:child_process').spawn(process.execPath, ['-e', '${burnMore} console.log(1); setInterval(() => {}, 1000)'])`
  const script = `${ended}; const one = ${living}; process.once('disconnect', () => one.kill());
    one.stdout.once('data', () => { ${burn} process.send('burnt') })`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  await once(child, 'message')
  expect(cpuUsOf([child.pid ?? 0])).toBeGreaterThanOrEqual(1_050_000)
  child.disconnect()
  await once(child, 'exit')
  expect(cpuUsOf([child.pid ?? 0])).toBe(0)
  expect(cpuUsOf([Number.NaN])).toBeNaN()
})
