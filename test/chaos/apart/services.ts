// The five services of the shop as a process of its own, which knows nothing of an engine: it does what it is asked for by
// HTTP, and keeps its books in the folder of BALLET_SERVICES, those of Payment in the database of BALLET_PAYMENTS if one is
// named. It is killed like any other process, and started again on the same
// port (PORT; 0 for a free one, which it prints).
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { Fault } from '../../../examples/shop/faults.ts'
import { openServices } from '../../../examples/shop/services.ts'
import { isTerminal } from '../../../src/core/errors.ts'
import { DEFINITION } from '../../../src/define/definition-symbol.ts'
import { silentLog } from '../../../src/engine/log.ts'
import { Call, type Answer } from './wire.ts'

const { services, faults, open } = openServices(
  process.env['BALLET_SERVICES'] ?? null,
  process.env['BALLET_PAYMENTS'] ?? null,
)
const operations = new Map(
  Object.values(services)
    .flatMap((service) => service[DEFINITION].operations)
    .map((operation) => [operation.name, operation]),
)
await open()

async function call(request: IncomingMessage, signal: AbortSignal): Promise<Answer> {
  const { operation, input, context } = Call.parse(await json(request))
  const run = operations.get(operation)?.run
  if (run == null) return { no: `there is no ${operation}` }
  try {
    return { answer: await run(input, { ...context, signal, log: silentLog }) }
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    return isTerminal(error) ? { no: words } : { broke: words }
  }
}

async function answer(request: IncomingMessage, signal: AbortSignal): Promise<Answer> {
  if (request.url !== '/faults') return call(request, signal)
  if (request.method === 'DELETE') {
    faults.clear()
    return { answer: null }
  }
  faults.set(Fault.parse(await json(request)))
  return { answer: null }
}

const server = createServer((request, response) => {
  // Whoever asked has gone: nobody waits any more.
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  answer(request, gone.signal)
    .catch((error: unknown): Answer => ({ broke: String(error) }))
    .then((body) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body)))
    .catch(() => response.destroy())
})
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  console.log(`services at http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
process.once('SIGTERM', () => process.exit(0))
