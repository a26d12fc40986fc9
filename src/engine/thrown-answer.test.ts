// A workflow whose code throws in the very turn in which it was given an answer, and is then asked to stop: it did not
// take the answer, but its journal has it, and what is taken back goes by that.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { ballet, event, memory, operation, service, TerminalError, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { OfflineReplay } from './offline-replay.ts'

const output = z.json()
const Paid = event('payment.approved', z.object({ orderId: z.string(), receipt: z.string() }), { key: 'orderId' })
const Declined = event('payment.declined', z.object({ orderId: z.string() }), { key: 'orderId' })

/** A payment whose calls are logged: the card "bad" is declined, "broken" fails for good. */
function paymentFor(log: string[]) {
  return service('payment', {
    charge: operation({
      input: z.object({ orderId: z.string(), card: z.string() }),
      outcomes: [Paid, Declined],
      run: ({ orderId, card }) => {
        log.push(`charge ${card}`)
        if (card === 'broken') throw new TerminalError('no such card')
        return card === 'bad' ? Declined({ orderId }) : Paid({ orderId, receipt: `receipt of ${card}` })
      },
    }),
    refund: operation({ input: z.string(), undoes: 'charge', run: (what) => void log.push(`refund ${what}`) }),
  })
}

type Payment = ReturnType<typeof paymentFor>

const Ordered = z.object({ orderId: z.string(), card: z.string() })

/** A checkout whose code throws as soon as it is answered, until it is mended. */
function checkoutOf(payment: Payment, { undoThrows = false, thrown = true } = {}) {
  return workflow('checkout', { input: Ordered, key: 'orderId', output }, async (run, { orderId, card }) => {
    await run
      .call(payment.charge({ orderId, card }), {
        undo: (outcome) => {
          if (undoThrows) throw new RangeError('a bug of the undo')
          if (outcome === undefined) return payment.refund('nobody knows what')
          return outcome.type === 'payment.approved' ? payment.refund(outcome.data.receipt) : null
        },
      })
      .catch((error: unknown) => {
        if (thrown) throw new RangeError(`a bug: ${String(error)}`)
      })
    if (thrown) throw new RangeError('a bug')
    return 'done'
  })
}

async function openOn(data: MemoryData, payment: Payment, how = {}): Promise<Application> {
  const definition = ballet({ services: [payment], workflows: [checkoutOf(payment, how)] })
  return openForTest(definition, { store: memory(data) })
}

const threw = (app: Application): Promise<unknown> =>
  until(app, null, async () => (await app.run('c'))?.reason === 'threw')

async function startThrown(app: Application, card: string): Promise<void> {
  await app.startNamed({ call: 'checkout', input: { orderId: '8841', card }, id: 'c' })
  await threw(app)
}

/** Of its key, in the order of the log. */
async function typesOf(app: Application): Promise<readonly string[]> {
  return (await app.events({ key: 'orderId:8841' })).items.map(({ type }) => type)
}

async function expectReplays(data: MemoryData, payment: Payment, how = {}): Promise<void> {
  const reader = memory(data)
  await reader.open()
  const definition = ballet({ services: [payment], workflows: [checkoutOf(payment, how)] })
  expect(await new OfflineReplay({ definition, reader }).one('c')).toMatchObject({ verdict: 'ok' })
  await reader.close()
}

test.each([false, true])(
  'F21: a run whose code threw on an answer is cancelled (restarted before: %s): its undo is told the answer, and the log has it',
  async (restarts) => {
    const log: string[] = []
    const data = new MemoryData()
    const payment = paymentFor(log)
    let app = await openOn(data, payment)
    await startThrown(app, 'good')
    if (restarts) {
      await app.close()
      app = await openOn(data, payment)
    }
    expect(await app.cancel('c', { by: 'ann' })).toMatchObject({ changed: true })
    expect(await app.settled('c', 60_000)).toMatchObject({ status: 'cancelled' })
    expect(log).toEqual(['charge good', 'refund receipt of good'])
    expect(await typesOf(app)).toEqual(['payment.approved'])
    const rows = (await app.journal('c'))?.items
    expect(rows).toContainEqual(
      expect.objectContaining({ delivered: expect.objectContaining({ kind: 'cancel', forced: true, of: 1 }) }),
    )
    await app.close()
    await expectReplays(data, payment)
  },
)

test('F21: a run whose code threw on an answer that leaves nothing to take back is cancelled: nothing is taken back', async () => {
  const log: string[] = []
  const app = await openOn(new MemoryData(), paymentFor(log))
  await startThrown(app, 'bad')
  await app.cancel('c')
  expect(await app.settled('c', 60_000)).toMatchObject({ status: 'cancelled' })
  expect(log).toEqual(['charge bad'])
  expect(await typesOf(app)).toEqual(['payment.declined'])
})

test('a run whose code threw on the failure of a call is cancelled: how far that call came is not known', async () => {
  const log: string[] = []
  const app = await openOn(new MemoryData(), paymentFor(log))
  await startThrown(app, 'broken')
  await app.cancel('c')
  expect(await app.settled('c', 60_000)).toMatchObject({ status: 'cancelled' })
  expect(log).toEqual(['charge broken', 'refund nobody knows what'])
})

test('F21: its undo throws on the answer as well: once that is mended, it is told the answer', async () => {
  const log: string[] = []
  const data = new MemoryData()
  const payment = paymentFor(log)
  const first = await openOn(data, payment, { undoThrows: true })
  await startThrown(first, 'good')
  for (const by of ['ann', 'bob']) {
    await first.cancel('c', { by })
    await threw(first)
  }
  await first.close()
  // Opened with mended code, it goes on by itself.
  const second = await openOn(data, payment)
  expect(await second.settled('c', 60_000)).toMatchObject({ status: 'cancelled' })
  expect(log).toEqual(['charge good', 'refund receipt of good'])
  expect(await typesOf(second)).toEqual(['payment.approved'])
  await second.close()
  await expectReplays(data, payment)
})

test('mended in time, it takes the answer after all', async () => {
  const log: string[] = []
  const data = new MemoryData()
  const payment = paymentFor(log)
  const first = await openOn(data, payment)
  await startThrown(first, 'good')
  await first.close()
  const second = await openOn(data, payment, { thrown: false })
  expect(await second.settled('c', 60_000)).toMatchObject({ status: 'completed', output: 'done' })
  expect(log).toEqual(['charge good'])
})
