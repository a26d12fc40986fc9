// Charges cards and sends receipts. What is declined is an outcome; what is thrown (the bank is away) is tried again,
// with the same idempotency key: hand that to the bank, and it charges once.
import { operation, service } from 'ballet'
import { z } from 'zod'
import { OrderConfirmed, PaymentApproved, PaymentDeclined, PaymentRefunded, ReceiptSent } from './events.ts'

const LIMIT = 10_000

export const payment = service('payment', {
  charge: operation({
    input: z.object({ orderId: z.string(), amount: z.int() }),
    outcomes: [PaymentApproved, PaymentDeclined],
    retry: { attempts: 5, backoff: '200ms' },
    timeout: '10s',
    run({ orderId, amount }, { idempotencyKey }) {
      if (amount > LIMIT) return PaymentDeclined({ orderId })
      return PaymentApproved({ orderId, receipt: idempotencyKey })
    },
  }),

  // The bank is asked to give back what it took under `undoes`, the key of the charge, and to refuse that key from now on: a
  // charge that was on its way may arrive behind this. When it took nothing, there is nothing to give back.
  refund: operation({
    input: z.object({ orderId: z.string() }),
    undoes: 'charge',
    outcomes: [PaymentRefunded],
    run: ({ orderId }) => PaymentRefunded({ orderId }),
  }),

  sendReceipt: operation({
    input: z.object({ orderId: z.string() }),
    outcomes: [ReceiptSent],
    run: ({ orderId }) => ReceiptSent({ orderId }),
  }),
})

// A reaction: nobody calls it. It runs whenever an order is confirmed, whoever says so.
payment.on(OrderConfirmed, ({ orderId }) => payment.sendReceipt({ orderId }))
