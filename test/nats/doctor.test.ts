// What `ballet doctor` says of transports over NATS: from a process, and from the store that it has left behind.
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readsOf } from '../../src/cli/store-reads.ts'
import { transportChecks } from '../../src/cli/transport-checks.ts'
import { sqlite, type Application } from '../../src/index.ts'
import { Sandbox } from '../cli/sandbox.ts'
import { openForTest, until } from '../support/applications.ts'
import { cloudEvent, stuckIn, untilAfter, worldOfTests, type Options } from './applications.ts'
import { Placed, Shipped, shopOf } from './ends.ts'

describe('what doctor says of NATS', () => {
  const world = worldOfTests()
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ballet-doctor-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))
  const file = (): string => join(folder, 'app.db')
  const open = (options: Options): Promise<Application> =>
    openForTest(shopOf(world.transport(options)), { store: sqlite({ file: file() }) })
  const send = (id: string): Promise<number> =>
    world.send('order.placed', cloudEvent('order.placed', id, { orderId: id, number: 1 }))
  const lines = async (asked: Parameters<typeof transportChecks>[0]): Promise<readonly string[]> =>
    (await transportChecks(asked)).map(({ verdict, found }) => `${verdict} ${found}`)

  /** As a process says it that is open. */
  const live = async (app: Application, laterMs = 0): Promise<readonly string[]> => {
    return lines({ reads: app, app: await app.describe(), now: Date.now() + laterMs })
  }
  /** As the store says it, whoever has that open. */
  const left = async (): Promise<readonly string[]> => {
    const store = sqlite({ file: file(), readOnly: true })
    await store.open()
    const reads = await readsOf(store)
    try {
      return await lines({ reads, app: null, now: Date.now() })
    } finally {
      await reads.close()
    }
  }
  /** What it says first that is not what it said before. */
  const untilSaid = (app: Application, words: string): Promise<readonly string[]> =>
    until(app, null, async () => {
      const said = await live(app)
      return said.some((line) => line.includes(words)) ? said : undefined
    })

  test('how far the taking is, and that it was ended by somebody', async () => {
    const app = await open({ takes: [Placed], sends: [Shipped] })
    await send('1')
    await untilAfter(app, 1)
    expect(await live(app)).toEqual([
      expect.stringMatching(
        /^ok wire takes from nats:ORDERS-\d+: all up to message 1, nothing waits behind it; wire:take, heard of \S+ ago$/,
      ),
    ])
    expect(await live(app, 120_000)).toEqual([expect.stringMatching(/^warn wire takes .* heard of 2m/)])
    await app.close()
    expect(await left()).toEqual([
      expect.stringMatching(/^ok wire takes from NATS: all up to message 1, .*; wire:take, as it was \d{4}-.*Z$/),
    ])
    const again = await open({ takes: [Placed] })
    await again.cancel('wire:take')
    expect(await live(again)).toEqual([
      expect.stringMatching(/^warn wire: nothing is taken from nats:ORDERS-\d+: wire:take was cancelled \d{4}-/),
    ])
    await again.startNamed({ call: 'wire.take', input: { from: 1 }, id: 'wire:take-2' })
    await untilSaid(again, 'wire:take-2')
    await again.cancel('wire:take-2')
    await again.close()
    expect(await left()).toEqual([expect.stringMatching(/^warn wire: .*: wire:take-2 was cancelled/)])
  })

  test('that what is taken is late, cannot be taken, or fails', async () => {
    const app = await open({ takes: [Placed] })
    await world.send('order.placed', 'no event')
    await untilAfter(app, 1)
    await until(app, null, async () => ((await stuckIn(app)).length === 1 ? true : undefined))
    expect(await live(app)).toEqual([
      expect.stringContaining('ok wire takes'),
      expect.stringMatching(/^warn wire: 1 from nats:ORDERS-\d+ could not be taken, or are missed$/),
    ])
    await app.close()
    expect(await left()).toHaveLength(2)
  })

  test('that something is not sent, and why', async () => {
    const app = await open({ sends: [Placed], prefix: 'nowhere' })
    await app.publish(Placed({ orderId: '1', number: 1 }))
    await app.publish(Placed({ orderId: '1', number: 2 }))
    const said = await untilSaid(app, 'the last attempt failed')
    const words = /^warn wire: 2 of order\.placed wait to be sent to .*; the last attempt failed: .*no stream there/
    expect(said).toEqual([expect.stringMatching(words)])
    await app.close()
    expect(await left()).toEqual([expect.stringMatching(words)])
  })

  test('the command says it beside a process and without one', async () => {
    await send('1')
    const box = new Sandbox({
      'app.ts': `import { ballet, event } from 'ballet'
import { natsTransport } from 'ballet/nats'
import { connect } from '@nats-io/transport-node'
import { z } from 'zod'
const Placed = event('order.placed', z.object({ orderId: z.string(), number: z.number() }), { key: 'orderId' })
const connection = () => connect({ servers: '${world.nats.url}' })
const wire = natsTransport('wire', { connect: connection, stream: '${world.stream}', prefix: '${world.prefix}', takes: [Placed] })
export default ballet({ name: 'shop', services: [], transports: [wire] })
`,
    })
    const modules = fileURLToPath(new URL('../../node_modules/@nats-io', import.meta.url))
    symlinkSync(modules, join(box.folder, 'node_modules', '@nats-io'))
    try {
      const server = await box.serve()
      // Its place is kept when it leaves.
      while (!(await box.run(['show', 'wire:take'])).stdout.includes('"after"'));
      expect((await box.run(['doctor'])).stdout).toMatch(
        /^ok +transport +wire takes from nats:ORDERS-\d+: .* heard of/m,
      )
      server.child.kill('SIGTERM')
      await server.ended
      const { code, stdout } = await box.run(['doctor'])
      expect(stdout).toMatch(
        /^ok +transport +wire takes from NATS: all up to message 1, nothing waits behind it; .* as it was/m,
      )
      expect(code).toBe(0)
    } finally {
      await box.remove()
    }
  })
})
