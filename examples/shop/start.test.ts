// What `npm start` gives a newcomer, with real processes: the first orders, recovery, a busy port, a graceful end.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { deeds, styles } from './testing.ts'
import { exportLedgers, type LedgerRow } from './ledger.ts'
import { shopPlace } from './shop.ts'

const script = fileURLToPath(new URL('./start.ts', import.meta.url))
let folder: string
const children: ChildProcess[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shop-start-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  rmSync(folder, { recursive: true })
})

interface Started {
  readonly child: ChildProcess
  readonly lines: string[]
  readonly url: string
  /** Resolves with the exit code. */
  readonly exit: Promise<number | null>
}

/** Starts the shop and resolves when it has said everything, or has ended. */
async function start(env: Record<string, string> = {}, cwd = process.cwd()): Promise<Started> {
  const child = spawn(process.execPath, [script], {
    cwd,
    env: { ...process.env, PORT: '0', BALLET_STORE: join(folder, 'shop.db'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  const lines: string[] = []
  const exit = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  const ready = Promise.withResolvers<void>()
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      if (line.startsWith('Ctrl-C')) ready.resolve()
    })
  }
  await Promise.race([ready.promise, exit])
  return { child, lines, url: /http:\S+/.exec(lines.join('\n'))?.[0] ?? '', exit }
}

const post = (url: string, body: unknown): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
const order = {
  items: [{ sku: 'poster', qty: 1 }],
  customer: { name: 'Odette', email: 'odette@example.com', card: '1' },
}
const rowsOf = (orderId: string): LedgerRow[] =>
  exportLedgers(join(folder, 'services'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as LedgerRow)
    .filter(({ run }) => run === orderId)

test('a new store shows an order in each style; an old one says what it took up; the end is graceful', async () => {
  const first = await start()
  const text = first.lines.join('\n')
  expect(text).toContain('first-orchestrated')
  expect(text).toContain('first-choreographed')
  expect(first.lines.filter((line) => line.includes('=  confirmed, paid 107.00'))).toHaveLength(2)
  expect(first.lines.filter((line) => /ms {2}charge {4}done/.test(line))).toHaveLength(2)
  expect(text).toContain('examples/shop/orders/ok.json')
  expect(text).toContain(`  process   ${first.child.pid}, kill -9`)
  expect(text).not.toContain('\u001b')
  first.child.kill('SIGTERM')
  expect(await first.exit).toBe(0)

  const second = await start()
  expect(second.lines.join('\n')).toMatch(/recovered in \d+ ms: nothing was left open/)
  expect(second.lines.join('\n')).not.toContain('first-orchestrated:')
  second.child.kill('SIGINT')
  expect(await second.exit).toBe(0)
})

test('F1: the shop is killed in the middle of an order of each style: it goes on, and charges once', async () => {
  const first = await start()
  await post(`${first.url}/shop/faults`, { service: 'shipping', slowMs: 600_000 })
  for (const style of styles) {
    expect((await post(`${first.url}/orders`, { ...order, orderId: `killed-${style}`, style })).status).toBe(202)
  }
  first.child.kill('SIGKILL')
  await first.exit

  const second = await start()
  expect(second.lines.join('\n')).toMatch(/recovered in \d+ ms: [2-9] open runs go on/)
  for (const style of styles) {
    const ended: unknown = await (await fetch(`${second.url}/orders/killed-${style}?wait=20s`)).json()
    expect(ended).toMatchObject({ style, status: 'confirmed', paid: 1_500 })
    const applied = deeds(rowsOf(`killed-${style}`).filter(({ outcome }) => outcome === 'applied'))
    expect(applied).toEqual(['reserve#poster applied', 'charge applied 1500', 'ship applied', 'notify applied'])
  }
})

test('F20: a busy port: a clear error', async () => {
  const blocker = createServer()
  await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve))
  const address = blocker.address()
  const port = typeof address === 'object' ? String(address?.port) : ''
  const { lines, exit } = await start({ PORT: port })
  blocker.close()
  expect(await exit).toBe(1)
  expect(lines.join('\n')).toContain(`Port ${port} is in use.`)
  expect(lines.join('\n')).toContain('PORT_BUSY')
})

test('a port that is none is a clear error', async () => {
  const { lines, exit } = await start({ PORT: 'http' })
  expect(await exit).toBe(1)
  expect(lines.join('\n')).toContain('PORT is "http"; it must be a number from 0 to 65535')
})

test('a store of a kind that there is not is refused, and nothing is made of its name', async () => {
  expect(shopPlace({ BALLET_STORE: 'file:///srv/a%20b/shop.db' })).toEqual({
    store: 'file:///srv/a%20b/shop.db',
    folder: '/srv/a b/services',
    payments: null,
  })
  const store = 'postgres://shop@db.example/orders'
  expect(shopPlace({ BALLET_STORE: store })).toEqual({ store, folder: '.ballet/services', payments: store })
  expect(shopPlace({ BALLET_PAYMENTS: store })).toMatchObject({ store: 'file:.ballet/shop.db', payments: store })
  const { lines, exit } = await start({ BALLET_STORE: 'mysql://x' }, folder)
  expect(await exit).toBe(1)
  expect(lines.join('\n')).toContain('The store "mysql://x" is not understood.')
  expect(lines.join('\n')).toContain('STORE_UNKNOWN')
  expect(readdirSync(folder)).toEqual([])
})
