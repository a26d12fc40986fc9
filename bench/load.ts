// A client for over-http.ts, in a process of its own: posts orders to a URL, so many at a time, each until it has been
// answered that the order is done, over connections that are kept.
//   node load.ts <url> <orders> <in flight> <body with ORDER in the place of the order>
import { Agent, request } from 'node:http'
import { newOrder } from './checkout.ts'
import { closedLoop } from './meter.ts'

const [url = '', orders = '', inFlight = '', body = ''] = process.argv.slice(2)
const agent = new Agent({ keepAlive: true, maxSockets: Number(inFlight) })
const headers = { 'content-type': 'application/json' }

function order(): Promise<void> {
  return new Promise((resolve, reject) => {
    const text = body.replace('ORDER', JSON.stringify(newOrder()))
    const asked = request(url, {
      method: 'POST',
      agent,
      headers: { ...headers, 'content-length': Buffer.byteLength(text) },
    })
    asked.on('error', reject)
    asked.on('response', (answered) => {
      const parts: Buffer[] = []
      answered.on('data', (part: Buffer) => parts.push(part))
      answered.on('end', () => {
        const said = Buffer.concat(parts).toString()
        if (said.includes('r-4711')) resolve()
        else reject(new Error(`${answered.statusCode}: ${said.slice(0, 500)}`))
      })
    })
    asked.end(text)
  })
}

const since = performance.now()
await closedLoop(Number(orders), Number(inFlight), order)
console.log(JSON.stringify({ seconds: (performance.now() - since) / 1000 }))
agent.destroy()
