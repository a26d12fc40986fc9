// What an answer of the server, or of the network, is in the words of the catalogue.
import { expect, test } from 'vitest'
import { fault } from '../../core/errors.ts'
import { failureOf, isMiss, isPassing, openingFailure } from './failure.ts'

const answered = (code: string, message = 'words'): Error =>
  Object.assign(new Error(message), { name: 'PostgresError', code })
const broken = (code: string): Error => Object.assign(new Error('words'), { code })

test.each([
  ['08006', 'STORE_UNREACHABLE'],
  ['40001', 'STORE_UNREACHABLE'],
  ['40P01', 'STORE_UNREACHABLE'],
  ['57P01', 'STORE_UNREACHABLE'],
  ['57014', 'STORE_UNREACHABLE'],
  ['53300', 'STORE_UNREACHABLE'],
  ['25006', 'STORE_UNREACHABLE'],
  ['0A000', 'STORE_UNREACHABLE'],
  ['53100', 'STORE_FULL'],
  ['23505', 'INVARIANT'],
  ['22021', 'INVARIANT'],
  ['28P01', 'STORE_FAILED'],
  ['42501', 'STORE_FAILED'],
  ['58030', 'STORE_FAILED'],
])('SQLSTATE %s is %s', (state, code) => {
  const failure = failureOf(answered(state), 'postgres://db/shop')
  expect(failure).toMatchObject({ code, details: { problem: `words (${state})` } })
  expect(isPassing(failure)).toBe(code === 'STORE_UNREACHABLE')
})

test.each([
  ['ECONNREFUSED', 'STORE_UNREACHABLE'],
  ['ENOTFOUND', 'STORE_UNREACHABLE'],
  ['CONNECTION_CLOSED', 'STORE_UNREACHABLE'],
  ['CONNECT_TIMEOUT', 'STORE_UNREACHABLE'],
  ['ERR_STREAM_DESTROYED', 'STORE_UNREACHABLE'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'STORE_FAILED'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'STORE_FAILED'],
])('%s of the driver or of Node.js is %s', (code, expected) => {
  expect(failureOf(broken(code), 'postgres://db/shop').code).toBe(expected)
})

test('a bug of ours is none of the network, and a fault stays what it is', () => {
  expect(failureOf(new TypeError('words'), 'x').code).toBe('STORE_FAILED')
  const own = fault('SHARD_FENCED', { shard: 0 })
  expect(failureOf(own, 'x')).toBe(own)
  expect(isMiss(answered('22012'))).toBe(true)
  expect(isMiss(broken('22012'))).toBe(false)
})

test('what was sent is not handed on, and a pooler is told by its words', () => {
  const error = Object.assign(answered('23505'), { parameters: ['secret'], detail: 'Key (id)=(secret) exists.' })
  expect(JSON.stringify([failureOf(error, 'x'), String(failureOf(error, 'x').cause)])).not.toContain('secret')
  const refused = failureOf(answered('08P01', 'unsupported startup parameter: x'), 'x')
  expect(refused).toMatchObject({ code: 'STORE_FAILED', message: expect.stringContaining('prepare=false') })
})

test.each([
  ['42501', 'permission denied for database orders', 'GRANT CREATE ON DATABASE orders TO "Shop ""1"""'],
  ['42501', 'permission denied for table runs', 'the schema ballet and all that is in it must belong to the role'],
  ['3D000', 'database "orders" does not exist', 'CREATE DATABASE orders OWNER "Shop ""1""", or correct the URL'],
  ['28P01', 'password authentication failed', 'correct the role and the password of the URL'],
])('a store that is refused with %s, %s, says what mends it', (state, words, remedy) => {
  const asked = { name: 'postgres://db/orders', user: 'Shop "1"', database: 'orders', schema: 'ballet' }
  const failure = openingFailure(answered(state, words), asked)
  expect(failure).toMatchObject({ code: 'STORE_REFUSED', family: 'fix', hint: expect.stringContaining(remedy) })
  expect(openingFailure(answered('58030'), asked).code).toBe('STORE_FAILED')
  expect(openingFailure(answered('57P03'), asked).code).toBe('STORE_UNREACHABLE')
})
