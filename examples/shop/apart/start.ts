// What `npm run shop:apart` runs: the five services of the shop, each a process with a database and an address of its own, and the
// application that calls them, a sixth. On a new store it carries an order through in each style, and kills payment in the middle of
// a third. Then it stays, and starts again what is killed, until it is told to end.
import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { paintFor } from '../terminal.ts'
import { Part } from './part.ts'
import { SERVICES, variableOf } from './places.ts'
import { isToured, tour } from './tour.ts'

const print = (line: string): void => console.log(line)
const paint = paintFor(process.stdout.isTTY, process.env)
// Whoever reads the output may go away; the shop stays.
process.stdout.on('error', () => {})

/** After the end of a process that nobody asked for. */
const AGAIN_MS = 500

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const store = process.env['BALLET_STORE'] || '.ballet/apart/shop.db'
const folder = join(dirname(store), 'services')
const port = Number(process.env['PORT'] || 4400)
const secret = `whsec_${randomBytes(32).toString('base64')}`

const leaving = new AbortController()
const asked = Promise.withResolvers<void>()
// More than one may come: npm passes on what the terminal has told already. Whoever ends early leaves the others behind.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    leaving.abort()
    asked.resolve()
  })

/** A process that was killed by somebody is started again, where it was. */
function again(part: Part, pid: number): void {
  const back = async (): Promise<void> => {
    await pause(AGAIN_MS)
    if (leaving.signal.aborted) return
    await part.start()
    print(`${part.name} (${pid}) was ended; it is there again, as ${part.pid}`)
  }
  back().catch(asked.reject)
}

const services = SERVICES.map(
  (name, index) =>
    new Part({
      name,
      args: [file('host.ts'), name],
      port: port === 0 ? 0 : port + 1 + index,
      env: { BALLET_SERVICES: folder, SHOP_SECRET: secret },
      onGone: again,
    }),
)

/** Lets a process finish what it does, and says so when it did not. */
async function ended(part: Part): Promise<void> {
  const code = await part.end('SIGTERM')
  if (code === 0) return
  console.error(`${paint('red', 'error')} ${part.name} did not end well (${code ?? 'by a signal'})`)
  process.exitCode = 1
}

async function main(): Promise<void> {
  await Promise.all(services.map((part) => part.start()))
  const urls = Object.fromEntries(SERVICES.map((name, index) => [variableOf(name), services[index]?.url ?? '']))
  const application = new Part({
    name: 'application',
    args: [file('../../../bin/ballet.js'), 'serve', file('shop.ts'), '--store', `file:${store}`],
    port,
    env: { ...urls, SHOP_SECRET: secret },
    onGone: again,
  })
  try {
    await application.start()
    print(`${paint('bold', 'Ballet: the shop')}, its five services and the application in a process each`)
    for (const { name, url, pid } of [application, ...services]) print(`  ${name.padEnd(12)}  ${url}  process ${pid}`)
    print(`  store         ${store}; a database for each service in ${folder}/`)
    print('')
    const options = { application, services, print, paint }
    if (!(await isToured(options))) await Promise.race([tour(options), asked.promise])
    if (!leaving.signal.aborted) tellWhatToTry(application)
    await asked.promise
  } finally {
    // The services last: what the application is waiting for is still answered.
    print('closing')
    await ended(application)
  }
}

function tellWhatToTry({ url }: Part): void {
  const address = url.replace('http://', '').replace('127.0.0.1', 'localhost')
  const json = `-H 'content-type: application/json'`
  const payment = services.find(({ name }) => name === 'payment')?.pid
  const shipping = services.find(({ name }) => name === 'shipping')?.pid
  const things = [
    ['an order, led by a workflow', `curl -d @examples/shop/orders/ok.json ${json} ${address}/orders`],
    [
      'the same order, carried by reactions',
      `curl -d @examples/shop/orders/ok.json ${json} '${address}/orders?style=choreographed'`,
    ],
    ['kill payment, and order: it is started again, and the order goes on', `kill -9 ${payment}`],
    ['stop shipping where it is, order, and let it go on', `kill -STOP ${shipping}; sleep 5; kill -CONT ${shipping}`],
    ['what became of the orders', `curl ${address}/orders`],
    ['what the services really did', `curl ${address}/shop/ledger`],
  ] as const
  print('Try, in another terminal:')
  for (const [what, command] of things) print(`  ${paint('dim', `# ${what}`)}\n  ${command}`)
  print('')
  print('Ctrl-C ends all six.')
}

try {
  await main()
} catch (error) {
  console.error(`${paint('red', 'error')} ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
} finally {
  leaving.abort()
  await Promise.all(services.map(ended))
}
process.exit()
