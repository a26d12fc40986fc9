// The operation in the guide to traces, as a user would write it: what it sends to its service is the span of the attempt.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runAsUser } from './support/users-folder.ts'

const page = readFileSync(join(import.meta.dirname, '../docs/guides/tracing.md'), 'utf8')
const [, block = ''] = /```ts\n([\s\S]*?)```/.exec(page) ?? []

test('the service of the operation in the guide gets the header of the attempt', () => {
  expect(block).toContain('traceparent')
  const program = `import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ballet, open, operation, service } from 'ballet'
import { z } from 'zod'
const Order = z.object({ orderId: z.string() })
const seen: unknown[] = []
const server = createServer((request, response) => {
  seen.push(request.headers['traceparent'])
  response.end('{"receipt":"r"}')
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const address = 'http://127.0.0.1:' + (server.address() as AddressInfo).port
const payment = service('payment', {
${block.replace("'http://payment.internal/charges'", 'address')}
})
const app = await open(ballet({ services: [payment] }), { log: { info() {}, warn() {}, error() {} } })
const { id } = await app.start(payment.charge({ orderId: '1' }))
assert.deepEqual(await app.result(id), { receipt: 'r' })
assert.match(String(seen[0]), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
await app.close()
server.close()
server.closeAllConnections()
`
  runAsUser(program, 60_000)
})
