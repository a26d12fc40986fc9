// DBOS: a workflow of three steps as its programming guide writes one, in this process, on PostgreSQL. The workflow is
// called directly, which is its shortest way: no queue, no handle, no polling for the result.
import { DBOS } from '@dbos-inc/dbos-sdk'
import { serveBare } from '../bare-server.ts'
import { host } from '../host.ts'
import { answer } from '../order.ts'
import { installedVersion } from './installed-version.mjs'

const checkout = DBOS.registerWorkflow(
  async (_order) => {
    await DBOS.runStep(async () => answer(), { name: 'charge' })
    await DBOS.runStep(async () => answer(), { name: 'ship' })
    return DBOS.runStep(async () => answer(), { name: 'notify' })
  },
  { name: 'checkout' },
)

await host(async ({ url, connections, http }) => {
  DBOS.setConfig({
    name: 'bench',
    applicationVersion: '1',
    systemDatabaseUrl: url,
    systemDatabasePoolSize: connections,
    logLevel: 'error',
  })
  await DBOS.launch()
  const bare = http === true ? await serveBare(checkout) : undefined
  return {
    about: {
      system: 'dbos',
      version: installedVersion('@dbos-inc/dbos-sdk'),
      settings: `systemDatabasePoolSize=${connections}, logLevel=error`,
      durability: 'PostgreSQL, its defaults',
    },
    order: checkout,
    ...(bare && { http: bare.endpoint }),
    close: async () => {
      bare?.close()
      await DBOS.shutdown()
    },
  }
})
