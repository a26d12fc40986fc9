// Orders that come over HTTP from another process (load.ts), 64 at a time: the engine behind its own server, where an order
// is one request that waits for the end of its run, beside the ceiling behind the barest server that Node has. Both servers
// are this process; the client is the same for both. The processor time is that of the server.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { serve } from 'ballet/server'
import { serveBare } from './bare-server.ts'
import { Ceiling } from './ceiling.ts'
import { openEngine } from './contenders.ts'
import type { Figures } from './figures.ts'
import { metered } from './meter.ts'
import type { Plan } from './plan.ts'

const script = fileURLToPath(new URL('./load.ts', import.meta.url))
const IN_FLIGHT = 64

interface Sample {
  readonly perSecond: number
  readonly cpuUs: number
}

export async function measureOverHttp(plan: Plan, figures: Figures): Promise<void> {
  const { app } = await openEngine(join(plan.folder, 'http-engine.db'))
  const serving = await serve(app, { port: 0 })
  const ceiling = new Ceiling(join(plan.folder, 'http-ceiling.db'))
  const bare = await serveBare((order) => ceiling.order(order))
  const drive = {
    engine: () => load(`${serving.url}/api/runs?wait=30s`, plan, '{"call":"checkout","input":ORDER}'),
    ceiling: () => load(bare.endpoint.url, plan, bare.endpoint.body),
  }
  try {
    await drive.engine()
    await drive.ceiling()
    const rounds: Record<keyof typeof drive, Sample>[] = []
    for (let index = 0; index < plan.rounds; index++) {
      // Who comes first changes with the round.
      const first = index % 2 === 0 ? await drive.engine() : null
      const limit = await drive.ceiling()
      rounds.push({ engine: first ?? (await drive.engine()), ceiling: limit })
    }
    const add = (what: string, unit: string, value: (one: (typeof rounds)[0]) => number, bar?: string): void =>
      figures.add(`64 in flight over HTTP: ${what}`, unit, rounds.map(value), bar)
    const ratio = ({ engine, ceiling: other }: (typeof rounds)[0]): number => engine.perSecond / other.perSecond
    add('orders of the engine / of the ceiling', 'ratio', ratio, 'at least 0.5')
    add('orders of the engine', '1/s', ({ engine }) => engine.perSecond)
    add('orders of the ceiling', '1/s', ({ ceiling: other }) => other.perSecond)
    add('CPU of an order, server alone', 'us', ({ engine }) => engine.cpuUs)
    add('CPU of an order of the ceiling, server alone', 'us', ({ ceiling: other }) => other.cpuUs)
  } finally {
    await serving.close()
    bare.close()
    await app.close()
    ceiling.close()
  }
}

async function load(url: string, plan: Plan, body: string): Promise<Sample> {
  const orders = plan.orders[IN_FLIGHT]
  let seconds = 0
  const { cpuUs } = await metered(async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      script,
      url,
      String(orders),
      String(IN_FLIGHT),
      body,
    ])
    ;({ seconds } = JSON.parse(stdout) as { seconds: number })
  })
  return { perSecond: orders / seconds, cpuUs: cpuUs / orders }
}
