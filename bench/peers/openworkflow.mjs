// OpenWorkflow: a workflow of three steps and a worker in this process, as in its quick start and its own benchmark. Its
// own wait for a result asks every second, so here an order is over as soon as its store has made the end durable, which
// is the moment when the best possible wait would know of it.
import { OpenWorkflow } from 'openworkflow'
import { BackendPostgres } from 'openworkflow/postgres'
import { BackendSqlite } from 'openworkflow/sqlite'
import { host } from '../host.ts'
import { answer } from '../order.ts'
import { installedVersion } from './installed-version.mjs'

await host(async ({ file, url, concurrency }) => {
  const backend = url === undefined ? BackendSqlite.connect(file) : await BackendPostgres.connect(url)
  const waiting = new Map()
  const ended = new Set()
  const complete = backend.completeWorkflowRun.bind(backend)
  backend.completeWorkflowRun = async (request) => {
    const run = await complete(request)
    const tell = waiting.get(run.id)
    waiting.delete(run.id)
    if (tell) tell()
    else ended.add(run.id)
    return run
  }
  const openWorkflow = new OpenWorkflow({ backend })
  const checkout = openWorkflow.defineWorkflow({ name: 'checkout' }, async ({ step }) => {
    await step.run({ name: 'charge' }, answer)
    await step.run({ name: 'ship' }, answer)
    return step.run({ name: 'notify' }, answer)
  })
  const worker = openWorkflow.newWorker({ concurrency })
  await worker.start()
  return {
    about: {
      system: 'openworkflow',
      version: installedVersion('openworkflow'),
      settings: `concurrency=${concurrency}`,
      durability:
        url === undefined
          ? `SQLite ${process.versions.sqlite}, write-ahead log, synchronous=FULL (the default of node:sqlite)`
          : 'PostgreSQL, its defaults',
    },
    order: async (order) => {
      const { workflowRun } = await checkout.run(order)
      if (ended.delete(workflowRun.id)) return
      await new Promise((resolve) => waiting.set(workflowRun.id, resolve))
    },
    close: async () => {
      await worker.stop()
      await backend.stop()
    },
  }
})
