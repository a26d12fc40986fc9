// `npm run shop:apart` and what README.md says of it, with the six real processes: what it shows, the commands, and its end.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { SERVICES } from './places.ts'

const script = fileURLToPath(new URL('start.ts', import.meta.url))
const host = fileURLToPath(new URL('host.ts', import.meta.url))
const page = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const commands = [...page.matchAll(/```console\n([^]*?)```/g)].flatMap(([, block = '']) =>
  block
    .split(/^\$ /m)
    .filter((text) => text !== '')
    .map((text) => {
      const [command = '', ...output] = text.trim().split('\n')
      return { command, output: output.join('\n') }
    }),
)

let folder: string
let child: ChildProcess
const lines: string[] = []
/** The address of each process, by its port in the README. */
let addresses: readonly (readonly [port: number, address: string])[]

const place = (name: string): { readonly address: string; readonly pid: string } => {
  const [, address = '', pid = ''] =
    lines.map((line) => new RegExp(`^ {2}${name} +http://(\\S+) {2}process (\\d+)$`).exec(line)).find(Boolean) ?? []
  return { address, pid }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shop-apart-'))
  child = spawn(process.execPath, [script], {
    env: { ...process.env, PORT: '0', BALLET_STORE: join(folder, 'shop.db'), NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, which is told to end as by Ctrl-C in a terminal.
    detached: true,
  })
  const ready = Promise.withResolvers<void>()
  const ended = once(child, 'close').then(() => Promise.reject(new Error(lines.join('\n'))))
  for (const stream of [child.stdout, child.stderr])
    if (stream !== null)
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line)
        if (line.startsWith('Ctrl-C')) ready.resolve()
      })
  await Promise.race([ready.promise, ended])
  ended.catch(() => {})
  addresses = ['application', ...SERVICES].map((name, index) => [4400 + index, place(name).address])
})
afterAll(async () => {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await gone
  }
  rmSync(folder, { recursive: true })
})

test('each step is shown with the process that did it, in both styles', () => {
  const text = lines.join('\n')
  const [, first = '', second = ''] = text.split(/^first-\w+: .*$/m)
  for (const story of [first, second.split('killed-payment')[0] ?? '']) {
    const did = [...story.matchAll(/ms {2}(\w+) +(\d+) +(\S+) +done/g)].map(([, name = '', pid, step]) => [
      step,
      pid === place(name).pid,
    ])
    expect(did).toEqual(
      ['checkOut', 'reserve#pointe-shoes', 'reserve#ribbon', 'charge', 'ship', 'notify'].map((step) => [step, true]),
    )
    expect(story).toContain('=  confirmed, paid 107.00')
  }
  expect(new Set(['application', ...SERVICES].map((name) => place(name).pid)).size).toBe(6)
})

test('payment is killed in the middle of an order, and the card is charged once', () => {
  const story = lines.join('\n').split('killed-payment')[1] ?? ''
  const { pid } = place('payment')
  expect(story).toContain(`kill -9 ${pid}, which was payment; the order is in progress`)
  const charges = [...story.matchAll(/payment +(\d+) +charge +(.*)$/gm)].map(([, by, what]) => [by === pid, what])
  expect(charges[0]).toEqual([true, 'done, 107.00'])
  expect(charges.at(-1)).toEqual([false, 'asked again: the same answer'])
  expect(story).toMatch(/asked for the charge \d+ times, charged once/)
})

/** What a command prints. */
function run(command: string): Promise<string> {
  let line = command
  for (const [port, address] of addresses) line = line.replaceAll(`localhost:${port}`, address)
  return new Promise((resolve) => void execFile('sh', ['-c', line], (_error, stdout) => resolve(stdout.trim())))
}

/** `…` stands for anything. */
const pattern = (text: string): RegExp =>
  new RegExp(
    `^${text
      .split('…')
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
      .join('[^]*')}$`,
  )

test.each(commands)('$command', async ({ command, output }) => {
  expect(await run(command)).toMatch(pattern(output))
})

test('the application asks at the counter of each: faults, carts, ledgers; an order is taken while the catalog is away', async () => {
  const url = `http://${place('application').address}`
  const headers = { 'content-type': 'application/json' }
  const post = (path: string, body: unknown) =>
    fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  const fault = { service: 'shipping', slowMs: 1 }
  expect(await (await post('/shop/faults', fault)).json()).toEqual({ faults: [fault] })
  expect(await (await fetch(`${url}/shop/faults`, { method: 'DELETE' })).json()).toEqual({ faults: [] })
  expect((await post('/shop/faults', { service: 'shiping', slowMs: 1 })).status).toBe(422)
  const cart = { id: 'c-1', items: [{ sku: 'tutu', qty: 2 }], order: null }
  expect(await (await post('/carts/c-1/items', cart.items[0])).json()).toEqual(cart)
  expect(await (await fetch(`${url}/carts/c-1`)).json()).toEqual(cart)

  const catalog = `http://${place('catalog').address}`
  const { process: pid } = z.object({ process: z.number() }).parse(await (await fetch(`${catalog}/process`)).json())
  process.kill(pid, 'SIGKILL')
  const customer = { name: 'Odette', email: 'odette@example.com', card: '1' }
  const items = [{ sku: 'tutu', qty: 1 }]
  expect((await post('/orders', { orderId: 'A-3', items: [{ sku: 'harp', qty: 1 }], customer })).status).toBe(422)
  expect((await post('/orders', { orderId: 'A-3', items, customer })).status).toBe(202)
  expect(await (await fetch(`${url}/orders/A-3?wait=20s`)).json()).toMatchObject({ status: 'confirmed', paid: 24_900 })
  const rows = (await (await fetch(`${url}/shop/ledger`)).text()).split('\n').filter((line) => line.includes('"A-3"'))
  expect(rows.map((row) => (JSON.parse(row) as { step: string }).step)).toEqual([
    'reserve#tutu',
    'charge',
    'ship',
    'notify',
  ])
})

test('a service whose port is taken says so', async () => {
  const [, address = ''] = addresses[3] ?? []
  const said = await run(
    `PORT=${address.split(':')[1]} BALLET_SERVICES=${folder}/other "${process.execPath}" ${host} payment 2>&1`,
  )
  expect(said).toMatch(/^error Port \d+ is in use\.$/)
})

test('it has said that payment was started again, and Ctrl-C ends all six, each well', async () => {
  expect(lines.join('\n')).toMatch(/payment \(\d+\) was ended; it is there again, as \d+/)
  const ended = once(child, 'exit')
  // npm passes on what the terminal has told it and this one.
  for (let time = 0; time < 2; time++) process.kill(-(child.pid ?? 0), 'SIGINT')
  expect([await ended, lines.at(-1)]).toEqual([[0, null], 'closing'])
  const answers = addresses.map(([, address]) => fetch(`http://${address}/`).then(String, () => 'nobody'))
  expect(await Promise.all(answers)).toEqual(addresses.map(() => 'nobody'))
})
