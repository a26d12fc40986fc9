// What can be wrong with a request about an order, however it is placed or cancelled.
import { Problem } from './problem.ts'

export const conflict = (orderId: string, problem: string): Problem =>
  new Problem(
    409,
    'ORDER_CONFLICT',
    `The order ${orderId} ${problem}.`,
    'Use another orderId, or send the same order again.',
    'orderId',
  )

export const unknownOrder = (orderId: string): Problem =>
  new Problem(404, 'ORDER_UNKNOWN', `There is no order "${orderId}".`, 'GET /orders lists them.')

export const final = (orderId: string, status: string): Problem =>
  new Problem(
    409,
    'ORDER_FINAL',
    `The order ${orderId} is ${status}.`,
    'Only an order that is in progress or stuck can be cancelled.',
  )
