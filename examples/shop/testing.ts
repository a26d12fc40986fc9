// A real shop for a test: a real store, real services, real HTTP on a free port. Nothing is pretended and nothing
// sleeps: `over` answers when the order has ended.
import { readFileSync } from 'node:fs'
import { open, type Application, type Clock, type OperationContext, type Random, type Traces } from 'ballet'
import { serve } from 'ballet/server'
import { z } from 'zod'
import type { Fault } from './faults.ts'
import { follow } from './follow.ts'
import type { LedgerRow } from './ledger.ts'
import { makeShop, type ShopPlace } from './shop.ts'
import { STYLES, type OrderView, type Style } from './status.ts'

export interface Answer {
  readonly status: number
  /** Parsed JSON, or the text when it is none. */
  readonly body: unknown
}

export interface RunningShop {
  readonly app: Application
  readonly url: string
  get(path: string): Promise<Answer>
  post(path: string, body: unknown): Promise<Answer>
  send(method: string, path: string, init?: RequestInit): Promise<Answer>
  /** Places a sample order and gives its id. */
  order(sample: Sample, style: Style, orderId?: string): Promise<string>
  /** The order, when nothing happens to it any more. */
  over(orderId: string): Promise<OrderView>
  /** The order, as soon as something holds of it. */
  when(orderId: string, holds: (order: OrderView) => boolean): Promise<OrderView>
  /** Tells a service what to do wrong; all is well again without one. */
  fault(fault?: Fault): Promise<void>
  /** What the services wrote about an order, oldest first. */
  ledger(orderId: string): Promise<LedgerRow[]>
  close(): Promise<void>
}

export type Sample = 'ok' | 'declined' | 'short' | 'shipping-fails'

export const styles: readonly Style[] = STYLES

export const sampleOf = (sample: Sample): Readonly<Record<string, unknown>> =>
  z
    .record(z.string(), z.unknown())
    .parse(JSON.parse(readFileSync(new URL(`./orders/${sample}.json`, import.meta.url), 'utf8')))

export interface ShopOptions {
  /** In memory unless told where. */
  readonly place?: ShopPlace
  /** Of the engine and of the faults, and the engine's chance; the machine's without them. */
  readonly clock?: Clock
  readonly random?: Random
  /** Where its traces go; without it, where the surroundings say. */
  readonly traces?: Traces
}

/** Opens a shop. */
export async function startShop(options: ShopOptions = {}): Promise<RunningShop> {
  const { place: { store, folder, payments } = { store: 'memory:', folder: null }, clock, random, traces } = options
  const shop = makeShop(folder, payments, clock && (() => clock.now()))
  const app = await open(shop.definition, { store, clock, random, traces })
  const server = await serve(app, { port: 0 })
  const send = async (method: string, path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(server.url + path, { ...init, method })
    const text = await response.text()
    return {
      status: response.status,
      body: /\/(problem\+)?json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : text,
    }
  }
  const get = (path: string): Promise<Answer> => send('GET', path)
  const post = (path: string, body: unknown): Promise<Answer> =>
    send('POST', path, { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
  return {
    app,
    url: server.url,
    get,
    post,
    send,
    order: async (sample, style, orderId) => {
      const { status, body } = await post(`/orders?style=${style}`, { ...sampleOf(sample), orderId })
      if (status !== 202) throw new Error(`not placed: ${JSON.stringify(body)}`)
      return z.object({ orderId: z.string() }).parse(body).orderId
    },
    over: async (orderId) => (await get(`/orders/${orderId}?wait=20s`)).body as OrderView,
    when: async (orderId, holds) => {
      for await (const order of follow(app, orderId)) if (holds(order)) return order
      throw new Error(`the order ${orderId} is over, and it never held`)
    },
    fault: async (fault) => {
      const { status, body } = await (fault === undefined
        ? send('DELETE', '/shop/faults')
        : post('/shop/faults', fault))
      if (status !== 200) throw new Error(`no such fault: ${JSON.stringify(body)}`)
    },
    ledger: async (orderId) => {
      const lines = (await shop.ledger()).split('\n').filter((line) => line !== '')
      return lines.map((line) => JSON.parse(line) as LedgerRow).filter((row) => row.run === orderId)
    },
    close: async () => {
      await server.close()
      await app.close()
      await shop.close()
    },
  }
}

/** A ledger without what differs between two orders that went the same way. */
export const deeds = (rows: readonly LedgerRow[]): string[] =>
  rows.map(({ step, outcome, amount }) => [step, outcome, ...(amount === undefined ? [] : [amount])].join(' '))

/** Of these the ones that happened, and not what was refused or broke. */
export const done = (rows: readonly LedgerRow[]): string[] =>
  deeds(rows.filter(({ outcome }) => outcome === 'applied')).map((deed) => deed.replace(' applied', ''))

const silent = { info: () => {}, warn: () => {}, error: () => {} }

/** What an operation is given beside its input, for a service that is asked without an engine. */
export const contextOf = (op: string, more: Partial<OperationContext> = {}): OperationContext => ({
  idempotencyKey: `store:run:0:${op}`,
  fence: '1.0.5',
  attempt: 1,
  timeoutMs: 10_000,
  key: 'orderId:8841',
  run: 'run',
  op,
  root: 'run:run',
  cause: null,
  undoes: null,
  signal: new AbortController().signal,
  log: silent,
  heartbeat: () => {},
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  ...more,
})
