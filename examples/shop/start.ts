// What `npm start` runs: the shop on its store, served over HTTP, until it is told to end. It listens before it opens
// the store, so that a busy port is told before any order moves. On a new store it carries an order through in each
// style; on an old one it says what it took up again. It can be killed at any time.
import { isBalletError, open, type Application } from 'ballet'
import { leaveAddress, nodeSecretsIn, serve, type Serving } from 'ballet/server'
import { makeShop, shopPlace, type ShopPlace } from './shop.ts'
import { paintFor } from './terminal.ts'
import { tour } from './tour.ts'
import { thingsToTry } from './welcome.ts'

const print = (line: string): void => console.log(line)
const paint = paintFor(process.stdout.isTTY, process.env)
// Whoever reads the output may go away (`npm start | head`); the shop stays.
process.stdout.on('error', () => {})

/** What is running, and how it is ended. */
interface Running {
  readonly app: Application
  readonly serving: Serving
  readonly close: () => Promise<void>
}

async function main(): Promise<void> {
  const leaving = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => leaving.abort())
  const asked = new Promise<void>((resolve) => leaving.signal.addEventListener('abort', () => resolve()))

  const place = shopPlace(process.env)
  const { app, serving, close } = await begin(place, portOf(process.env['PORT']), leaving.signal)
  const address = `localhost:${serving.port}`
  print(`${paint('bold', 'Ballet: the shop')}, five services, orders carried through in two styles`)
  print(`  address   http://${address}`)
  print(`  dashboard http://${address}/dashboard/`)
  print(`  store     ${place.store.replace(/^file:/, '')}`)
  print(`  services  ${place.folder === null ? 'in memory' : `${place.folder}/, a database each`}`)
  print(`  process   ${process.pid}, kill -9 it if you like`)
  print('')
  const { role, owner } = app.standing
  const isNew = (await app.runs({ limit: 1 })).items.length === 0
  if (role === 'standby')
    print(`stands by for ${owner?.address ?? 'the node that owns the store'}, and passes requests on`)
  else if (isNew) await tour({ app, url: serving.url, print, paint, signal: leaving.signal })
  else tellRecovery(app)
  if (!leaving.signal.aborted) tellWhatToTry(address)
  // A shop whose store has failed, or was taken over by another process, serves nobody: it says so and ends.
  const failure = await Promise.race([asked.then(() => null), app.stopped])
  print('closing')
  await close()
  if (failure !== null) throw failure
}

/** Listens, then opens; nothing is left behind when a part of it fails. */
async function begin({ store, folder, payments }: ShopPlace, port: number, signal: AbortSignal): Promise<Running> {
  const shop = makeShop(folder, payments)
  const ready = Promise.withResolvers<Application>()
  const serving = await serve(ready.promise, { port, nodeSecret: nodeSecretsIn(process.env['BALLET_NODE_SECRET']) })
  let app: Application | undefined
  try {
    const opened = (app = await open(shop.definition, { store, address: serving.url, signal }))
    await shop.open()
    ready.resolve(opened)
    // The commands (npx ballet why 8841) find this process by the address that it leaves beside the store.
    const { store: found } = await opened.describe()
    const removeAddress = leaveAddress({ store, storeId: found.id, url: serving.url })
    // Where nodes share the store, another takes over while the last answers are written.
    const isShared = (await opened.nodes()).leaseMs !== null
    const close = async (): Promise<void> => {
      removeAddress()
      const served = serving.close()
      if (!isShared) await served
      await Promise.all([served, opened.close()])
      // What the database does not answer in time any more keeps nobody.
      await shop.close().catch(() => {})
    }
    return { app: opened, serving, close }
  } catch (error) {
    await serving.close()
    await app?.close()
    await shop.close()
    throw error
  }
}

function tellRecovery({ recovered: { runs, stuck, durationMs } }: Application): void {
  const found = runs === 0 ? 'nothing was left open' : `${runs} open ${runs === 1 ? 'run goes' : 'runs go'} on`
  const person = stuck === 0 ? '' : `, ${stuck} of them ${stuck === 1 ? 'needs' : 'need'} a person`
  print(`recovered in ${durationMs.toFixed(0)} ms: ${found}${person}`)
  print('')
}

function tellWhatToTry(address: string): void {
  print('Try, in another terminal:')
  for (const [what, command] of thingsToTry(address)) print(`  ${paint('dim', `# ${what}`)}\n  ${command}`)
  print('')
  print('Ctrl-C closes the shop. Kill it in the middle of an order if you like: npm start goes on where it was.')
}

function portOf(text: string | undefined): number {
  const port = text === undefined || text === '' ? 4400 : Number(text)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new RangeError(`PORT is "${text}"; it must be a number from 0 to 65535`)
}

try {
  await main()
} catch (error) {
  const isKnown = isBalletError(error) || error instanceof RangeError
  console.error(
    `${paint('red', 'error')} ${isKnown ? error.message : String(error instanceof Error ? error.stack : error)}`,
  )
  if (isBalletError(error))
    console.error(`${paint('dim', 'hint ')} ${error.hint}\n${paint('dim', `code  ${error.code}`)}`)
  process.exitCode = 1
}
// A connection to a database that does not hear it any more does not keep the process.
process.exit()
