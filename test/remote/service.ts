// Two services as one process, which is called at PORT, or fetches its calls from AT: it has its books in the file BOOKS, a line for each effect, with its key. An order whose id has
// `+charge` in it is charged, and not answered, by the process that comes upon it first: it says so, and waits for its end.
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { fetchWork, serveService } from '../../src/http.ts'
import { operation, service, type OperationContext } from '../../src/index.ts'
import { Charged, Refunded, Sent, specs } from './contracts.ts'

const { BOOKS: books = '', PORT: port = '0', AT: at, SECRET: secret } = process.env

interface Line {
  readonly key: string
  readonly what: string
  readonly attempt: number
}
const lines = (): readonly Line[] =>
  existsSync(books)
    ? readFileSync(books, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Line)
    : []

/** Does it, unless it was done; an attempt after which this process is to end never comes back. */
async function once({ idempotencyKey: key, attempt }: OperationContext, what: string): Promise<void> {
  if (lines().some((line) => line.key === key)) return
  appendFileSync(books, `${JSON.stringify({ key, what, attempt })}\n`)
  if (!what.includes(`+${what.split(' ', 1)[0]}`)) return
  console.log(`done ${what}`)
  await new Promise(() => {})
}

const payment = service('payment', {
  charge: operation({
    ...specs.charge,
    async run({ orderId }, context) {
      await once(context, `charge ${orderId}`)
      return Charged({ orderId, by: context.idempotencyKey })
    },
  }),
  refund: operation({
    ...specs.refund,
    async run({ orderId }, context) {
      await once(context, `refund ${orderId}`)
      return Refunded({ orderId })
    },
  }),
})
const shipping = service('shipping', {
  send: operation({
    ...specs.send,
    async run({ orderId }, context) {
      await once(context, `send ${orderId}`)
      return Sent({ orderId })
    },
  }),
})

if (at === undefined) {
  const serving = await serveService([payment, shipping], { port: Number(port), secrets: [secret] })
  console.log(`listening ${serving.port}`)
} else {
  const fetching = fetchWork([payment, shipping], { at, secrets: [secret] })
  process.once('SIGTERM', () => void fetching.close())
  console.log('fetching')
}
