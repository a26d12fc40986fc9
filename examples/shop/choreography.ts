// The order process as a contract: which events follow which, for the choreographed style. Nothing runs by it. It is
// what `ballet check` holds the services and their reactions to, what `ballet draw` draws, and what an order's events can
// be compared with. The limits are what the shop promises its customers, beyond what the services need for their retries.
import { all, after, choice, choreography, many, optional, seq } from 'ballet'
import {
  CustomerNotified,
  ItemReserved,
  ItemShort,
  NothingToRefund,
  OrderCancelled,
  OrderCreated,
  OrderShipped,
  PaymentApproved,
  PaymentDeclined,
  PaymentRefunded,
  ShippingFailed,
  ShippingStopped,
  StockReleased,
  StockReserved,
  StockShort,
  StopTooLate,
} from './contracts.ts'

/** Every item is answered for, in any order; the answer for the last of an order speaks for all of them. */
const items = many(choice(ItemReserved, ItemShort))
const told = CustomerNotified.within('10m')
/** What was reserved is released, one item after the other; there may be none. Then the customer is told. */
const released = seq(many(StockReleased), told)
const refunded = choice(PaymentRefunded, NothingToRefund)

/** Nobody cancels, or too late. */
const undisturbed = choice(
  seq(StockShort, released).as('declined'),
  seq(
    StockReserved,
    choice(
      seq(PaymentDeclined.within('15m'), released).as('declined'),
      seq(
        PaymentApproved.within('15m'),
        choice(
          seq(OrderShipped.within('2d'), told).as('confirmed'),
          seq(ShippingFailed.within('2d'), PaymentRefunded.within('1h'), released).as('refunded'),
        ),
      ),
    ),
  ),
)

/** The parcel was stopped, while the rest of the order was anywhere. What was paid is given back; nothing is shipped. */
const stopped = choice(
  seq(StockShort, released),
  seq(
    StockReserved,
    choice(
      seq(PaymentDeclined, released),
      // The answer of the bank may come after its refund, which holds for it as well.
      all(optional(PaymentApproved), optional(ShippingFailed), seq(refunded, StockReleased, released)),
    ),
  ),
)

export const fulfilment = choreography(
  'fulfilment',
  { key: 'orderId' },
  seq(
    // A workflow is not begun by an event: its orders are no flow of this choreography.
    OrderCreated,
    all(
      items,
      choice(
        // When shipping had failed for another reason, nothing more is told.
        all(
          undisturbed,
          optional(seq(optional(OrderCancelled), StopTooLate.within('15m'), optional(CustomerNotified))),
        ),
        all(stopped, seq(optional(OrderCancelled), ShippingStopped.within('15m'), optional(NothingToRefund))).as(
          'cancelled',
        ),
      ),
    ),
  ),
  { outside: [OrderCancelled], never: [after(PaymentRefunded, OrderShipped)] },
)
