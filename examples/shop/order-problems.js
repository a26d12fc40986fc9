// What can be wrong with a request about an order, however it is placed or cancelled.
import { Problem } from './problem.js'
export const conflict = (orderId, problem) =>
  new Problem(
    409,
    'ORDER_CONFLICT',
    `The order ${orderId} ${problem}.`,
    'Use another orderId, or send the same order again.',
    'orderId',
  )
export const unknownOrder = (orderId) =>
  new Problem(404, 'ORDER_UNKNOWN', `There is no order "${orderId}".`, 'GET /orders lists them.')
export const final = (orderId, status) =>
  new Problem(409, 'ORDER_FINAL', `The order ${orderId} is ${status}.`, 'Only an order in progress can be cancelled.')
