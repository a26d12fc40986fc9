// What a service that is a process of its own is asked beside its operations: its ledger, what it is to do wrong, and what
// the catalog and the cart have to show. A service answers here, for the application that stands at the counter (counter.ts).
import { readBody } from '../read-body.ts'
import { Problem } from '../problem.ts'
import { Item } from '../contracts.ts'
import { Fault, type ServiceName } from '../faults.ts'
import { ledgerLines } from '../ledger.ts'
import type { openServices } from '../services.ts'
import { addToCart, readCart } from '../services/cart.ts'
import { products } from '../services/catalog.ts'

type Opened = ReturnType<typeof openServices>
type Answer = Response | Promise<Response>

/** The routes of one service, for `serveService({ http })`. What it does not know is for the operations. */
export function deskOf(service: ServiceName, opened: Opened): (request: Request) => Promise<Response | undefined> {
  const own = service === 'catalog' ? catalogRoutes(opened) : service === 'cart' ? cartRoutes(opened) : null
  return async (request) => {
    const { pathname } = new URL(request.url)
    try {
      return await (common(service, opened)(request, pathname) ?? own?.(request, pathname))
    } catch (error) {
      if (error instanceof Problem) return error.response()
      throw error
    }
  }
}

type Routes = (request: Request, path: string) => Answer | undefined

const common =
  (service: ServiceName, { faults, ledgerOf }: Opened): Routes =>
  (request, path) => {
    const list = (): Response => Response.json({ faults: faults.list() })
    switch (`${request.method} ${path}`) {
      case 'GET /process':
        return Response.json({ service, process: process.pid })
      case 'GET /ledger':
        return ledgerOf(service).then((rows) => new Response(ledgerLines([rows])))
      case 'GET /faults':
        return list()
      case 'DELETE /faults':
        faults.clear()
        return list()
      case 'POST /faults':
        return readBody(request, Fault).then((fault) => {
          faults.set(fault)
          return list()
        })
      default:
        return undefined
    }
  }

const catalogRoutes =
  ({ books }: Opened): Routes =>
  (request, path) =>
    request.method === 'GET' && path === '/products' ? Response.json({ products: products(books.catalog) }) : undefined

const cartRoutes =
  ({ books }: Opened): Routes =>
  (request, path) => {
    const [, id, more] = /^\/carts\/([A-Za-z0-9._-]{1,64})(\/items)?$/.exec(path) ?? []
    if (id === undefined) return undefined
    if (request.method === 'GET' && more === undefined) return Response.json(readCart(books.cart, id))
    if (request.method !== 'POST' || more === undefined) return undefined
    return readBody(request, Item).then((item) => Response.json(addToCart(books.cart, id, item)))
  }
