// The rest of run: steps, time, events, shields, and the next generation.
import { workflow, type Json, type Run, type Stored } from 'ballet'
import { z } from 'zod'
import { id, OrderCreated, payment, same } from './contracts.ts'

const Stage = z.object({ stage: z.string() })

workflow('everything', { input: id, output: z.null(), key: 'orderId', state: Stage }, async (run, { orderId }) => {
  const when = await run.step('when', () => new Date(0))
  same<typeof when, string>()
  // @ts-expect-error a Date is a string once stored; says: Property 'getTime' does not exist on type 'string'
  when.getTime()
  const answer = await run.step('fetch', async (context) => ({ id: context.idempotencyKey, at: new Date(0) }), {
    timeout: '5s',
    undo: (result) => (result === undefined ? null : payment.refund({ orderId: result.at })),
  })
  same<typeof answer, { id: string; at: string }>()
  same<Stored<Map<string, string>>, { [K in keyof Map<string, string>]: Stored<Map<string, string>[K]> }>()
  // @ts-expect-error nothing of a Map would be left; says: JSON, which keeps no Map, Set, bigint or symbol
  await run.step('map', () => new Map([['a', 1]]))
  // @ts-expect-error at any depth, and behind a promise; says: JSON, which keeps no Map, Set, bigint or symbol
  await run.step('set', async (context) => ({ found: [{ of: context.run, in: new Set([1]) }] }))
  // @ts-expect-error a bigint is refused when it is to be kept; says: JSON, which keeps no Map, Set, bigint or symbol
  await run.step('bigint', async () => 5n)
  interface Tree {
    readonly at: Date
    readonly parts: readonly Tree[]
  }
  const tree = await run.step('tree', (): Tree => ({ at: new Date(0), parts: [] }))
  same<(typeof tree)['parts'][number]['at'], string>()
  const unknowable = await run.step('unknown', (): unknown => ({}))
  same<typeof unknowable, Stored<unknown>>()
  const json = await run.step('json', (): Json => ({ a: [1] }))
  same<typeof json, Json>()
  const none = await run.step('none', async () => {})
  same<typeof none, undefined>()
  // @ts-expect-error what is not known before must not be used; says: 'secret' does not exist
  await run.step('context', (context) => context.secret)

  await run.sleep('1.5h')
  await run.sleep(`${2 * 2}d`)
  // @ts-expect-error not a duration; says: '"2 fortnights"' is not assignable
  await run.sleep('2 fortnights')
  // @ts-expect-error a number of what?; says: '5' is not assignable to parameter of type '`${number}
  await run.sleep(5)

  run.emit(OrderCreated({ orderId, total: 1, items: [] }))
  run.emit(OrderCreated({ orderId, total: 1, items: [] }), { id: 'created-1', source: 'shop' })
  // @ts-expect-error an id is a text; says: 'number' is not assignable to type 'string'
  run.emit(OrderCreated({ orderId, total: 1, items: [] }), { id: 1 })
  // @ts-expect-error data is not an event
  run.emit({ orderId })
  // @ts-expect-error a call is not an event
  run.emit(payment.refund({ orderId }))

  const paid = await run.shield(async (inner) => {
    inner.set({ stage: 'shielded' })
    return inner.call(payment.charge({ orderId, amount: 1 }))
  })
  same<(typeof paid)['type'], 'payment.approved' | 'payment.declined'>()

  same<ReturnType<typeof run.now>, Date>()
  same<typeof run.key, string | null>()
  run.log.info('here', { random: run.random(), uuid: run.uuid(), id: run.id })
  if (run.patched('again')) return run.continueAs({ orderId: 'next' })
  // @ts-expect-error the input of another workflow; says: 'order' does not exist
  if (run.patched('wrong')) return run.continueAs({ order: 'next' })
  await run.undo()
  return null
})

// What a run is made of at run time can be given all its types.
type AnyRun = Run<unknown, never, never, unknown>
export function engineRun(run: AnyRun): Run<{ stage: string }, never, never, { orderId: string }> {
  return run
}
// @ts-expect-error a run that takes less than it is asked for
export const narrower = (run: Run<{ stage: string }>): Run<{ stage: string; since: string } | string> => run
