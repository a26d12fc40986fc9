// The shop as an application whose services are processes of their own: what is new is where they are. Workflows,
// reactions and services are those of `npm start`; so are the routes. Run by `ballet serve examples/shop/apart/shop.ts`.
import { elsewhere } from 'ballet/http'
import { openServices } from '../services.ts'
import { shopOf } from '../shop.ts'
import { counterElsewhere } from './counter.ts'
import { secretsOf, urlOf } from './places.ts'

const secrets = secretsOf(process.env)
const at = (service: Parameters<typeof urlOf>[0]) => ({ url: urlOf(service, process.env), secrets })

// For their contracts: none of their databases is opened here.
const { catalog, cart, payment, shipping, notification } = openServices(null).services
const services = {
  catalog: elsewhere(catalog, at('catalog')),
  cart: elsewhere(cart, at('cart')),
  payment: elsewhere(payment, at('payment')),
  shipping: elsewhere(shipping, at('shipping')),
  notification: elsewhere(notification, at('notification')),
}

export default shopOf(
  services,
  counterElsewhere((service) => urlOf(service, process.env)),
).definition
