// The application: its services and workflows. `npm run dev` runs it and starts it again when a file changes.
import { ballet } from 'ballet'
import { OrderConfirmed } from './events.ts'
import { order } from './order.ts'
import { payment } from './payment.ts'
import { stock } from './stock.ts'

/** A test gives it a stock of its own. */
export const applicationWith = (itsStock: typeof stock) =>
  ballet({
    name: 'ballet-app',
    version: '1',
    services: [itsStock, payment],
    workflows: [order],
    events: [OrderConfirmed],
  })

export default applicationWith(stock)
