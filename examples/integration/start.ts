// What `npm run integration` runs: the stand-ins of the three systems, and the application that joins them, in one process
// and on four ports. On a new store one deal is carried through; each request that reaches a system is printed, then and later. It
// can be killed at any time.
import { isBalletError, open, type Application } from 'ballet'
import { leaveAddress, serve } from 'ballet/server'
import { dirname, join } from 'node:path'
import deal from './deal.json' with { type: 'json' }
import { settled, type Everywhere } from './http.ts'
import { makeIntegration, patience, type Systems } from './integration.ts'
import { startSystems } from './systems/systems.ts'

const print = (line: string): void => console.log(line)
// Whoever reads the output may go away; the application stays.
process.stdout.on('error', () => {})

const REDELIVER_MS = 1_000

async function main(): Promise<void> {
  const leaving = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => leaving.abort())
  const asked = new Promise<null>((resolve) => leaving.signal.addEventListener('abort', () => resolve(null)))
  const file = process.env['BALLET_STORE'] || '.ballet/integration.db'
  const store = `file:${file}`
  const port = Number(process.env['PORT'] || 4400)

  const ready = Promise.withResolvers<Application>()
  const serving = await serve(ready.promise, { port })
  const folder = join(dirname(file), 'systems')
  const place = { folder, hooks: serving.url, secret: 'only for stand-ins', now: () => Date.now() }
  const systems = await startSystems(place, port === 0 ? 0 : port + 1)
  const attempts = Number(process.env['ATTEMPTS'] || 12)
  const { definition } = makeIntegration(systems.addresses, patience(attempts))
  const app = await open(definition, { store, signal: leaving.signal })
  ready.resolve(app)
  // The commands (npx ballet why D-1001) find this process by the address that it leaves beside the store.
  const storeId = (await app.describe()).store.id
  const removeAddress = leaveAddress({ store, storeId, url: serving.url })

  print('Ballet: the integration of three systems that know nothing of each other')
  print(`  application  ${serving.url}`)
  for (const [name, { url }] of Object.entries(systems.addresses)) print(`  ${name.padEnd(11)}  ${url}`)
  print(`  process      ${process.pid}, kill -9 it if you like\n`)
  const began = Date.now()
  for (const name of ['crm', 'accounting', 'hr'] as const) {
    systems[name].server.onAnswer = (line) =>
      print(`  ${`+${Date.now() - began} ms`.padStart(10)}  ${name.padEnd(11)} ${line}`)
  }
  systems.behave()
  // What the systems could not tell while nobody listened.
  const redelivery = setInterval(() => {
    for (const { outbox } of [systems.crm, systems.accounting]) void outbox.deliver()
  }, REDELIVER_MS)

  if ((await app.runs({ kind: 'reaction', limit: 1 })).items.length === 0)
    await tour(app, systems.addresses, serving.url)
  else print(`recovered in ${app.recovered.durationMs.toFixed(0)} ms: ${app.recovered.runs} open runs go on\n`)
  print('What to try stands in examples/integration/README.md, for example:')
  print(`  curl -X POST ${systems.addresses.crm.url}/deals/D-1001/lose`)
  print(`  curl '${serving.url}/deals/D-1001?wait'`)
  print('  npx ballet why dealId:D-1001')
  print('Ctrl-C closes it.\n')

  const failure = await Promise.race([asked, app.stopped])
  clearInterval(redelivery)
  removeAddress()
  await serving.close()
  await app.close()
  await systems.close()
  if (failure !== null) throw failure
}

/** One deal, from its beginning in the CRM to the day when it is paid. */
async function tour(app: Application, { crm, accounting }: Systems, url: string): Promise<void> {
  const post = async (address: string, body?: object): Promise<unknown> => {
    const headers = { 'content-type': 'application/json' }
    return (await fetch(address, { method: 'POST', headers, body: JSON.stringify(body) })).json()
  }
  const arrived = (id: string): Promise<void> => settled(app, id, AbortSignal.timeout(60_000))
  print('Sales wins a deal. What each system is asked, and answers:')
  const { id } = (await post(`${crm.url}/deals`, deal)) as { readonly id: string }
  await post(`${crm.url}/deals/${id}/win`)
  await arrived(id)
  print('The bank reports that the invoice is paid:')
  await post(`${accounting.url}/invoices/2026-0001/payment`)
  await arrived(id)
  print('What stands in each of them now:')
  const response = await fetch(`${url}/deals/${id}`)
  const { crm: won, accounting: invoices, hr, flow } = (await response.json()) as Everywhere
  print(
    `\n  in the CRM     ${id} ${won.stage}, invoice ${won.invoiceNumber}, team ${won.team.join(' and ')}, paid: ${won.paid}`,
  )
  for (const one of invoices)
    print(`  in accounting  invoice ${one.number} to customer ${one.customer}, for ${one.reference}`)
  for (const one of hr) print(`  in HR          project ${one.id}, for ${one.externalReference}, ${one.state}`)
  print(`  the flow       ${flow?.state}, as ${flow?.ending}\n`)
}

try {
  await main()
} catch (error) {
  console.error(isBalletError(error) ? `${error.message}\n${error.hint}` : error)
  process.exitCode = 1
}
process.exit()
