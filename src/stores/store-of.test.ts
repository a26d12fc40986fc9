// Which store a URL means, and that every other one is refused in the words of the catalogue.
import { expect, test } from 'vitest'
import { systemClock } from '../engine/clock.ts'
import { storeOf } from './store-of.ts'

test.each([
  ['memory:', 'memory', 'memory'],
  ['file:some/where.db', 'sqlite', 'some/where.db'],
  ['file:///some/where%20else.db', 'sqlite', '/some/where else.db'],
  ['postgres://shop:secret@host/db', 'postgres', 'postgres://shop@host/db'],
])('%s is a store of kind %s', (url, kind, name) => {
  expect(storeOf(url, systemClock)).toMatchObject({ kind, name: expect.stringContaining(name) })
})

test.each([
  'postgres:',
  'postgres://host/db?nonsense=1',
  'mysql://host/db',
  'file:',
  'file://host/x.db',
  'some/where.db',
  '',
])('"%s" is refused', (url) => {
  expect(() => storeOf(url, systemClock)).toThrow(expect.objectContaining({ code: 'STORE_UNKNOWN' }))
})
