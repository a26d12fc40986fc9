// `ballet conduct` against a real server: the run of a flow, what it shows, and what is refused.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { application } from './application.ts'
import { Sandbox } from './sandbox.ts'

const withFlow = application
  .replace('import { ballet,', 'import { ballet, choice, choreography, seq,')
  .replace(
    'events: [Noted] })',
    "events: [Noted], choreographies: [choreography('order', { key: 'orderId' }, " +
      "seq(OrderCreated, choice(PaymentDeclined.as('declined'), seq(PaymentApproved, OrderShipped).as('shipped'))))] })",
  )

let box: Sandbox
beforeAll(async () => {
  box = new Sandbox({ 'app.ts': withFlow })
  await box.serve()
})
afterAll(() => box.remove())

const data = (orderId: string): string => JSON.stringify({ orderId, total: 5 })

test('it prints the id of the run; the page of that tells of its calls, and the tree of the whole', async () => {
  const begun = await box.run(['conduct', 'order', 'order.created', '--data', data('a'), '--id', 'e'])
  expect(begun).toMatchObject({ code: 0, stdout: 'order:a\n' })
  expect(begun.stderr).toContain('ballet show order:a')
  const again = await box.json(['conduct', 'order', 'order.created', '--data', data('a')])
  expect(again).toMatchObject({ code: 0, value: { id: 'order:a', created: false } })
  expect((await box.run(['conduct', 'order', 'order.created', '--data', data('a')])).stderr).toContain(
    'order:a exists with this event; nothing new was begun.',
  )
  const { stdout } = await box.run(['show', 'order:a'])
  for (const words of [
    'order:a  choreography order, version 1, key orderId:a',
    'event order.created from shop',
    '→ calls payment.charge as payment:order.created:e',
    'its flow goes no further',
  ])
    expect(stdout).toContain(words)
  // As the page of the command says of these rows.
  const [, row, event] = / (\d+) {2}on:payment:order\.created\/(\d+) answered/.exec(stdout) ?? []
  expect(Number(event)).toBeLessThan(Number(row))
  const asked = Number(/ (\d+) {2}event order\.created /.exec(stdout)?.[1])
  expect([Number(event) < asked, asked < Number(row)]).toEqual([true, true])
  expect(stdout).not.toContain('null')
  expect((await box.run(['why', 'orderId:a'])).stdout).toMatch(/├─ choreography order order:a {2}/)
})

test('a long key is cut in tables, and whole for programs', async () => {
  const key = `2026-${'0'.repeat(240)}-last`
  expect((await box.run(['publish', 'order.created', '--data', data(key)])).code).toBe(0)
  await box.run(['publish', 'order.created', '--data', data('short')])
  expect((await box.run(['flows'])).stdout).toBe('order\n')
  expect((await box.run(['flows', 'ordr'])).stderr).toMatch(/Did you mean "order"\?\nhint {2}ballet flows lists them;/)
  const { stdout } = await box.run(['flows', 'order'])
  expect(stdout).toMatch(/^2026-0{15}…0{14}-last {2}\d/m)
  expect(stdout).toMatch(/^short {37}\d/m)
  for (const list of ['events', 'runs'])
    expect((await box.run([list])).stdout).toMatch(/ {2}(orderId:)?2026-0+…0+-last {2}/)
  const { value } = await box.json(['flows', 'order'])
  expect(JSON.stringify(value)).toContain(key)
})

test.each([
  [['conduct', 'order', 'order.created'], 'ballet conduct needs --data'],
  [['conduct', 'ordr', 'order.created', '--data', data('b')], 'CHOREOGRAPHY_UNKNOWN'],
  [['conduct', 'order', 'order.shipped', '--data', '{"orderId":"b","tracking":"t"}'], 'REQUEST_INVALID'],
])('%j is refused', async (words, said) => {
  const { code, stderr } = await box.run(words)
  expect([code === 0, stderr]).toEqual([false, expect.stringContaining(said)])
})
