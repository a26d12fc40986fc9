// The application of the shop with its services elsewhere, each at an address. Workflows, reactions and services are those
// of `npm start`, and so are the routes; what is new is where the operations are carried out.
import { elsewhere } from 'ballet/http'
import type { Counter } from '../counter.ts'
import type { ServiceName } from '../faults.ts'
import { openServices } from '../services.ts'
import { shopOf } from '../shop.ts'

interface Where {
  readonly urlOf: (service: ServiceName) => string
  /** What requests are signed with. */
  readonly secrets: readonly (string | undefined)[]
  readonly counter: Counter
}

/** The definition, to be opened on a store. */
export function shopElsewhere({ urlOf, secrets, counter }: Where) {
  const at = (service: ServiceName) => ({ url: urlOf(service), secrets })
  // For their contracts: none of their databases is opened here.
  const { catalog, cart, payment, shipping, notification } = openServices(null).services
  const services = {
    catalog: elsewhere(catalog, at('catalog')),
    cart: elsewhere(cart, at('cart')),
    payment: elsewhere(payment, at('payment')),
    shipping: elsewhere(shipping, at('shipping')),
    notification: elsewhere(notification, at('notification')),
  }
  return shopOf(services, counter).definition
}
