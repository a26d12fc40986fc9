// The counter of a shop whose services are processes of their own: what is asked of them beside the orders is a request to
// each. The list of products is kept, so that orders are taken while the catalog is away; all else waits for its service.
import { z } from 'zod'
import type { Item } from '../contracts.ts'
import type { Counter } from '../counter.ts'
import { Fault, type ServiceName } from '../faults.ts'
import { ledgerLines, parseRow } from '../ledger.ts'
import { Problem } from '../problem.ts'
import { SERVICES } from './places.ts'

const PATIENCE_MS = 2_000

const Products = z.object({
  products: z.array(z.object({ sku: z.string(), name: z.string(), price: z.number(), stock: z.number() })),
})
const Cart = z.object({
  id: z.string(),
  items: z.array(z.object({ sku: z.string(), qty: z.number() })),
  order: z.string().nullable(),
})
const Added = z.union([z.object({ full: z.string() }), Cart])
const Listed = z.object({ faults: z.array(Fault) })

/** @param urlOf where a service is. */
export function counterElsewhere(urlOf: (service: ServiceName) => string): Counter {
  const ask = async (service: ServiceName, path: string, init: RequestInit = {}): Promise<string> => {
    const request = { ...init, signal: AbortSignal.timeout(PATIENCE_MS) }
    const response = await fetch(urlOf(service) + path, request).catch(() => null)
    const text = await response?.text().catch(() => null)
    if (response?.ok !== true || text == null) throw away(service)
    return text
  }
  const post = (service: ServiceName, path: string, body: unknown): Promise<string> =>
    ask(service, path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const all = (path: string, init?: RequestInit): Promise<readonly string[]> =>
    Promise.all(SERVICES.map((service) => ask(service, path, init)))

  let known: z.infer<typeof Products>['products'] | undefined
  return {
    async products() {
      try {
        return (known = Products.parse(JSON.parse(await ask('catalog', '/products'))).products)
      } catch (error) {
        if (known === undefined) throw error
        return known
      }
    },
    cart: async (id) => Cart.parse(JSON.parse(await ask('cart', `/carts/${id}`))),
    addToCart: async (id, item: Item) => Added.parse(JSON.parse(await post('cart', `/carts/${id}/items`, item))),
    faults: {
      list: async () => (await all('/faults')).flatMap((text) => Listed.parse(JSON.parse(text)).faults),
      set: async (fault) => void (await post(fault.service, '/faults', fault)),
      clear: async () => void (await all('/faults', { method: 'DELETE' })),
    },
    async ledger() {
      const texts = await all('/ledger')
      return ledgerLines(
        texts.map((text) => text.split('\n').flatMap((line) => (line === '' ? [] : [parseRow(JSON.parse(line))]))),
      )
    },
  }
}

const away = (service: ServiceName): Problem =>
  new Problem(
    503,
    'SERVICE_AWAY',
    `The ${service} service does not answer.`,
    'Send the same request again in a moment.',
  )
