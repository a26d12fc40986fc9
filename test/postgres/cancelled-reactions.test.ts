// A reaction that is cancelled while it looks whether there is a run of the workflow that it asks for: it ends once, and what was
// not begun by then does not begin.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, event, service, workflow } from '../../src/index.ts'
import { openForTest, until } from '../support/applications.ts'
import { newPlace } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const Order = z.object({ orderId: z.string() })
const Placed = event('placed', Order, { key: 'orderId' })
const fulfil = workflow('fulfil', { input: Order, key: 'orderId', output: z.null() }, async (run) => {
  await run.sleep('1h')
  return null
})
const desk = service('desk', {})
desk.on(Placed, ({ orderId }) => fulfil({ orderId }))
const definition = ballet({ name: 'shop', services: [desk], workflows: [fulfil] })
/** So many that some are most likely cancelled in that moment. */
const TIMES = 40

test('a reaction that was cancelled begins nothing, and ends once', async () => {
  const place = await newPlace()
  closing.push(() => place.drop())
  const app = await openForTest(definition, { store: place.url() })
  /** Whether it was cancelled, or had ended before; asked again until there is one. */
  const cancel = async (reaction: string): Promise<boolean> => {
    for (;;) {
      const code = await app.cancel(reaction).then(
        ({ changed }) => changed,
        (error: { code: string }) => error.code,
      )
      if (code !== 'RUN_UNKNOWN') return code === true
    }
  }
  for (let time = 0; time < TIMES; time++) {
    const orderId = `o${time}`
    const reaction = `desk:placed:${orderId}`
    const [isCancelled] = await Promise.all([cancel(reaction), app.publish(Placed({ orderId }), { id: orderId })])
    const { status } = await until(app, null, async () => {
      const run = await app.run(reaction)
      return run !== null && run.ended !== null && run
    })
    const begun = await app.run(`fulfil:${orderId}`)
    const turns = (await app.journal(reaction))?.items.length
    expect({ status, turns, isBegun: begun !== null }).toEqual({
      status: isCancelled ? 'cancelled' : 'completed',
      turns: 1,
      isBegun: !isCancelled,
    })
  }
})
