// TLS between a store and a real server with a certificate of its own: what each sslmode accepts. The certificate names
// `localhost` and nothing else; it and its key are of no use outside of this test.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/engine/clock.ts'
import { readAddress, type PostgresAddress } from '../../src/stores/postgres/address.ts'
import { loadDriver } from '../../src/stores/postgres/driver.ts'
import { openLink } from '../../src/stores/postgres/link.ts'
import { PostgresServer } from './server.ts'

const [certificate, key] = ['server.crt', 'server.key'].map((name) =>
  fileURLToPath(new URL(`tls/${name}`, import.meta.url)),
) as [string, string]

let server: PostgresServer
beforeAll(async () => {
  server = await PostgresServer.start()
  await server.down()
  server.useTls(certificate, key)
  await server.up()
})
afterAll(() => server.stop())

/** Whether the session of a URL is encrypted, or why there is none. */
function isEncrypted(host: string, options: string): Promise<unknown> {
  return isSessionEncrypted(addressOf(host, options))
}

const addressOf = (host: string, options: string): PostgresAddress =>
  readAddress(server.url(options).replace('127.0.0.1', host))

async function isSessionEncrypted(address: PostgresAddress): Promise<unknown> {
  try {
    const link = await openLink(await loadDriver(), address, systemClock)
    const text = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'
    const [[found] = []] = (await link.send({ text, parameters: [] })).rows
    await link.close()
    return found
  } catch (error) {
    return error
  }
}

test.each([
  ['127.0.0.1', ''],
  ['127.0.0.1', '?sslmode=require'],
  ['127.0.0.1', `?sslmode=verify-ca&sslrootcert=${certificate}`],
  ['localhost', `?sslmode=verify-full&sslrootcert=${certificate}`],
])('%s%s is encrypted', async (host, options) => {
  expect(await isEncrypted(host, options)).toBe(true)
})

test.each([
  ['localhost', '?sslmode=disable', 'no encryption'],
  ['localhost', '?sslmode=verify-full', 'certificate'],
  ['localhost', '?sslmode=verify-ca', 'certificate'],
  ['127.0.0.1', `?sslmode=verify-full&sslrootcert=${certificate}`, "does not match certificate's altnames"],
])('%s%s is refused', async (host, options, words) => {
  expect(await isEncrypted(host, options)).toMatchObject({
    code: 'STORE_FAILED',
    message: expect.stringContaining(words),
  })
})

test('the authorities are looked at anew for each connection, and those of before count while their file is being replaced', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-tls-'))
  const file = join(folder, 'ca.pem')
  try {
    writeFileSync(file, rootCertificates[0] ?? '')
    const address = addressOf('localhost', `?sslmode=verify-full&sslrootcert=${file}`)
    expect(await isSessionEncrypted(address)).toMatchObject({
      message: expect.stringContaining('the certificate of the server is not taken'),
    })
    copyFileSync(certificate, file)
    expect(await isSessionEncrypted(address)).toBe(true)
    for (const change of [() => writeFileSync(file, ''), () => rmSync(file)]) {
      change()
      expect(await isSessionEncrypted(address)).toBe(true)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
