// The shop without its services: what `npm start` runs, except that each attempt at an operation is a request to another
// process (BALLET_SERVICES_AT). Its own books stay empty but for the price list. It says of itself what the shop says, as far as
// whoever starts it listens for that.
import { open, TerminalError } from 'ballet'
import { serve } from 'ballet/server'
import { counterOf } from '../../../examples/shop/counter.ts'
import { openServices } from '../../../examples/shop/services.ts'
import { shopOf, shopPlace } from '../../../examples/shop/shop.ts'
import type { OperationContext, OperationDefinition } from '../../../src/define/definition.ts'
import { Answer, Call } from './wire.ts'

const elsewhere = process.env['BALLET_SERVICES_AT'] ?? ''

async function ask(operation: string, input: unknown, attempt: OperationContext): Promise<unknown> {
  const { signal } = attempt
  const context = Call.shape.context.parse(attempt)
  const call: Call = { operation, input, context }
  const headers = { 'content-type': 'application/json', 'idempotency-key': context.idempotencyKey }
  const response = await fetch(`${elsewhere}/call`, { method: 'POST', headers, body: JSON.stringify(call), signal })
  const answer = Answer.parse(await response.json())
  if ('no' in answer) throw new TerminalError(answer.no)
  if ('broke' in answer) throw new Error(answer.broke)
  return answer.answer
}

/** The same operation, of which each attempt is a request. */
const sent = (operation: OperationDefinition): OperationDefinition => ({
  ...operation,
  run: (input, context) => ask(operation.name, input, context),
})

const leaving = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => leaving.abort())
const asked = new Promise<void>((resolve) => leaving.signal.addEventListener('abort', () => resolve()))

const opened = openServices(null)
const whole = shopOf(opened.services, counterOf(opened)).definition

const definition: typeof whole = {
  ...whole,
  services: whole.services.map((service) => ({ ...service, operations: service.operations.map(sent) })),
}

const ready = Promise.withResolvers<Awaited<ReturnType<typeof open>>>()
const serving = await serve(ready.promise, {
  port: Number(process.env['PORT'] ?? 0),
  nodeSecret: process.env['BALLET_NODE_SECRET'],
})
const app = await open(definition, { store: shopPlace(process.env).store, address: serving.url })
ready.resolve(app)
console.log(`  address   http://localhost:${serving.port}`)
console.log('Ctrl-C closes the shop.')
const failure = await Promise.race([asked.then(() => null), app.stopped])
// Where nodes share the store, another takes over while the last answers are written.
await Promise.all([serving.close(), app.close()])
if (failure !== null) throw failure
