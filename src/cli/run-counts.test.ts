// ballet runs --count, over HTTP of a running application and on its file when it runs no more: the same lines.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../engine/clock.ts'
import { silentLog } from '../engine/log.ts'
import { ballet, open, operation, service, signal, workflow, type Application } from '../index.ts'
import { serve, type Serving } from '../server/serve.ts'
import { plain } from './paint.ts'
import { parse } from './parse.ts'
import { runs } from './runs.ts'

const bank = service('bank', {
  pay: operation({
    input: z.null(),
    output: z.null(),
    retry: { attempts: 1 },
    run: () => {
      throw new Error('the bank is away')
    },
  }),
})
const pay = workflow('pay', { input: z.null(), output: z.null() }, (run) => run.call(bank.pay(null)))
const fail = workflow('fail', { input: z.null(), output: z.null() }, () => {
  throw new RangeError('no')
})
const Approve = signal('approve', z.null())
const ask = workflow('ask', { input: z.null(), output: z.null(), signals: [Approve] }, async (run) => {
  await run.receive(Approve)
  return null
})
const shop = ballet({ name: 'shop', services: [bank], workflows: [pay, fail, ask] })

let folder: string
let app: Application
let server: Serving
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-counts-'))
  app = await open(shop, { store: `file:${join(folder, 'app.db')}`, log: silentLog })
  server = await serve(app, { port: 0, log: silentLog })
  for (let nth = 0; nth < 3; nth++) await app.start(pay(null))
  await app.start(fail(null))
  for (let nth = 0; nth < 2; nth++) await app.start(ask(null), { at: nth === 0 ? '2100-01-01T00:00:00Z' : undefined })
  const areStuck = async (): Promise<boolean> => (await app.runs({ status: ['stuck'] })).items.length === 4
  await new Promise<void>((resolve, reject) => {
    const look = (): void => void areStuck().then((are) => are && resolve(), reject)
    app.watch(null, look)
    look()
  })
})
afterAll(async () => {
  await server.close()
  await app.close()
  rmSync(folder, { recursive: true, force: true })
})

async function printed(words: readonly string[]): Promise<{ readonly out: string[]; readonly notes: string[] }> {
  const out: string[] = []
  const notes: string[] = []
  await runs.run(parse(runs, ['--count', ...words]), {
    out: (line) => void out.push(line),
    note: (line) => void notes.push(line),
    input: () => Promise.resolve(new Uint8Array()),
    paint: plain,
    notePaint: plain,
    columns: Infinity,
    env: {},
    cwd: folder,
    clock: systemClock,
  })
  return { out, notes }
}

const TABLE = [
  'STATUS     REASON  KIND      RUNS  NAME',
  'stuck      call    workflow  3     pay',
  'stuck      threw   workflow  1     fail',
  'running    -       workflow  1     ask',
  'scheduled  -       workflow  1     ask',
]
const SUM = '4 stuck, 2 running.'

test('it says how many runs are stuck and running, by name and reason', async () => {
  expect(await printed(['--url', server.url])).toEqual({ out: TABLE, notes: [SUM] })
})

test('filters leave those that are asked for, and --json has the same', async () => {
  const stuck = { status: 'stuck', reason: 'call', kind: 'workflow', name: 'pay', runs: 3 }
  const { out, notes } = await printed(['--url', server.url, '--reason', 'call', '--json'])
  expect(out.map((line) => JSON.parse(line) as unknown)).toEqual([{ counts: [stuck], more: false }])
  expect(notes).toEqual(['3 stuck, 0 running.'])
  expect(await printed(['--url', server.url, '--name', 'nobody'])).toEqual({
    out: [],
    notes: ['0 stuck, 0 running.', 'No workflow, operation, reaction or choreography has the name "nobody".'],
  })
})

test('what no count can be of is refused', async () => {
  await expect(printed(['--key', 'orderId:1'])).rejects.toMatchObject({ code: 'USAGE' })
})

test('of a store that nobody has open it says the same', async () => {
  await server.close()
  await app.close()
  const { out, notes } = await printed(['--store', `file:${join(folder, 'app.db')}`])
  expect([out, notes.at(-1)]).toEqual([TABLE, SUM])
})
