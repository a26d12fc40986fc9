// The shop's own routes, beside the API that Ballet serves under /api. A request that is wrong gets problem+json that
// names the field; a request for anything else passes on. Orders are answered with 202: they are durable then, and go
// on by themselves.
import type { Application, HttpRoutes } from 'ballet'
import { z } from 'zod'
import { withAttempts } from './attempts.ts'
import { Item } from './contracts.ts'
import { Fault } from './faults.ts'
import { follow } from './follow.ts'
import { unknownOrder } from './order-problems.ts'
import { CancelRequest, OrderRequest, Orders, type OrderDesk } from './orders.ts'
import { Problem } from './problem.ts'
import { checkQuery, parseQuery } from './query.ts'
import { readBody } from './read-body.ts'
import { readOrder, Style } from './status.ts'
import { welcome } from './welcome.ts'

interface Visit {
  readonly app: Application
  readonly desk: OrderDesk
  readonly orders: Orders
  readonly request: Request
  readonly query: URLSearchParams
  /** What stands in the place of `:id` in the path. */
  readonly id: string
}

/** What the shop is and what to try, at the address that was asked. */
function front({ request }: Visit): Response {
  const { host } = new URL(request.url)
  return new Response(welcome(host), { headers: { 'content-type': 'text/plain; charset=utf-8' } })
}

type Answer = (visit: Visit) => Response | Promise<Response>

const routes: Readonly<Record<string, Readonly<Record<string, Answer>>>> = {
  '/': { GET: front },
  '/orders': { GET: listOrders, POST: placeOrder },
  '/orders/:id': { GET: showOrder },
  '/orders/:id/cancel': { POST: cancelOrder },
  '/products': { GET: async ({ desk }) => Response.json({ products: await desk.counter.products() }) },
  '/carts/:id': { GET: async ({ desk, id }) => Response.json(await desk.counter.cart(id)) },
  '/carts/:id/items': { POST: addItem },
  '/shop/faults': {
    GET: async ({ desk }) => Response.json({ faults: await desk.counter.faults.list() }),
    POST: setFault,
    DELETE: async ({ desk }) => {
      await desk.counter.faults.clear()
      return Response.json({ faults: [] })
    },
  },
  '/shop/ledger': {
    GET: async ({ desk }) =>
      new Response(await desk.counter.ledger(), { headers: { 'content-type': 'application/x-ndjson' } }),
  },
}

/** The parameters that a route takes; the others take none. */
const parameters: Readonly<Record<string, readonly string[]>> = {
  'GET /orders': ['limit'],
  'POST /orders': ['style'],
  'GET /orders/:id': ['wait'],
}

const NAME = '[A-Za-z0-9._-]{1,64}'
const patterns = Object.entries(routes).map(([path, methods]) => ({
  path,
  methods,
  pattern: new RegExp(`^${path.replace(':id', `(${NAME})`)}$`),
}))

/** The routes of a shop, for `ballet({ http })`. */
export function shopRoutes(desk: OrderDesk): HttpRoutes {
  return (app) => {
    const orders = new Orders(app, desk)
    return async (request) => {
      const { pathname, searchParams: query } = new URL(request.url)
      const route = patterns.find(({ pattern }) => pattern.test(pathname))
      if (route === undefined) return undefined
      const allowed = Object.keys(route.methods).join(', ')
      const answer = route.methods[request.method]
      try {
        if (answer === undefined) {
          throw new Problem(
            405,
            'METHOD_NOT_ALLOWED',
            `${request.method} is not allowed on ${pathname}.`,
            `Use ${allowed}.`,
          )
        }
        checkQuery(query, parameters[`${request.method} ${route.path}`] ?? [])
        const id = route.pattern.exec(pathname)?.[1] ?? ''
        return await answer({ app, desk, orders, request, query, id })
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        return error.response(error.status === 405 ? { allow: allowed } : {})
      }
    }
  }
}

async function placeOrder({ orders, request, query }: Visit): Promise<Response> {
  const body = await readBody(request, OrderRequest)
  const asked = query.has('style') ? parseQuery('style', query.get('style') ?? '', Style) : undefined
  if (asked !== undefined && body.style !== undefined && body.style !== asked) {
    const detail = `The style is ${asked} in the address and ${body.style} in the body.`
    throw new Problem(422, 'ORDER_INVALID', detail, 'Say it once.', 'style')
  }
  const { orderId, style } = await orders.place({ ...body, style: asked ?? body.style })
  const url = `/orders/${orderId}`
  return Response.json({ orderId, style, url }, { status: 202, headers: { location: url } })
}

/** Without a body it is the customer who cancels. */
async function cancelOrder({ orders, request, id }: Visit): Promise<Response> {
  const isEmpty = request.headers.get('content-type') === null
  const { by } = isEmpty ? CancelRequest.parse({}) : await readBody(request, CancelRequest)
  const { orderId, style } = await orders.cancel(id, by)
  return Response.json({ orderId, style, url: `/orders/${orderId}` }, { status: 202 })
}

async function showOrder({ app, id, query, request }: Visit): Promise<Response> {
  let order = await readOrder(app, id)
  if (order === null) throw unknownOrder(id)
  if (query.has('wait')) {
    const ms = parseQuery('wait', query.get('wait') ?? '', Wait)
    for await (const state of follow(app, id, AbortSignal.any([request.signal, AbortSignal.timeout(ms)]))) order = state
  }
  return Response.json(await withAttempts(app, order))
}

/** Newest first. */
async function listOrders({ app, query }: Visit): Promise<Response> {
  const limit = parseQuery('limit', query.get('limit') ?? '20', Limit)
  // Orders begin as a run of the workflow, or as the catalog's reaction to the event.
  const pages = await Promise.all(['checkout', 'catalog:order.created'].map((name) => app.runs({ name, limit })))
  const begun = pages.flatMap(({ items }) => items).sort((left, right) => right.created.localeCompare(left.created))
  const ids = begun.slice(0, limit).flatMap(({ key }) => (key === null ? [] : [key.value]))
  const orders = await Promise.all(ids.map((id) => readOrder(app, id)))
  return Response.json({ orders })
}

async function addItem({ desk, orders, request, id }: Visit): Promise<Response> {
  const item = await readBody(request, z.strictObject(Item.shape))
  await orders.checkItems([item], () => 'sku')
  const cart = await desk.counter.addToCart(id, item)
  if ('full' in cart) throw new Problem(409, 'CART_FULL', `Nothing was added: ${cart.full}.`, 'Use another cart.')
  return Response.json(cart)
}

async function setFault({ desk, request }: Visit): Promise<Response> {
  const fault = await readBody(request, Fault)
  await desk.counter.faults.set(fault)
  return Response.json({ faults: await desk.counter.faults.list() })
}

const Limit = z.coerce.number<string>().int().min(1).max(100)
const Wait = z
  .string()
  .regex(/^\d{1,2}s$/, 'write 1s to 60s')
  .transform((text) => Number(text.slice(0, -1)) * 1_000)
  .pipe(z.int().min(0).max(60_000))
