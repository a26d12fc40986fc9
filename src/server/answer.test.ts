import { expect, test } from 'vitest'
import { pathTo } from './answer.ts'

test('every character of an id stands in a path as one segment that leads back to it', () => {
  for (let code = 0; code < 0x2000; code++) {
    const id = `a${String.fromCharCode(code)}b`
    const path = pathTo('/api/runs', id)
    expect(path).toMatch(/^\/api\/runs\/[\w.~:@+=!*'()%-]+$/)
    expect(decodeURIComponent(path.slice('/api/runs/'.length))).toBe(id)
  }
  expect(pathTo('/api/runs', 'checkout:8841~gift-wrap.0')).toBe('/api/runs/checkout:8841~gift-wrap.0')
})
