// What has become of an order, in the same words for all styles. There is one derivation, because outcomes are events
// in all of them: those that an order's services answered with are its steps, the calls that its open runs wait for are what
// is being done now, and the customer being told is its end. Nothing is kept here; all of it is read from the store.
import type { Application, EventView, KeyView, RunView, WaitView } from 'ballet'
import { z } from 'zod'
import { Ending, News } from './contracts.ts'

export const Style = z.enum(['orchestrated', 'choreographed', 'conducted'])
export type Style = z.infer<typeof Style>

export interface StepView {
  readonly step: string
  /** The product, when the step is about one item of the order. */
  readonly item?: string
  /**
   * `refused`: the service said no, which is an answer. `retrying`: attempts broke, more will follow. `failed`: for
   * good, by itself or by a person, and nothing follows it.
   */
  readonly status: 'done' | 'refused' | 'running' | 'retrying' | 'stuck' | 'failed'
  /** When it ended, or since when it is waited for (ISO 8601). */
  readonly at: string
  readonly attempts?: number
  readonly detail?: string
  /** Of a stuck one: the run and the operation there, for whoever retries or answers it. Of a failed one: the run. */
  readonly run?: string
  readonly op?: string
}

export interface OrderView {
  readonly orderId: string
  readonly style: Style
  readonly status: 'in progress' | 'stuck' | 'failed' | Ending
  /**
   * What became of the customer's wish to cancel, when there is one: what an operator did to the runs of the order is none.
   * `unanswered`: the order is over, and shipping was never asked, because somebody ended that call.
   */
  readonly cancellation?: 'asked' | 'in time' | 'too late' | 'unanswered'
  /** Cents that the customer has paid and not got back. */
  readonly paid: number
  readonly created: string
  readonly steps: readonly StepView[]
}

interface Meaning {
  readonly step: string
  readonly detail?: (data: Data) => string | undefined
  readonly isRefused?: (data: Data) => boolean
}

const Data = z.looseObject({
  sku: z.string().optional(),
  price: z.number().optional(),
  short: z.string().optional(),
  amount: z.number().optional(),
  reason: z.string().optional(),
  tracking: z.string().nullish(),
  detail: z.string().optional(),
  news: News.optional(),
})
type Data = z.infer<typeof Data>

/** The state of a workflow whose customer has asked for the order to be cancelled. */
const Progress = z.looseObject({ cancel: z.literal('asked') })

/** `89.00` */
export const money = (cents: number | undefined): string => ((cents ?? 0) / 100).toFixed(2)

const no = (): boolean => true
const reserved: Meaning = {
  step: 'reserve',
  detail: ({ price, short }) => short ?? money(price),
  isRefused: ({ short }) => short !== undefined,
}

