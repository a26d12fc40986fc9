import { expect, test } from 'vitest'
import { isLoopback } from './loopback.ts'

test('knows the names of this machine', () => {
  const names = ['localhost', 'LOCALHOST', 'shop.localhost', '127.0.0.1', '127.255.0.9', '::1', '[::1]']
  expect(names.filter((name) => !isLoopback(name))).toEqual([])
  const others = ['localhost.evil.com', '127.0.0.1.evil.com', '1127.0.0.1', '0.0.0.0', '::', '10.0.0.1', 'evil', '']
  expect(others.filter((name) => isLoopback(name))).toEqual([])
})
