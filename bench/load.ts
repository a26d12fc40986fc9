// A client for over-http.ts, in a process of its own: posts orders to a URL, so many at a time, each until it has been
// answered that the order is done.
//   node load.ts <url> <orders> <in flight> <body with ORDER in the place of the order>
import { closedLoop } from './meter.ts'
import { newOrder } from './order.ts'
import { poster } from './post.ts'

const [url = '', orders = '', inFlight = '', body = ''] = process.argv.slice(2)
const client = poster({ url, body }, Number(inFlight))
const since = performance.now()
await closedLoop(Number(orders), Number(inFlight), () => client.post(newOrder()))
console.log(JSON.stringify({ seconds: (performance.now() - since) / 1000 }))
client.close()
