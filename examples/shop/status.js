import { z } from 'zod'
import { Ending, News } from './contracts.js'
export const Style = z.enum(['orchestrated', 'choreographed', 'conducted'])
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
/** The state of a workflow whose customer has asked for the order to be cancelled. */
const Progress = z.looseObject({ cancel: z.literal('asked') })
/** `89.00` */
export const money = (cents) => ((cents ?? 0) / 100).toFixed(2)
const no = () => true
const reserved = {
  step: 'reserve',
  detail: ({ price, short }) => short ?? money(price),
  isRefused: ({ short }) => short !== undefined,
}
/** What the outcome of each operation says about the order. */
const meanings = new Map([
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
  ['payment.nothing-to-refund', { step: 'refund', isRefused: no }],
  ['stock.released', { step: 'release' }],
  ['customer.notified', { step: 'notify', detail: ({ news, detail }) => `${news}: ${detail}` }],
])
/** The order, or null when there is none of this id. */
export async function readOrder(app, orderId) {
  return deriveOrder(await app.key('orderId', orderId))
}
/** What the runs and events of an order's key say about it; null when it was never placed. */
export function deriveOrder({ value: orderId, runs, events }) {
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
    steps: [...ended, ...open, ...runs.flatMap(failedOf)],
  }
}
function statusOf(runs, events) {
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
function endingOf({ type, data }) {
  return type === 'customer.notified' ? Ending.safeParse(Data.parse(data).news).data : undefined
}
/** Shipping is also told to stop when an operator cancels, so that its answer alone says nothing of a wish. */
function cancellationOf(runs, events) {
  const has = (type) => events.some((event) => event.type === type)
  const isAsked = runs.some(({ state }) => Progress.safeParse(state).success)
  if (!isAsked && !has('order.cancelled')) return undefined
  if (has('shipping.stopped')) return 'in time'
  if (has('shipping.stop-too-late')) return 'too late'
  return runs.some((run) => run.ended === null) ? 'asked' : 'unanswered'
}
function paidOf(events) {
  const sum = (type) =>
    events
      .filter((event) => event.type === type)
      .reduce((total, event) => total + (Data.parse(event.data).amount ?? 0), 0)
  // A charge that was given up before it answered is in no event, and its refund is: both together are nothing.
  return Math.max(0, sum('payment.approved') - sum('payment.refunded'))
}
function stepOf(event) {
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
const isCall = ({ kind, for: call }) => kind === 'call' && call.includes('.')
function waitOf(run, { op, for: call, since, attempt }) {
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
const isGone = ({ kind, status }) => status === 'failed' || (status === 'cancelled' && kind !== 'workflow')
function failedOf(run) {
  // That of a run which conducts is told by its calls.
  if (!isGone(run) || run.kind === 'choreography') return []
  const { id, ended, error } = run
  const item = itemOf(run, '')
  const step = { step: failedStepOf(run), ...(item === undefined ? {} : { item }) }
  return [{ ...step, status: 'failed', at: ended ?? '', detail: error?.message ?? '', run: id }]
}
/** The step at which a run has ended: what it called, or the call that a person let fail; else the run itself. */
function failedStepOf({ name, call = name, error }) {
  const failed = error?.code === 'CALL_FAILED' ? /^[\w-]+\.([\w-]+) failed: /.exec(error.message)?.[1] : undefined
  return failed ?? call.slice(call.indexOf('.') + 1)
}
/** The item that an operation of a run is about: in its id, when a workflow has several, or else in its input. */
export function itemOf({ kind, input }, op) {
  return kind === 'workflow' ? /\/(.+)$/.exec(op)?.[1] : Data.safeParse(input).data?.sku
}
