// The page for those who come from another engine: its program is one, and does what is said of it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runAsUser } from './support/users-folder.ts'

const page = readFileSync(join(import.meta.dirname, '../docs/concepts/coming-from.md'), 'utf8')
const program = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block = '']) => block).join('\n')

const asked = `
import assert from 'node:assert/strict'
assert.equal(receipt, 'receipt-7')
assert.deepEqual(paid, ['7'])
assert.deepEqual(ofAnn.map(({ data }) => data), [{ claimId: '7', customerId: 'ann', amount: 120 }])
import { serve } from 'ballet/server'
const again = await open(application)
const server = await serve(again, { port: 0 })
await again.start(settle({ claimId: '8', customerId: 'bob', amount: 5 }))
assert.deepEqual(await again.result((await again.start(claims.open({}))).id), ['settle:8'])
await server.close()
await again.close()
`

test('an application finds its runs by a second key, in a test without the real services, and by asking itself', () => {
  const application = program.replace('export default', 'const application =')
  expect(application).not.toBe(program)
  runAsUser(application + asked, 60_000)
})
