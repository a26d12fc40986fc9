// Payment: charges an order, and gives the money back. Nothing here says which style asks. Money is in cents. An order is
// refunded at most once; one that is to be refunded before it was charged is closed, and a charge that comes late is
// declined.
import { operation, service } from 'ballet'
import { z } from 'zod'
import type { Accounts } from '../accounts.ts'
import {
  Amends,
  NothingToRefund,
  Order,
  OrderId,
  PaymentApproved,
  PaymentDeclined,
  PaymentRefunded,
} from '../contracts.ts'
import { applied, refused } from '../effects.ts'

export const paymentService = (accounts: Accounts) =>
  service('payment', {
    charge: operation({
      input: Order.extend({ amount: z.int() }),
      outcomes: [PaymentApproved, PaymentDeclined],
      // Carries an outage of a minute over: so many attempts last for 111 seconds at least.
      retry: { attempts: 12, backoff: '200ms' },
      timeout: '10s',
      run: ({ amount, ...order }, context) =>
        accounts.once(context, { orderId: order.orderId, operation: 'charge' }, ({ charged, closed }) => {
          if (closed !== null) return refused(PaymentDeclined({ ...order, reason: closed, news: 'cancelled' }))
          if (order.customer.card === 'card-declined' || accounts.declines)
            return refused(PaymentDeclined({ ...order, reason: 'the card was declined', news: 'declined' }))
          // A repeat does not come this far: this is another call, which asks for the money a second time.
          if (charged !== null) throw new Error(`the order ${order.orderId} has been charged by another call`)
          const approved = PaymentApproved({ ...order, amount, receipt: `receipt-${order.orderId}` })
          return { ...applied(approved, amount), change: { charged: amount } }
        }),
    }),

    refund: operation({
      input: z.object({ orderId: OrderId, amends: Amends.optional() }),
      undoes: 'charge',
      outcomes: [PaymentRefunded, NothingToRefund],
      retry: { attempts: 12, backoff: '200ms' },
      run: ({ orderId, amends }, context) =>
        accounts.once(context, { orderId, operation: 'refund' }, ({ charged: amount, refunded, closed }) => {
          if (amount === null || refunded) {
            const reason = closed ?? amends?.detail ?? 'it was taken back'
            return { ...refused(NothingToRefund({ orderId })), change: { closed: reason } }
          }
          return { ...applied(PaymentRefunded({ orderId, amount, amends }), amount), change: { refunded: true } }
        }),
    }),
  })
