// One service of the shop as a process of its own: `node examples/shop/apart/host.ts payment`. Its database is its own, in
// the folder of BALLET_SERVICES (Payment's in the database of BALLET_PAYMENTS, if one is named); PORT is where it listens. It knows
// nothing of the application that asks, and can be killed at any time.
import { isBalletError } from 'ballet'
import { serveService } from 'ballet/http'
import { openServices } from '../services.ts'
import { deskOf } from './desk.ts'
import { portOf, secretsOf, SERVICES } from './places.ts'

const { BALLET_SERVICES: folder, BALLET_PAYMENTS: payments, PORT: port } = process.env
const leaving = Promise.withResolvers<void>()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => leaving.resolve())
// Whoever started it may be killed, and then ends nobody.
process.once('disconnect', () => leaving.resolve())
process.channel?.unref()
if (process.send !== undefined && !process.connected) leaving.resolve()

async function main(): Promise<void> {
  const name = SERVICES.find((service) => service === process.argv[2])
  if (name === undefined) throw new RangeError(`which service? node examples/shop/apart/host.ts ${SERVICES.join('|')}`)
  const opened = openServices(folder || '.ballet/apart/services', payments || null)
  await opened.openOne(name)
  const serving = await serveService(opened.services[name], {
    port: Number(port || portOf(name)),
    secrets: secretsOf(process.env),
    http: deskOf(name, opened),
  })
  console.log(`${name} at ${serving.url}, process ${process.pid}`)
  await leaving.promise
  await serving.close()
  await opened.close()
}

try {
  await main()
} catch (error) {
  const isKnown = isBalletError(error) || error instanceof RangeError
  console.error(`error ${isKnown ? error.message : String(error instanceof Error ? error.stack : error)}`)
  process.exitCode = 1
}
// A connection to a database that does not hear it any more does not keep the process.
process.exit()
