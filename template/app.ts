// The application: its services and workflows. `npm run dev` runs it and starts it again when a file changes.
import { ballet } from 'ballet'
import { OrderConfirmed } from './events.ts'
import { order } from './order.ts'
import { payment } from './payment.ts'
import { stock } from './stock.ts'

export default ballet({
  name: 'ballet-app',
  version: '1',
  services: [stock, payment],
  workflows: [order],
  events: [OrderConfirmed],
})
