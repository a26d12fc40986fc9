import { z } from 'zod'
import { itemOf } from './status.js'
const Answered = z.object({ kind: z.literal('done'), op: z.string(), attempt: z.number() })
const Called = z.object({ kind: z.literal('call'), op: z.string(), call: z.string() })
const JOURNAL_LIMIT = 200
/** The order with the number of attempts at every finished step that took more than one. */
export async function withAttempts(app, order) {
  const { runs } = await app.key('orderId', order.orderId)
  const journals = await Promise.all(
    runs.map(async (run) => attemptsIn(run, (await app.journal(run.id, { limit: JOURNAL_LIMIT }))?.items ?? [])),
  )
  const attempts = new Map(journals.flat())
  const steps = order.steps.map((step) => {
    const count =
      step.status === 'done' || step.status === 'refused' ? attempts.get(nameOf(step.step, step.item)) : undefined
    return count === undefined || count === 1 ? step : { ...step, attempts: count }
  })
  return { ...order, steps }
}
const nameOf = (step, item = '') => `${step} ${item}`
/** Steps of one journal with the attempt that answered each. */
function attemptsIn(run, rows) {
  const calls = new Map()
  return rows.flatMap(({ delivered, commands }) => {
    for (const command of commands ?? []) {
      const called = Called.safeParse(command).data
      if (called !== undefined) calls.set(called.op, called.call)
    }
    const answered = Answered.safeParse(delivered).data
    if (answered === undefined) return []
    // The run of a single call issues no command for it; its operation is named for the call.
    const call = calls.get(answered.op) ?? answered.op.replace(/#\d+$/, '')
    const step = nameOf(call.slice(call.indexOf('.') + 1), itemOf(run, answered.op))
    return [[step, answered.attempt]]
  })
}
