// `ballet compare` as a process, on the shop: the same orders come to the same endings in every style, also when the
// process is killed, and nothing is lost, doubled or left undone.
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { STYLES } from '../../examples/shop/status.ts'
import { application } from './application.ts'
import { Sandbox } from './sandbox.ts'

const shop = fileURLToPath(new URL('../../examples/shop/shop.ts', import.meta.url))

const typo = `
import app from './app.ts'
export default app
export const comparison = { styles: ['reactions'], kept: [], last: ['payment.approved'], gate: 'payment.chrage', make() {} }
`

/** Of ten orders one is stuck, in a run without a key, and one fails. */
const leaving = `
import { ballet, event, operation, service, TerminalError, workflow } from 'ballet'
import { z } from 'zod'
const Order = z.object({ orderId: z.string() })
const Sent = event('order.sent', Order, { key: 'orderId' })
const desk = service('desk', {
  send: operation({
    input: Order, outcomes: [Sent], retry: { attempts: 1 },
    run: (order) => {
      if (order.orderId === '3') throw new Error('no stamps')
      return Sent(order)
    },
  }),
})
const child = workflow('child', { input: Order, output: z.null() }, async (run, order) => {
  if (order.orderId === '5') throw new TerminalError('unknown address')
  await run.call(desk.send(order))
  return null
})
const deliver = workflow('deliver', { input: Order, output: z.null(), key: 'orderId' }, (run, order) => run.start(child(order)).result())
const definition = ballet({ services: [desk], workflows: [deliver, child] })
export default definition
export const comparison = {
  styles: ['orchestrated'], kept: [], last: ['order.sent'], gate: 'desk.send',
  make: () => ({
    definition,
    key: (order) => 'orderId:' + order,
    place: async (app, _style, order) => void (await app.start(deliver({ orderId: String(order) }))),
    ending: ({ runs }) => runs.some(({ status }) => status === 'completed') ? 'sent' : null,
    ledger: () => [], fault() {}, close() {},
  }),
}
`

let box: Sandbox
beforeAll(() => {
  box = new Sandbox({ 'app.ts': application, 'typo.ts': typo, 'leaving.ts': leaving })
})
afterAll(() => box.remove())

it.each(['none', 'kill-process', 'payment-down:300ms'])(
  'carries the same orders through in every style: %s',
  async (fault) => {
    const options = fault === 'none' ? [] : ['--fault', fault]
    const { value } = await box.json(['compare', shop, '--orders', '20', '--inflight', '4', ...options])
    const styles = value['styles'] as Readonly<Record<string, { readonly recoveryMs: number | null }>>
    expect(Object.keys(styles)).toEqual([...STYLES])
    const nothing = { lost: 0, duplicated: 0, notUndone: 0 }
    for (const result of Object.values(styles)) {
      expect(result).toMatchObject({ orders: 20, endings: { confirmed: 18, declined: 2 }, ...nothing })
      expect(result.recoveryMs !== null).toBe(fault === 'kill-process')
    }
  },
)

it('does not wait for an order that goes on no more, and counts it as lost', async () => {
  const { code, stdout, stderr } = await box.run([
    'compare',
    'leaving.ts',
    '--orders',
    '10',
    '--inflight',
    '3',
    '--json',
  ])
  expect([code, JSON.parse(stdout)]).toMatchObject([1, { styles: { orchestrated: { lost: 2, endings: { sent: 8 } } } }])
  expect(stderr).toMatch(
    /orchestrated: an order goes on no more: orderId:[35]: (deliver:3~child\.0: Stuck|deliver:5(~child\.0)?: Failed)/,
  )
})

it('prints a table for a document, and what its rows mean', async () => {
  const line = ['compare', shop, '--orders', '10', '--markdown', '--explain']
  const { code, stdout, stderr } = await box.run(line)
  expect(code).toBe(0)
  expect(stdout).toContain(`|  | ${STYLES.join(' | ')} |`)
  expect(stdout).toMatch(
    /\| who decides what comes next \| 1: checkout \| 4: catalog, notification, payment, shipping \|/,
  )
  expect(stderr).toContain('not undone: Effects with an undo, of orders that ended otherwise than well')
})

it.each([
  [['compare', 'app.ts'], 'it has no "export const comparison"'],
  [['compare', 'app.ts'], 'export const comparison: Comparison'],
  [['compare', 'typo.ts'], 'comparison.gate is "payment.chrage", and no operation here has that name'],
  [['compare', shop, '--fault', 'payment-up:1s'], '--fault must be <service>-down:<time>'],
  [['compare', shop, '--fault', 'paymant-down:1s'], 'There is no service "paymant" here'],
  [['compare', shop, '--orders', '1'], '--orders must be a whole number from 10 to 100000'],
])('refuses %j', async (line, words) => {
  const { code, stderr } = await box.run(line)
  expect(code).toBe(2)
  expect(stderr).toContain(words)
})
