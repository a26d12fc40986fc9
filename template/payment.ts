// Charges cards and sends receipts. What is declined is an outcome; what is thrown (the bank is away) is tried again,
// with the same idempotency key: hand that to the bank, and it charges once.
import { operation, service } from 'ballet'
import { z } from 'zod'
import { OrderConfirmed, PaymentApproved, PaymentDeclined, ReceiptSent } from './events.ts'

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

  sendReceipt: operation({
    input: z.object({ orderId: z.string() }),
    outcomes: [ReceiptSent],
    run: ({ orderId }) => ReceiptSent({ orderId }),
  }),
})

// A reaction: nobody calls it. It runs whenever an order is confirmed, whoever says so.
payment.on(OrderConfirmed, ({ orderId }) => payment.sendReceipt({ orderId }))
