// docs/reference/remote.md: its service without a package is run as a process of its own, for an application that has the
// contract alone; and its TypeScript is one program.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { elsewhere, fetched } from '../../src/http.ts'
import { ballet, event, operation, service, workflow } from '../../src/index.ts'
import { serve } from '../../src/server.ts'
import { keptLog, openForTest, until } from '../support/applications.ts'
import { runAsUser } from '../support/users-folder.ts'

const page = readFileSync(new URL('../../docs/reference/remote.md', import.meta.url), 'utf8')
const blocks = (language: string): readonly string[] =>
  page
    .split(`\`\`\`${language}\n`)
    .slice(1)
    .map((part) => part.slice(0, part.indexOf('```')))

const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`
const folders: string[] = []
const processes: ChildProcess[] = []
afterEach(() => {
  for (const one of processes.splice(0)) one.kill('SIGKILL')
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** Starts the service of the page; resolves to its port. */
function started(script: string, port: string): Promise<{ readonly child: ChildProcess; readonly port: string }> {
  const env = { ...process.env, PAYMENT_SECRET: `${secret} ${secret}`, PAYMENT_BOOKS: `${script}.books`, PORT: port }
  const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  processes.push(child)
  return new Promise((resolve) => {
    child.stdout.on('data', (text: Buffer) => resolve({ child, port: text.toString().replace('listening', '').trim() }))
  })
}

const Id = z.object({ orderId: z.string() })
const Approved = event('payment.approved', Id.extend({ receipt: z.string() }), { key: 'orderId' })
const Declined = event('payment.declined', Id.extend({ reason: z.string() }), { key: 'orderId' })
const Refunded = event('payment.refunded', Id, { key: 'orderId' })
const policy = { retry: { attempts: 100, backoff: '10ms', limit: '50ms' } } as const
const payment = service('payment', {
  charge: operation({ input: Id.extend({ amount: z.int() }), outcomes: [Approved, Declined], ...policy }),
  refund: operation({ input: Id, undoes: 'charge', outcomes: [Refunded], ...policy }),
})

/** With what takes long, for the one that fetches its calls. */
const patient = service('payment', {
  charge: operation({ input: Id.extend({ amount: z.int() }), outcomes: [Approved, Declined], ...policy }),
  refund: operation({ input: Id, undoes: 'charge', outcomes: [Refunded], ...policy }),
  reconcile: operation({
    input: z.object({ days: z.int() }),
    output: z.object({ days: z.int(), from: z.int() }),
    timeout: '1h',
    heartbeat: '600ms',
    ...policy,
  }),
})

/** Charges for an order, and takes that back where it comes to 7. */
const ordersAt = (there: Pick<typeof payment, 'charge' | 'refund'>) =>
  workflow(
    'order',
    { input: Id.extend({ amount: z.int() }), output: z.string(), key: 'orderId' },
    async (run, { orderId, amount }) => {
      const paid = await run.call(there.charge({ orderId, amount }), { undo: there.refund({ orderId }) })
      if (paid.type === 'payment.declined') return paid.data.reason
      if (amount === 7) await run.undo()
      return paid.data.receipt
    },
  )

test('a service without a package serves an application, dies, and goes on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-remote-'))
  folders.push(folder)
  const script = join(folder, 'payment.mjs')
  writeFileSync(script, blocks('js').find((block) => block.includes('// payment.mjs')) ?? '')
  const first = await started(script, '0')
  const url = `http://127.0.0.1:${first.port}`
  const there = elsewhere(payment, { url, secrets: [secret] })
  const order = ordersAt(there)
  const app = await openForTest(ballet({ services: [there], workflows: [order] }))
  const placed = async (orderId: string, amount: number): Promise<unknown> => {
    const { id } = await app.start(order({ orderId, amount }))
    return app.result(id)
  }
  expect(await placed('1', 5)).toBe('receipt-1')
  expect(await placed('2', 5000)).toBe('more than 1000')
  // Its port is free when it is gone, and not before.
  const gone = once(first.child, 'exit')
  first.child.kill('SIGKILL')
  await gone
  const third = placed('3', 7)
  await started(script, first.port)
  expect(await third).toBe('receipt-3')
  const books = readFileSync(`${script}.books`, 'utf8').trim().split('\n')
  const kept = books.map((line) => JSON.parse(line) as { undoes: string | null; answer: { type: string } })
  expect(kept.map(({ answer }) => answer.type)).toEqual([
    'payment.approved',
    'payment.declined',
    'payment.approved',
    'payment.refunded',
  ])
  expect(kept[3]?.undoes).toMatch(/:order:3:0:payment\.charge#0$/)
  // One that signs with another secret is not served.
  const foreign = `whsec_${Buffer.alloc(32, 6).toString('base64')}`
  const stranger = elsewhere(payment, { url, secrets: [foreign] })
  const other = await openForTest(ballet({ name: 'other', services: [stranger] }))
  await other.start(stranger.charge({ orderId: '4', amount: 1 }), { id: '4' })
  const words = await until(
    other,
    null,
    async () => JSON.stringify((await other.journal('4'))?.items).match(/answered 401[^"]*/)?.[0],
  )
  expect(words).toBe('answered 401: not signed as it must be.')
  // It has done nothing.
  expect(readFileSync(`${script}.books`, 'utf8').trim().split('\n')).toEqual(books)
})

test('a service without a package fetches its calls, dies, goes on, and is ended', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-remote-'))
  folders.push(folder)
  const script = join(folder, 'fetching.mjs')
  writeFileSync(script, blocks('js').find((block) => block.includes('// fetching.mjs')) ?? '')
  const there = fetched(patient, { secrets: [secret] })
  const order = ordersAt(there)
  const app = await openForTest(ballet({ services: [there], workflows: [order] }))
  const serving = await serve(app, { port: 0, token: 'open-sesame', log: keptLog() })
  const placed = async (orderId: string, amount: number): Promise<unknown> => {
    const { id } = await app.start(order({ orderId, amount }))
    return app.result(id)
  }
  const begin = (): ChildProcess => {
    const env = { ...process.env, PAYMENT_SECRET: secret, PAYMENT_BOOKS: `${script}.books`, BALLET_URL: serving.url }
    const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'ignore', 'inherit'] })
    processes.push(child)
    return child
  }
  const first = begin()
  expect(await placed('1', 5)).toBe('receipt-1')
  expect(await placed('2', 5000)).toBe('more than 1000')
  const killed = once(first, 'exit')
  first.kill('SIGKILL')
  await killed
  const third = placed('3', 7)
  const second = begin()
  expect(await third).toBe('receipt-3')
  const books = readFileSync(`${script}.books`, 'utf8').trim().split('\n')
  const kept = books.map((line) => JSON.parse(line) as { answer: { type: string } })
  expect(kept.map(({ answer }) => answer.type)).toEqual([
    'payment.approved',
    'payment.declined',
    'payment.approved',
    'payment.refunded',
  ])
  // The day that it has got to is told, and the next process goes on there.
  const { id } = await app.start(there.reconcile({ days: 90 }))
  const isHeard = async (): Promise<boolean> => (await app.run(id))?.waits[0]?.heartbeat !== undefined
  for (let number = 4; !(await isHeard()); number += 1) await placed(String(number), 1)
  const gone = once(second, 'exit')
  second.kill('SIGKILL')
  await gone
  const last = begin()
  const { from } = (await app.result(id)) as { readonly from: number }
  expect(from).toBeGreaterThan(0)
  const ended = once(last, 'exit')
  last.kill('SIGTERM')
  // It ends by itself, and does not wait for the time that it has asked for.
  expect(await ended).toEqual([0, null])
  await serving.close()
})

