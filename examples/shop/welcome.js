// What the shop says of itself to somebody who has just arrived: on its front page and in the terminal.
const json = `-H 'content-type: application/json'`
/** Commands to try, with what they show. `address` is `localhost:4400`. */
export const thingsToTry = (address) => [
  ['an order, led by a workflow', `curl -d @examples/shop/orders/ok.json ${json} ${address}/orders`],
  [
    'the same order, carried by reactions',
    `curl -d @examples/shop/orders/ok.json ${json} '${address}/orders?style=choreographed'`,
  ],
  ['a card that is declined', `curl -d @examples/shop/orders/declined.json ${json} ${address}/orders`],
  ['a parcel that cannot be delivered', `curl -d @examples/shop/orders/shipping-fails.json ${json} ${address}/orders`],
  ['one of three items is out of stock', `curl -d @examples/shop/orders/short.json ${json} ${address}/orders`],
  ['what became of the orders', `curl ${address}/orders`],
  [
    'let payment break twice, then order',
    `curl -d '{"service":"payment","failTimes":2}' ${json} ${address}/shop/faults`,
  ],
  [
    'make shipping slow, order again, and cancel that order while it is under way',
    `curl -d '{"service":"shipping","operation":"ship","slowMs":60000}' ${json} ${address}/shop/faults`,
  ],
  ['whether that comes in time is for shipping to say', `curl -X POST ${address}/orders/<its orderId>/cancel`],
  ['what the services really did', `curl ${address}/shop/ledger`],
  ['how one thing led to the other', `npx ballet why orderId:first-choreographed`],
]
/** The front page. `address` is where it was asked for. */
export const welcome = (
  address,
) => `The shop: five services (catalog, cart, payment, shipping, notification) that know nothing of each other.
An order goes through them either led by a workflow (style=orchestrated) or by their reactions to each
other's events (style=choreographed). The services are the same, line for line.

What to try, from the folder of the repository:

${thingsToTry(address)
  .map(([what, command]) => `  # ${what}\n  ${command}\n`)
  .join('')}
Routes of the shop:

  POST   /orders               {items: [{sku, qty}] | cart, customer: {name, email, card, city}, orderId?, style?}
  GET    /orders?limit=20      the newest orders
  GET    /orders/{id}          what became of one; ?wait=10s answers when it is over
  POST   /orders/{id}/cancel   {by?}
  GET    /products             what there is, prices in cents
  POST   /carts/{id}/items     {sku, qty}
  GET    /carts/{id}
  GET    /shop/faults          what the services are told to do wrong
  POST   /shop/faults          {service, operation?, slowMs?, failTimes?, loseAnswers?, decline?, garble?,
                               down?, downMs?}
  DELETE /shop/faults          all is well again
  GET    /shop/ledger          every attempt that reached a service, one JSON object a line

The API of Ballet itself stands under /api: GET /api/app lists what there is.
`
