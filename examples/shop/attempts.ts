// How many attempts each finished step of an order took: read from the journals of its runs, where every answer names
// the attempt that gave it.
import type { Application, JournalView } from 'ballet'
import { z } from 'zod'
import type { OrderView } from './status.ts'

const Answered = z.object({ kind: z.literal('done'), op: z.string(), attempt: z.number() })
const Called = z.object({ kind: z.literal('call'), op: z.string(), call: z.string() })
const JOURNAL_LIMIT = 200

/** The order with the number of attempts at every finished step that took more than one. */
export async function withAttempts(app: Application, order: OrderView): Promise<OrderView> {
  const { runs } = await app.key('orderId', order.orderId)
  const journals = await Promise.all(runs.map(({ id }) => app.journal(id, { limit: JOURNAL_LIMIT })))
  const attempts = new Map(journals.flatMap((journal) => attemptsIn(journal?.items ?? [])))
  const steps = order.steps.map((step) => {
    const count = step.status === 'done' || step.status === 'refused' ? attempts.get(step.step) : undefined
    return count === undefined || count === 1 ? step : { ...step, attempts: count }
  })
  return { ...order, steps }
}

/** Steps of one journal with the attempt that answered each. */
function attemptsIn(rows: readonly JournalView[]): (readonly [step: string, attempt: number])[] {
  const calls = new Map<string, string>()
  return rows.flatMap(({ delivered, commands }) => {
    for (const command of commands ?? []) {
      const called = Called.safeParse(command).data
      if (called !== undefined) calls.set(called.op, called.call)
    }
    const answered = Answered.safeParse(delivered).data
    if (answered === undefined) return []
    // The run of a single call issues no command for it; its operation is named for the call.
    const call = calls.get(answered.op) ?? answered.op.replace(/#\d+$/, '')
    return [[call.slice(call.indexOf('.') + 1), answered.attempt] as const]
  })
}
