// https to a service: its certificate has to be one that the process trusts, and one of the name that was asked for. The process is one
// of its own, because Node reads whom to trust when it starts.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const of = (name: string): string => new URL(`../postgres/tls/${name}`, import.meta.url).pathname
const server = createServer(
  { cert: readFileSync(of('server.crt')), key: readFileSync(of('server.key')) },
  (request, response) => {
    request.resume()
    request.on('end', () => response.end('{"cents":5}'))
  },
)
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())))

const script = `
import { transportOf } from '${new URL('../../src/transports/http/place.ts', import.meta.url).href}'
import { systemClock } from '${new URL('../../src/engine/clock.ts', import.meta.url).href}'
const asked = { operation: 'payment.price', input: {}, idempotencyKey: 'k', fence: '1.0.1', attempt: 1, timeoutMs: 10000, key: null, run: 'r', op: 'o', root: 'run:r', cause: null, undoes: null }
const transport = transportOf('payment', { url: process.env.URL }, systemClock)
console.log(await transport.ask(asked, new AbortController().signal).then(JSON.stringify, (error) => error.message))
`

async function asking(host: string, trusted: boolean): Promise<string> {
  const url = `https://${host}:${(server.address() as AddressInfo).port}`
  const env = { ...process.env, URL: url, ...(trusted ? { NODE_EXTRA_CA_CERTS: of('server.crt') } : {}) }
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env })
  return stdout.trim().replaceAll(url, 'URL')
}

test('a certificate that is trusted, of the name that was asked for', async () => {
  expect(await asking('localhost', true)).toBe('{"cents":5}')
})

test('a certificate that is not trusted, or of another name', async () => {
  const refused = 'payment.price at URL/price cannot be reached: '
  expect(await asking('localhost', false)).toBe(`${refused}DEPTH_ZERO_SELF_SIGNED_CERT.`)
  expect(await asking('127.0.0.1', true)).toBe(`${refused}ERR_TLS_CERT_ALTNAME_INVALID.`)
})
