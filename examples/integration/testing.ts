// The application and the three stand-ins for a test: real HTTP in both directions, a real store. Delays are those that the
// test asks for: retries follow at once, unless a system wants to be waited for.
import { open, type Application, type Clock, type Policy } from 'ballet'
import { serve } from 'ballet/server'
import deal from './deal.json' with { type: 'json' }
import { settled, type Everywhere } from './http.ts'
import { makeIntegration } from './integration.ts'
import { CrmDeal } from './services/crm.ts'
import { startSystems } from './systems/systems.ts'

export interface Options {
  readonly store?: string
  readonly policy?: Policy
  readonly clock?: Clock
}

export async function startAll({ store = 'memory:', policy, clock }: Options = {}) {
  const retries: Policy = policy ?? { retry: { attempts: 100, backoff: '1ms', limit: '1ms' } }
  let time = 0
  const first = Promise.withResolvers<Application>()
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const serving = await serve(first.promise, { port: 0, log })
  const secret = 'a secret'
  const systems = await startSystems({ folder: null, hooks: serving.url, secret, now: () => time }, 0)
  const { crm, accounting } = systems.addresses
  const { definition, reconcile } = makeIntegration(systems.addresses, retries)
  const app = await open(definition, { store, clock, log })
  first.resolve(app)

  const send = async (url: string, body?: unknown): Promise<Response> => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
    return response
  }
  const quiet = new AbortController().signal
  return {
    app,
    url: serving.url,
    secret,
    systems,
    reconcile,
    /** Lets time pass for the systems. */
    pass: (ms: number) => (time += ms),
    /** What sales and the bank do. */
    openDeal: async (more: object = {}): Promise<string> =>
      CrmDeal.parse(await (await send(`${crm.url}/deals`, { ...deal, ...more })).json()).id,
    win: (dealId: string) => send(`${crm.url}/deals/${dealId}/win`),
    lose: (dealId: string) => send(`${crm.url}/deals/${dealId}/lose`),
    pay: (invoice: string) => send(`${accounting.url}/invoices/${invoice}/payment`),
    settled: (dealId: string) => settled(app, dealId, quiet),
    /** What all three say of a deal once nothing moves for it. */
    everywhere: async (dealId: string) => {
      await settled(app, dealId, quiet)
      return (await (await fetch(`${serving.url}/deals/${dealId}`)).json()) as Everywhere
    },
    close: async () => {
      await serving.close()
      await app.close()
      await systems.close()
    },
  }
}
export type Running = Awaited<ReturnType<typeof startAll>>

/** What is found, in the end: it is looked for after each commit. */
export function until<T>(app: Application, look: () => Promise<T | undefined>): Promise<T> {
  return new Promise((resolve, reject) => {
    const again = (): void => {
      look().then((found) => {
        if (found === undefined) return
        stop()
        resolve(found)
      }, reject)
    }
    const stop = app.watch(null, again)
    again()
  })
}

/** The clock of the machine, and a way to put it forward. */
export function puttableClock(): Clock & { readonly pass: (ms: number) => void } {
  const alarms = new Set<{ readonly due: number; readonly ring: () => void }>()
  let ahead = 0
  const now = (): number => Date.now() + ahead
  return {
    now,
    after(delayMs, callback) {
      const cancel = (): void => {
        clearTimeout(timer)
        alarms.delete(alarm)
      }
      const ring = (): void => {
        cancel()
        callback()
      }
      const timer = setTimeout(ring, Math.min(delayMs, 2 ** 31 - 1))
      const alarm = { due: now() + delayMs, ring }
      alarms.add(alarm)
      return cancel
    },
    pass(ms) {
      ahead += ms
      for (const { due, ring } of alarms) if (due <= now()) ring()
    },
  }
}