test('the TypeScript of the page is files, each of which imports what it needs', () => {
  const [contracts = '', app = '', carried = '', later = '', branch = '', fetching = ''] = blocks('ts')
  expect(blocks('ts')).toHaveLength(6)
  const program = `import assert from 'node:assert/strict'
import { open } from 'ballet'
import { serve } from 'ballet/server'
import { payment, PaymentApproved } from './contracts.ts'
process.env['PAYMENT_SECRET'] = '${secret}'
const { books, serving } = await import('./payment.ts')
process.env['PAYMENT_URL'] = serving.url
const { default: application, branch, patient } = await import('./app.ts')
const running = await open(application)
const { id } = await running.start(payment.charge({ orderId: '1', amount: 5 }), { id: 'one' })
assert.deepEqual(await running.result(id), PaymentApproved({ orderId: '1', amount: 5 }))
assert.deepEqual([...books.values()], [5])
await running.close()
const waiting = await open(patient)
assert.notEqual(waiting.http, null)
await waiting.close()
await serving.close()
const far = await open(branch)
const door = await serve(far, { port: 0 })
process.env['BALLET_URL'] = door.url
const { fetching } = await import('./fetching.ts')
const started = await far.start(payment.charge({ orderId: '2', amount: 6 }), { id: 'two' })
assert.deepEqual(await far.result(started.id), PaymentApproved({ orderId: '2', amount: 6 }))
await fetching.close()
await door.close()
await far.close()
`
  runAsUser(program, 60_000, {
    'contracts.ts': contracts,
    'payment.ts': `${carried}\nexport { books, carried, serving }\n`,
    'app.ts': `${app}\n${later}\n${branch}`,
    'fetching.ts': `import { carried } from './payment.ts'\n${fetching}\nexport { fetching }\n`,
  })
})
