// Which store the words of a person mean.
import { expect, test } from 'vitest'
import { storePlace } from './store-place.ts'

test.each(['memory', 'file', 'sqlite', 'postgres', 'postgresql', 'foo:bar', 'file:'])(
  'what has left something out is no file of that name: %s',
  (text) => {
    expect(() => storePlace(text, '/somewhere')).toThrow(expect.objectContaining({ code: 'STORE_UNKNOWN' }))
  },
)

test.each(['file:data.db', 'data.db', './memory'])('a path is one: %s', (text) => {
  const path = text === './memory' ? '/somewhere/memory' : '/somewhere/data.db'
  expect(storePlace(text, '/somewhere')).toMatchObject({ kind: 'file', path, folder: '/somewhere' })
})
