// What has become of an order, in the same words for both styles. There is one derivation, because outcomes are events
// in both: those that an order's services answered with are its steps, the calls that its open runs wait for are what
// is being done now, and the customer being told is its end. Nothing is kept here; all of it is read from the store.
import type { Application, EventView, KeyView, RunView, WaitView } from 'ballet'
import { z } from 'zod'
import { Ending } from './contracts.ts'

export const Style = z.enum(['orchestrated', 'choreographed'])
export type Style = z.infer<typeof Style>

export interface StepView {
  readonly step: string
  /** `refused`: the service said no, which is an answer. `retrying`: attempts broke, more will follow. */
  readonly status: 'done' | 'refused' | 'running' | 'retrying' | 'stuck'
  /** When it ended, or since when it is waited for (ISO 8601). */
  readonly at: string
  readonly attempts?: number
  readonly detail?: string
}

export interface OrderView {
  readonly orderId: string
  readonly style: Style
  readonly status: 'in progress' | 'stuck' | Ending
  /** Cents that the customer has paid and not got back. */
  readonly paid: number
  readonly created: string
  readonly steps: readonly StepView[]
}

interface Meaning {
  readonly step: string
  readonly refused?: true
  readonly detail: (data: Data) => string | undefined
}

const Data = z.looseObject({
  total: z.number().optional(),
  amount: z.number().optional(),
  reason: z.string().optional(),
  tracking: z.string().optional(),
  detail: z.string().optional(),
  ending: Ending.optional(),
})
type Data = z.infer<typeof Data>

/** `89.00` */
export const money = (cents: number | undefined): string => ((cents ?? 0) / 100).toFixed(2)

/** What the outcome of each operation says about the order. */
const meanings = new Map<string, Meaning>([
  ['cart.checked-out', { step: 'checkOut', detail: () => undefined }],
  ['stock.reserved', { step: 'reserve', detail: ({ total }) => `for ${money(total)}` }],
  ['stock.short', { step: 'reserve', refused: true, detail: ({ reason }) => reason }],
  ['payment.approved', { step: 'charge', detail: ({ amount }) => money(amount) }],
  ['payment.declined', { step: 'charge', refused: true, detail: ({ reason }) => reason }],
  ['order.shipped', { step: 'ship', detail: ({ tracking }) => tracking }],
  ['shipping.failed', { step: 'ship', refused: true, detail: ({ reason }) => reason }],
  ['payment.refunded', { step: 'refund', detail: ({ amount }) => money(amount) }],
  ['stock.released', { step: 'release', detail: () => undefined }],
  ['customer.notified', { step: 'notify', detail: ({ ending, detail }) => `${ending}: ${detail}` }],
])

/** The order, or null when there is none of this id. */
export async function readOrder(app: Application, orderId: string): Promise<OrderView | null> {
  return deriveOrder(await app.key('orderId', orderId))
}

/** What the runs and events of an order's key say about it; null when it was never placed. */
export function deriveOrder({ value: orderId, runs, events }: KeyView): OrderView | null {
  const workflow = runs.find((run) => run.kind === 'workflow' && run.name === 'checkout')
  const placed = events.find((event) => event.type === 'order.created')
  const created = workflow?.created ?? placed?.time
  if (created === undefined) return null
  const ended = events.flatMap(stepOf)
  const open = runs.flatMap((run) => run.waits.map((wait) => waitOf(run, wait)))
  return {
    orderId,
    style: workflow === undefined ? 'choreographed' : 'orchestrated',
    status: statusOf(runs, events),
    paid: paidOf(events),
    created,
    steps: [...ended, ...open],
  }
}

function statusOf(runs: readonly RunView[], events: readonly EventView[]): OrderView['status'] {
  // The customer is told last: everything that had to be taken back was taken back before.
  const told = events.find((event) => event.type === 'customer.notified')
  const ending = told === undefined ? undefined : Data.parse(told.data).ending
  if (ending !== undefined) return ending
  if (runs.some((run) => run.kind === 'workflow' && run.status === 'cancelled')) return 'cancelled'
  // A run that failed has no one left who would go on: that needs a person as much as one that is stuck.
  return runs.some((run) => run.status === 'stuck' || run.status === 'failed') ? 'stuck' : 'in progress'
}

function paidOf(events: readonly EventView[]): number {
  const sum = (type: string) =>
    events
      .filter((event) => event.type === type)
      .reduce((total, event) => total + (Data.parse(event.data).amount ?? 0), 0)
  return sum('payment.approved') - sum('payment.refunded')
}

function stepOf(event: EventView): StepView[] {
  const meaning = meanings.get(event.type)
  if (meaning === undefined) return []
  const detail = meaning.detail(Data.parse(event.data))
  return [
    {
      step: meaning.step,
      status: meaning.refused ? 'refused' : 'done',
      at: event.time,
      ...(detail === undefined ? {} : { detail }),
    },
  ]
}

function waitOf(run: RunView, { for: call, since, attempt }: WaitView): StepView {
  const step = call.slice(call.indexOf('.') + 1)
  if (run.status === 'stuck') {
    return {
      step,
      status: 'stuck',
      at: since,
      detail: attempt?.error.message ?? run.error?.message ?? run.reason ?? '',
    }
  }
  if (attempt === undefined) return { step, status: 'running', at: since }
  return { step, status: 'retrying', at: since, attempts: attempt.number, detail: attempt.error.message }
}
