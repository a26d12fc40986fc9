// The five services of the shop as a process of its own, which knows nothing of an engine: it does what it is asked for by
// HTTP, and keeps its books in the folder of BALLET_SERVICES, those of Payment in the database of BALLET_PAYMENTS if one is
// named. It is killed like any other process, and started again on the same
// port (PORT; 0 for a free one, which it prints).
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { serviceHandler } from 'ballet/http'
import { Fault } from '../../../examples/shop/faults.ts'
import { openServices } from '../../../examples/shop/services.ts'
import { silentLog } from '../../../src/engine/log.ts'
import { SECRET } from './secret.ts'

const { services, faults, open } = openServices(
  process.env['BALLET_SERVICES'] ?? null,
  process.env['BALLET_PAYMENTS'] ?? null,
)
await open()
const handle = serviceHandler(Object.values(services), { secrets: [SECRET], log: silentLog })

async function answer(request: Request): Promise<Response> {
  if (new URL(request.url).pathname !== '/faults') return handle(request)
  if (request.method === 'DELETE') faults.clear()
  else faults.set(Fault.parse(await request.json()))
  return Response.json(null)
}

const server = createServer((incoming, outgoing) => void getRequestListener(answer)(incoming, outgoing))
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  console.log(`services at http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
process.once('SIGTERM', () => process.exit(0))