/** What the outcome of each operation says about the order. */
const meanings = new Map<string, Meaning>([
  ['cart.checked-out', { step: 'checkOut' }],
  ['item.reserved', reserved],
  ['item.short', reserved],
  ['stock.reserved', reserved],
  ['stock.short', reserved],
  ['payment.approved', { step: 'charge', detail: ({ amount }) => money(amount) }],
  ['payment.declined', { step: 'charge', isRefused: no, detail: ({ reason }) => reason }],
  ['order.shipped', { step: 'ship', detail: ({ tracking }) => tracking ?? undefined }],
  ['shipping.failed', { step: 'ship', isRefused: no, detail: ({ reason }) => reason }],
  ['shipping.stopped', { step: 'stop', detail: ({ reason }) => reason }],
  ['shipping.stop-too-late', { step: 'stop', isRefused: no, detail: ({ tracking }) => tracking ?? undefined }],
  ['payment.refunded', { step: 'refund', detail: ({ amount }) => money(amount) }],
  ['payment.nothing-to-refund', { step: 'refund', isRefused: no, detail: () => 'nothing was charged' }],
  ['stock.released', { step: 'release' }],
  ['customer.notified', { step: 'notify', detail: ({ news, detail }) => `${news}: ${detail}` }],
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
  const open = runs.flatMap((run) => run.waits.filter(isCall).map((wait) => waitOf(run, wait)))
  const cancellation = cancellationOf(runs, events)
  const isConducted = runs.some((run) => run.kind === 'choreography')
  return {
    orderId,
    style: workflow !== undefined ? 'orchestrated' : isConducted ? 'conducted' : 'choreographed',
    status: statusOf(runs, events),
    ...(cancellation === undefined ? {} : { cancellation }),
    paid: paidOf(events),
    created,
    steps: [...[...ended, ...runs.flatMap(failedOf)].sort(byTime), ...open],
  }
}

/** In the order of the log where the time is the same. */
const byTime = (one: StepView, other: StepView): number => Date.parse(one.at) - Date.parse(other.at)

function statusOf(runs: readonly RunView[], events: readonly EventView[]): OrderView['status'] {
  // What brings a thing about and what follows from it are one commit: when nothing is open, nothing more will come.
  const isOpen = runs.some((run) => run.ended === null)
  const ending = events.flatMap((event) => endingOf(event) ?? [])[0]
  if (ending !== undefined && !isOpen) return ending
  if (runs.some((run) => run.kind === 'workflow' && run.status === 'cancelled')) return 'cancelled'
  if (runs.some((run) => run.status === 'stuck')) return 'stuck'
  // Nobody goes on with what has failed or was given up, and nothing of it can be tried again.
  if (isOpen) return 'in progress'
  return runs.some(isGone) ? 'failed' : 'stuck'
}

/** How the order ended, as the customer was told. */
function endingOf({ type, data }: EventView): Ending | undefined {
  return type === 'customer.notified' ? Ending.safeParse(Data.parse(data).news).data : undefined
}

/** Shipping is also told to stop when an operator cancels, so that its answer alone says nothing of a wish. */
function cancellationOf(runs: readonly RunView[], events: readonly EventView[]): OrderView['cancellation'] {
  const has = (type: string): boolean => events.some((event) => event.type === type)
  const isAsked = runs.some(({ state }) => Progress.safeParse(state).success)
  if (!isAsked && !has('order.cancelled')) return undefined
  if (has('shipping.stopped')) return 'in time'
  if (has('shipping.stop-too-late')) return 'too late'
  return runs.some((run) => run.ended === null) ? 'asked' : 'unanswered'
}

function paidOf(events: readonly EventView[]): number {
  const sum = (type: string) =>
    events
      .filter((event) => event.type === type)
      .reduce((total, event) => total + (Data.parse(event.data).amount ?? 0), 0)
  // A charge that was given up before it answered is in no event, and its refund is: both together are nothing.
  return Math.max(0, sum('payment.approved') - sum('payment.refunded'))
}

function stepOf(event: EventView): StepView[] {
  const meaning = meanings.get(event.type)
  if (meaning === undefined) return []
  const data = Data.parse(event.data)
  const detail = meaning.detail?.(data)
  return [
    {
      step: meaning.step,
      ...(data.sku === undefined ? {} : { item: data.sku }),
      status: meaning.isRefused?.(data) ? 'refused' : 'done',
      at: event.time,
      ...(detail === undefined ? {} : { detail }),
    },
  ]
}

/** Of the things that a run waits for, those that are steps of the order. */
const isCall = ({ kind, for: call }: WaitView): boolean => kind === 'call' && call.includes('.')

function waitOf(run: RunView, { op, for: call, since, attempt }: WaitView): StepView {
  const item = itemOf(run, op)
  const step = { step: call.slice(call.indexOf('.') + 1), ...(item === undefined ? {} : { item }), at: since }
  // A workflow with a stuck call waits for its others as before.
  const isOther = run.kind === 'workflow' && run.reason === 'call' && attempt?.next !== null
  const isStuck = run.status === 'stuck' && !isOther
  if (isStuck) {
    const detail = attempt?.error.message ?? run.error?.message ?? run.reason ?? ''
    return { ...step, status: 'stuck', detail, run: run.id, op }
  }
  if (attempt === undefined) return { ...step, status: 'running' }
  return { ...step, status: 'retrying', attempts: attempt.number, detail: attempt.error.message }
}

/** Whether a run has failed, or was cancelled by itself; a workflow that is cancelled takes back, and says so. */
const isGone = ({ kind, status }: RunView): boolean =>
  status === 'failed' || (status === 'cancelled' && kind !== 'workflow')

function failedOf(run: RunView): readonly StepView[] {
  // That of a run which conducts is told by its calls.
  if (!isGone(run) || run.kind === 'choreography') return []
  const { id, ended, error } = run
  const item = itemOf(run, '')
  const step = { step: failedStepOf(run), ...(item === undefined ? {} : { item }) }
  return [{ ...step, status: 'failed', at: ended ?? '', detail: error?.message ?? '', run: id }]
}

/** The step at which a run has ended: what it called, or the call that a person let fail; else the run itself. */
function failedStepOf({ name, call = name, error }: RunView): string {
  const failed = error?.code === 'CALL_FAILED' ? /^[\w-]+\.([\w-]+) failed: /.exec(error.message)?.[1] : undefined
  return failed ?? call.slice(call.indexOf('.') + 1)
}

/** The item that an operation of a run is about: in its id, when a workflow has several, or else in its input. */
export function itemOf({ kind, input }: RunView, op: string): string | undefined {
  return kind === 'workflow' ? /\/(.+)$/.exec(op)?.[1] : Data.safeParse(input).data?.sku
}
