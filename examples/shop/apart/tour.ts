// What `npm run shop:apart` shows: an order in each style with the process that did each step, and one in the middle of which
// the payment service is killed. What was done is read from the services' own ledgers, and which process that was from when it lived.
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { parseRow, type LedgerRow } from '../ledger.ts'
import { money, type Style } from '../status.ts'
import type { Paint } from '../terminal.ts'
import type { Part } from './part.ts'

export interface TourOptions {
  readonly application: Part
  readonly services: readonly Part[]
  readonly print: (line: string) => void
  readonly paint: Paint
}

/** A line of a ledger, and the service and the process that wrote it. */
interface Deed extends LedgerRow {
  readonly service: string
  readonly pid: number
}

const Order = z.object({ status: z.string(), paid: z.number() })
type Order = z.infer<typeof Order>
const Sample = z.object({ items: z.array(z.unknown()), customer: z.unknown() })

const stories = {
  orchestrated: 'a workflow calls the services',
  choreographed: 'the services react to each other',
} as const satisfies Partial<Record<Style, string>>

/** Whether the store has seen the tour. */
export const isToured = async ({ application }: TourOptions): Promise<boolean> =>
  (await fetch(`${application.url}/orders/first-orchestrated`)).ok

export async function tour(options: TourOptions): Promise<void> {
  const { print, paint } = options
  for (const style of ['orchestrated', 'choreographed'] as const) {
    const orderId = `first-${style}`
    print(`${paint('bold', orderId)}: ${stories[style]}`)
    await place(options, orderId, style)
    const { status, paid } = await over(options, orderId)
    const deeds = await deedsOf(options, orderId)
    for (const deed of deeds) print(lineOf(deed, deeds, paint))
    print(endOf(status, paid, paint))
    print('')
  }
  await killed(options)
}

/** Payment takes the money, its answers are lost, it is killed, and comes back. */
async function killed(options: TourOptions): Promise<void> {
  const { services, print, paint } = options
  const payment = services.find(({ name }) => name === 'payment')
  if (payment === undefined) throw new Error('there is no payment')
  const orderId = 'killed-payment'
  print(`${paint('bold', orderId)}: payment is killed when it has charged the card and nobody knows of it yet`)
  await post(`${payment.url}/faults`, { service: 'payment', operation: 'charge', loseAnswers: 1_000 })
  await place(options, orderId, 'orchestrated')
  let done: readonly Deed[] = []
  while (!done.some(({ step }) => step === 'charge')) {
    await pause(20)
    done = await deedsOf(options, orderId)
  }
  const first = payment.pid
  await payment.end('SIGKILL')
  for (const deed of done) print(lineOf(deed, done, paint))
  const said = (text: string): void => print(`  ${paint('dim', sinceText(Date.now(), done))}  ${text}`)
  said(`kill -9 ${first}, which was payment; the order is ${(await read(options, orderId)).status}`)
  await payment.start()
  said(`payment is there again, as ${payment.pid}`)
  const { status, paid } = await over(options, orderId)
  const deeds = await deedsOf(options, orderId)
  for (const deed of deeds.slice(done.length)) print(lineOf(deed, deeds, paint))
  print(endOf(status, paid, paint))
  const charges = deeds.filter(({ step }) => step === 'charge')
  const times = charges.filter(({ outcome }) => outcome === 'applied').length
  print(`  asked for the charge ${charges.length} times, ${times === 1 ? 'charged once' : `CHARGED ${times} TIMES`}`)
  print('')
  if (times !== 1) throw new Error(`the card was charged ${times} times`)
}

async function post(url: string, body: unknown): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
}

/** Places the order of the sample, by way of a cart. */
async function place({ application: { url } }: TourOptions, orderId: string, style: Style): Promise<void> {
  const { items, customer } = Sample.parse(
    JSON.parse(readFileSync(new URL('../orders/ok.json', import.meta.url), 'utf8')),
  )
  for (const item of items) await post(`${url}/carts/${orderId}/items`, item)
  await post(`${url}/orders`, { orderId, style, cart: orderId, customer })
}

async function read({ application }: TourOptions, orderId: string, query = ''): Promise<Order> {
  return Order.parse(await (await fetch(`${application.url}/orders/${orderId}${query}`)).json())
}

async function over(options: TourOptions, orderId: string): Promise<Order> {
  for (;;) {
    const order = await read(options, orderId, '?wait=20s')
    if (order.status !== 'in progress') return order
  }
}

async function deedsOf({ services }: TourOptions, orderId: string): Promise<readonly Deed[]> {
  const ledgers = services.map(async (part) => {
    const lines = (await (await fetch(`${part.url}/ledger`)).text()).split('\n').filter((line) => line !== '')
    return lines.map((line): Deed => {
      const row = parseRow(JSON.parse(line))
      return { ...row, service: part.name, pid: part.pidAt(row.t) }
    })
  })
  const deeds = (await Promise.all(ledgers)).flat().filter(({ run }) => run === orderId)
  return deeds.sort((left, right) => left.t - right.t)
}

/** Since the first thing that was done for the order. */
const sinceText = (time: number, [first]: readonly Deed[]): string =>
  `+${Math.floor(time - (first?.t ?? time))} ms`.padStart(9)

const words: Readonly<Record<LedgerRow['outcome'], string>> = {
  applied: 'done',
  deduped: 'asked again: the same answer',
  refused: 'refused',
  failed: 'broke',
}

function lineOf({ t, service, pid, step, outcome, amount }: Deed, all: readonly Deed[], paint: Paint): string {
  const what = [words[outcome], amount === undefined ? '' : money(amount)].filter((word) => word !== '').join(', ')
  const where = `${service.padEnd(12)} ${String(pid).padEnd(7)}`
  return `  ${paint('dim', sinceText(t, all))}  ${where} ${step.padEnd(20)} ${paint('green', what)}`
}

const endOf = (status: string, paid: number, paint: Paint): string =>
  `  ${paint('dim', '='.padStart(9))}  ${paint(status === 'confirmed' ? 'green' : 'yellow', status)}, paid ${money(paid)}`
