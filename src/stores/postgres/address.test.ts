// What a URL says, and that a typing error in it is refused by name, without the password.
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { known, readAddress, socketPath } from './address.ts'

test('a whole URL', () => {
  const url =
    'postgres://ann:se%3Acret@a.example:5433,[::1],c/orders?schema=shop&pool=9&prepare=false&deadline=2&patience=0&lease=7&shards=8&sslmode=disable'
  expect(readAddress(url)).toEqual({
    name: 'postgres://ann@a.example:5433,[::1],c/orders?schema=shop',
    hosts: [
      { host: 'a.example', port: 5433 },
      { host: '::1', port: 5432 },
      { host: 'c', port: 5432 },
    ],
    user: 'ann',
    password: 'se:cret',
    database: 'orders',
    tls: false,
    schema: '"shop"',
    writers: 3,
    readers: 6,
    prepare: false,
    deadlineMs: 2000,
    patienceMs: 0,
    leaseMs: 7000,
    shards: 8,
  })
})

test('what is not said', () => {
  const address = readAddress('postgres://ann@db')
  expect(address).toMatchObject({ user: 'ann', database: 'ann', tls: 'prefer', schema: '"ballet"', prepare: true })
  expect(address).toMatchObject({
    writers: 2,
    readers: 4,
    deadlineMs: 5000,
    patienceMs: 30_000,
    leaseMs: 15_000,
    shards: 64,
  })
})

test('the guide has every option, and no other', () => {
  const page = readFileSync(new URL('../../../docs/guides/postgres.md', import.meta.url), 'utf8')
  const named = [...page.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name)
  expect(new Set(named)).toEqual(new Set(known))
})

test('a socket is a folder', () => {
  const [host] = readAddress('postgres:///orders?host=/var/run/postgresql').hosts
  expect(host && socketPath(host)).toBe('/var/run/postgresql/.s.PGSQL.5432')
})

test.each([
  ['disable', false],
  ['prefer', 'prefer'],
  ['require', 'require'],
  ['verify-full', { authorities: expect.any(Function), isNameChecked: true }],
  ['verify-ca', { authorities: expect.any(Function), isNameChecked: false }],
])('sslmode=%s', (mode, tls) => {
  expect(readAddress(`postgres://db/a?sslmode=${mode}`).tls).toEqual(tls)
})

test.each([
  ['postgres://ann:hush@db/a?sslmodus=require', 'sslmodus'],
  ['postgres://ann:hush@db/a?sslmode=maybe', 'sslmode'],
  ['postgres://ann:hush@db/a?sslmode=verify-full&sslrootcert=none-such.pem', 'none-such.pem cannot be read'],
  ['postgres://ann:hush@db/a?sslmode=verify-full&sslrootcert=package.json', 'package.json has no certificate in it'],
  ['postgres://ann:hush@db/a?sslmode=verify-full&sslrootcert=test/postgres/tls/server.key', 'has no certificate in it'],
  ['postgres://ann:hush@db/a?sslmode=disable&sslrootcert=system', 'nothing is checked with sslmode=disable'],
  ['postgres://ann:hush@db/a?pool=1', 'pool'],
  ['postgres://ann:hush@db/a?deadline=soon', 'deadline'],
  ['postgres://ann:hush@db/a?lease=0', 'lease'],
  ['postgres://ann:hush@db/a?lease=3601', 'lease'],
  ['postgres://ann:hush@db/a?prepare=no', 'prepare'],
  ['postgres://ann:hush@db/a?schema=A-b', 'schema'],
  ['postgres://ann:hush@db/a?schema=pg_orders', 'begin with pg_ for itself; choose another'],
  ['postgres://ann:hush@db:99999/a', 'port'],
  ['postgres://ann:hush@a b/a', 'host'],
  ['postgres://ann:hush%@db/a', '%'],
  ['postgres:hush', 'URL'],
])('%s is refused', (url, word) => {
  const refused = ((): unknown => {
    try {
      return readAddress(url)
    } catch (error) {
      return error
    }
  })()
  expect(refused).toMatchObject({ code: 'STORE_UNKNOWN', message: expect.stringContaining(word) })
  expect(inspect(refused)).not.toContain('hush')
})
