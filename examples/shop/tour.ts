// The first minute of a new store: one order by the workflow and one by reactions, placed over HTTP like any other, each step printed as it
// happens.
import { readFileSync } from 'node:fs'
import type { Application } from 'ballet'
import { follow } from './follow.ts'
import type { OrderView, Style } from './status.ts'
import { endLine, stepLine, type Paint } from './terminal.ts'

const stories = {
  orchestrated: 'a workflow calls the services, in its own order',
  choreographed: 'the services react to each other, nobody is in charge',
} as const satisfies Partial<Record<Style, string>>

export interface TourOptions {
  readonly app: Application
  /** Where the shop is served. */
  readonly url: string
  readonly print: (line: string) => void
  readonly paint: Paint
  /** Ends the tour early. */
  readonly signal: AbortSignal
}

/** Places an order in each of the two styles (a conducted one looks like the second) and prints what becomes of it. */
export async function tour(options: TourOptions): Promise<void> {
  for (const style of ['orchestrated', 'choreographed'] as const) {
    if (options.signal.aborted) return
    const orderId = `first-${style}`
    options.print(`${options.paint('bold', orderId)}: ${stories[style]}`)
    await placeOrder(options.url, orderId, style)
    await printOrder(options, orderId)
  }
}

async function placeOrder(url: string, orderId: string, style: Style): Promise<void> {
  const sample = JSON.parse(readFileSync(new URL('./orders/ok.json', import.meta.url), 'utf8')) as object
  const response = await fetch(`${url}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...sample, orderId, style }),
  })
  if (response.status !== 202) throw new Error(`the shop does not take its first order: ${await response.text()}`)
}

async function printOrder({ app, print, paint, signal }: TourOptions, orderId: string): Promise<void> {
  let printed = 0
  let last: OrderView | undefined
  for await (const order of follow(app, orderId, signal)) {
    last = order
    const settled = order.steps.filter(({ status }) => status === 'done' || status === 'refused')
    for (const step of settled.slice(printed)) print(stepLine(step, order.created, paint))
    printed = Math.max(printed, settled.length)
  }
  if (last !== undefined) print(endLine(last, paint))
  print('')
}
