// The guide to what happens when things go wrong is one program: its blocks are taken from the page in their order, put
// together with the little that they leave out, and run. So the page cannot say what the code does not do.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runAsUser } from './support/users-folder.ts'

const root = join(import.meta.dirname, '..')
const blocks = readFileSync(join(root, 'docs/guides/when-things-go-wrong.md'), 'utf8')
  .split('```ts\n')
  .slice(1)
  .map((part) => part.slice(0, part.indexOf('```')))

/** What stands around the blocks: contracts, a bank that can be broken, and the expectations. */
const before = `import assert from 'node:assert/strict'
import { ballet, event, open, operation, service, signal, workflow } from 'ballet'
import { z } from 'zod'
const key = { key: 'orderId' } as const
const Order = z.object({ orderId: z.string() })
const PaymentApproved = event('payment.approved', Order, key)
const PaymentDeclined = event('payment.declined', Order, key)
const PaymentRefunded = event('payment.refunded', Order, key)
const CancelOrder = signal('cancel-order', z.null())
const Tick = signal('tick', z.number())
const log: string[] = []
let isBankDown = false
const bank = {
  charge: ({ orderId }: z.infer<typeof Order>, _context: unknown) => {
    if (isBankDown) throw new Error('the bank is down')
    log.push('charge ' + orderId)
    return PaymentApproved({ orderId })
  },
  refund: ({ orderId }: z.infer<typeof Order>, _context: unknown) => (log.push('refund ' + orderId), PaymentRefunded({ orderId })),
}
const parcels = Promise.withResolvers<void>()
const shipping = service('shipping', {
  ship: operation({ input: Order, output: z.null(), run: async ({ orderId }) => (log.push('ship ' + orderId), orderId === '4' && await parcels.promise, null) }),
  recall: operation({ input: Order, undoes: 'ship', run: ({ orderId }) => void log.push('recall ' + orderId) }),
})
const mail = service('mail', { tell: operation({ input: Order, run: ({ orderId }) => void log.push('tell ' + orderId) }) })
`
const opening = `const definition = ballet({ services: [payment, shipping, mail], workflows: [checkout, polite, counter] })
const app = await open(definition, { log: { info() {}, warn() {}, error() {} } })
const until = (condition: () => Promise<unknown>): Promise<void> =>
  new Promise((resolve, reject) => {
    const look = (): void => void condition().then((found) => found && (stop(), resolve()), reject)
    const stop = app.watch(null, look)
    look()
  })
const isStuck = async (id: string): Promise<boolean> => (await app.run(id))?.status === 'stuck'
isBankDown = true
for (const orderId of ['1', '2', '3']) await app.start(checkout({ orderId }))
for (const orderId of ['1', '2', '3']) await until(() => isStuck('checkout:' + orderId))
isBankDown = false
`
const after = `assert.deepEqual([await app.result('checkout:1'), await app.result('checkout:2'), await app.result('checkout:3')], ['shipped', 'declined', 'shipped'])
await app.start(checkout({ orderId: '4' }))
await until(async () => log.includes('ship 4'))
await app.signal('checkout:4', CancelOrder(null))
parcels.resolve()
assert.equal(await app.result('checkout:4'), 'cancelled by the customer')
assert.deepEqual(log.filter((line) => line.endsWith(' 4')), ['charge 4', 'ship 4', 'recall 4', 'refund 4'])
await app.start(polite({ orderId: '5' }))
await until(async () => (await app.run('polite:5'))?.waits[0]?.kind === 'timer')
await app.cancel('polite:5', { by: 'ann' })
assert.equal((await app.settled('polite:5', 10_000))?.status, 'cancelled')
assert.deepEqual(log.filter((line) => line.endsWith(' 5')), ['charge 5', 'refund 5', 'tell 5'])
await app.start(counter(0), { id: 'c' })
for (let n = 0; n < 6; n++) await app.signal('c', Tick(2))
assert.equal(await app.result('c'), 12)
assert.equal((await app.run('c'))?.generation, 1)
await app.close()
`

test('the guide to what goes wrong does what it says', () => {
  expect(blocks).toHaveLength(5)
  const isAction = (block: string): boolean => block.startsWith('await app.')
  const definitions = blocks.filter((block) => !isAction(block))
  runAsUser([before, ...definitions, opening, ...blocks.filter(isAction), after].join('\n'), 15_000)
})
