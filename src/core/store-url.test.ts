import { expect, test } from 'vitest'
import { isPostgresUrl, postgresParts, publicUrl } from './store-url.ts'

test.each([
  ['postgres://ann:secret@db.example:5432/shop', 'postgres://ann@db.example:5432/shop'],
  ['postgresql://ann:se%40cret@a,b:1/shop?sslmode=require&pool=4', 'postgres://ann@a,b:1/shop'],
  ['postgres://db/shop?schema=ballet', 'postgres://db/shop'],
  ['postgres://db/shop?pool=2&schema=other', 'postgres://db/shop?schema=other'],
  ['postgres://:secret@db', 'postgres://db'],
  ['postgres:///shop?host=/var/run', 'postgres:///shop'],
])('%s is told as %s', (url, told) => {
  expect(isPostgresUrl(url)).toBe(true)
  expect(publicUrl(url)).toBe(told)
  expect(publicUrl(told)).toBe(told)
})

test('another URL is none', () => {
  expect(isPostgresUrl('file:a.db')).toBe(false)
  expect(postgresParts('file:a.db')).toBeNull()
  expect(publicUrl('postgres:secret')).toBe('postgres://…')
})
