// The page about the HTTP API is true: its application is the one below, and each of its commands gets the answer that
// stands under it, on the real engine.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Application } from '../define/application.ts'
import { ballet, choreography, event, open, operation, schedule, seq, service, signal, workflow } from '../index.ts'
import { serve, type Serving } from './serve.ts'

const text = readFileSync(new URL('../../docs/reference/http.md', import.meta.url), 'utf8')
const BASE = 'http://localhost:4400'
const ANYTHING = '…'

// the application of the page
const Order = z.object({ orderId: z.string(), amount: z.int() })
const OrderCreated = event('order.created', Order, { key: 'orderId' })
const PaymentApproved = event('payment.approved', Order, { key: 'orderId' })
const Approve = signal('approve', z.object({ by: z.string() }))

const payment = service('payment', {
  charge: operation({ input: Order, outcomes: [PaymentApproved], run: (order) => PaymentApproved(order) }),
})
payment.on(OrderCreated, (order) => payment.charge(order))

const notification = service('notification', {
  mail: operation({
    input: z.object({ to: z.string() }),
    output: z.object({ sent: z.boolean() }),
    retry: { attempts: 1 },
    run: () => {
      throw new Error('the mail server is away')
    },
  }),
})

const checkout = workflow(
  'checkout',
  { input: Order, output: z.object({ approvedBy: z.string() }), key: 'orderId', signals: [Approve] },
  async (run, order) => {
    const approval = await run.receive(Approve)
    await run.call(payment.charge(order))
    return { approvedBy: approval.data.by }
  },
)

const fulfilment = choreography(
  'fulfilment',
  { key: 'orderId' },
  seq(OrderCreated, PaymentApproved.within('1h').as('paid')),
)

const cleanup = workflow(
  'cleanup',
  { input: z.object({ day: z.string() }), output: z.string() },
  async (run, { day }) => run.step('clean', () => day),
)
const nightly = schedule('nightly', {
  cron: '0 3 * * 1-5',
  timezone: 'Europe/Lisbon',
  call: ({ day }) => cleanup({ day }),
})

const definition = ballet({
  name: 'shop',
  version: '1',
  services: [payment, notification],
  workflows: [checkout, cleanup],
  choreographies: [fulfilment],
  schedules: [nightly],
  events: [OrderCreated],
})
// end

interface Example {
  readonly command: string
  readonly status: number
  readonly isText: boolean
  readonly answer: unknown
}

const examples: readonly Example[] = [
  ...text.matchAll(/^```sh\n(curl [\s\S]*?)\n```\n(?:\n```(json|text) (\d+)\n([\s\S]*?)\n```)?/gm),
].map(([, command = '', type, status, answer = '']) => ({
  command: command.replace(/\\?\n\s*/g, ' '),
  status: Number(status),
  isText: type === 'text',
  answer: type === 'text' ? answer : (JSON.parse(answer) as unknown),
}))

/** Whether a command has cookies: it is then for a server that asks for a token. */
const hasCookies = (command: string): boolean => / -[bc] cookies\b/.test(command)
/** What curl keeps in the file `cookies`. */
let cookies = ''

/** The request that a curl command makes. Words are bare or in single quotes. */
function requestOf(command: string, url: string): Request {
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare = '']) => quoted ?? bare)
  const [curl, target = '', ...options] = words.filter((word) => word !== '-i')
  expect([curl, target.startsWith(BASE)]).toEqual(['curl', true])
  const headers = new Headers()
  let body: string | undefined
  let method: string | undefined
  for (let at = 0; at < options.length; at += 2) {
    const value = options[at + 1] ?? ''
    expect(['-b', '-c', '-d', '-H', '-X']).toContain(options[at])
    if (options[at] === '-d') body = value
    else if (options[at] === '-X') method = value
    else if (options[at] === '-b') headers.set('cookie', cookies)
    else if (options[at] === '-H') headers.set(value.split(': ')[0] ?? '', value.split(': ')[1] ?? '')
  }
  const address = `${url}${target.slice(BASE.length)}`
  if (body === undefined) return new Request(address, { method: method ?? 'GET', headers })
  return new Request(address, { method: method ?? 'POST', headers, body })
}

/** What curl prints. */
async function printed(command: string, response: Response): Promise<string> {
  if (command.includes(' -c cookies')) cookies = /^[^;]*/.exec(response.headers.get('set-cookie') ?? '')?.[0] ?? ''
  const body = await response.text()
  if (!command.includes(' -i')) return body
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}\n`)
  return `HTTP/1.1 ${response.status} ${response.statusText}\n${headers.join('')}\n${body}`
}

/** `actual` with `…` wherever `written` has it, so that the two can be compared. */
function asWritten(actual: unknown, written: unknown): unknown {
  if (written === ANYTHING) return ANYTHING
  if (Array.isArray(written) && Array.isArray(actual)) {
    const items: readonly unknown[] = actual
    if (written.at(-1) !== ANYTHING) return items.map((item, at) => asWritten(item, written[at]))
    return written.map((item, at) => asWritten(items[at], item))
  }
  if (!isObject(written) || !isObject(actual)) return actual
  const known = Object.keys(written)
  const kept = ANYTHING in written ? known : Object.keys(actual)
  return Object.fromEntries(
    kept.map((name) => [name, asWritten(name === ANYTHING ? ANYTHING : actual[name], written[name])]),
  )
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

describe('docs/reference/http.md', () => {
  let app: Application
  let server: Serving
  let guarded: Serving
  beforeAll(async () => {
    app = await open(definition, { store: 'memory:' })
    server = await serve(app, { port: 0 })
    guarded = await serve(app, { port: 0, token: 'open-sesame' })
  })
  afterAll(async () => {
    await Promise.all([server.close(), guarded.close()])
    await app.close()
  })
  const ask = (command: string): Promise<Response> =>
    fetch(requestOf(command, hasCookies(command) ? guarded.url : server.url))

  it('shows this application', () => {
    const source = readFileSync(new URL(import.meta.url), 'utf8')
    const code = (part: string): string =>
      part
        .replace(/^import .*\n/gm, '')
        .replace('export default', 'const definition =')
        .replace(/\s+/g, ' ')
        .trim()
    const shown = /```ts\n([\s\S]*?)```/.exec(text)?.[1] ?? ''
    const used = /\/\/ the application of the page\n([\s\S]*?)\/\/ end\n/.exec(source)?.[1] ?? ''
    expect(code(used)).toBe(code(shown))
  })

  it.each(examples.filter(({ isText }) => isText))('$command', async ({ command, status, answer }) => {
    const response = await ask(command)
    const shown = (answer as string).replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(ANYTHING, '[^]*')
    expect([response.status, await printed(command, response)]).toEqual([
      status,
      expect.stringMatching(new RegExp(`^${shown}$`)),
    ])
  })

  it.each(examples.filter(({ isText }) => !isText))('$command', async ({ command, status, answer }) => {
    const response = await ask(command)
    const actual: unknown = await response.json()
    expect([response.status, asWritten(actual, answer)]).toEqual([status, answer])
  })

  it('has an example for every route', () => {
    expect(examples.length).toBeGreaterThan(12)
    const sections = text.split(/^## (?=(?:GET|POST|DELETE) )/m).slice(1)
    expect(
      sections.filter((section) => !section.includes('```sh\ncurl ')).map((section) => section.split('\n', 1)),
    ).toEqual([])
  })
})
