// Both ends of the wire, and the server between them, are killed while orders cross: each order is shipped once, and its end comes
// back once. Real processes, real files.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { openForTest } from '../support/applications.ts'
import { cloudEvent, eventsOf, worldOfTests } from './applications.ts'
import { shopOf, warehouseOf, Placed, Shipped } from './ends.ts'

const script = new URL('life.ts', import.meta.url).pathname
const ORDERS = 60
const processes: ChildProcess[] = []
afterEach(() => {
  for (const one of processes.splice(0)) one.kill('SIGKILL')
})

describe('a wire that is cut', () => {
  const world = worldOfTests()

  test('every order is shipped once, and told once, whoever is killed meanwhile', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ballet-wire-'))
    const file = (end: string): string => join(folder, `${end}.db`)
    const live = (end: 'shop' | 'warehouse') => {
      const args = [script, end, file(end), world.nats.url, world.stream, world.prefix]
      if (end === 'shop') args.push(String(ORDERS))
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
      processes.push(child)
      return {
        /** Resolves when the shop has heard of so many. */
        heard: async (wanted: number): Promise<void> => {
          for await (const line of createInterface({ input: child.stdout }))
            if (Number(line.split(' ')[1]) >= wanted) return
          throw new Error(`it ended before ${wanted}`)
        },
        kill: async (): Promise<void> => {
          const gone = once(child, 'exit')
          child.kill('SIGKILL')
          await gone
        },
      }
    }
    let warehouse = live('warehouse')
    const first = live('shop')
    await first.heard(5)
    await first.kill()
    const second = live('shop')
    await second.heard(20)
    await warehouse.kill()
    warehouse = live('warehouse')
    await world.nats.kill()
    await world.nats.start()
    await second.kill()
    const third = live('shop')
    await third.heard(ORDERS)
    await third.kill()
    await warehouse.kill()

    const idle = { ...world.transport({ takes: [Placed] }), opened: (): void => {} }
    for (const [end, definition] of [
      ['shop', shopOf(idle)],
      ['warehouse', warehouseOf(idle)],
    ] as const) {
      const app = await openForTest(definition, { store: `file:${file(end)}` })
      const shipped = await eventsOf(app, Shipped.type)
      const placed = await eventsOf(app, Placed.type)
      expect(new Set(shipped.map(({ subject }) => subject)).size).toBe(ORDERS)
      expect([placed.length, shipped.length]).toEqual([ORDERS, ORDERS])
      await app.close()
    }
    rmSync(folder, { recursive: true })
  })

  test('what comes after it has begun with what comes from now on is taken, also when it is killed at once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ballet-wire-'))
    const live = (): ChildProcess => {
      const args = [script, 'warehouse', join(folder, 'app.db'), world.nats.url, world.stream, world.prefix, '0', 'now']
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
      processes.push(child)
      return child
    }
    const send = (id: string): Promise<number> =>
      world.send('order.placed', cloudEvent('order.placed', id, { orderId: id, number: 1 }))
    await send('before')
    const first = live()
    const manager = await world.nats.manager()
    while ((await manager.streams.info(world.stream)).state.consumer_count === 0);
    const gone = once(first, 'exit')
    first.kill('SIGKILL')
    await gone
    await send('meanwhile')
    const second = live()
    await send('after')
    for await (const line of createInterface({ input: second.stdout as Readable })) if (line === 'shipped 2') break
    const ended = once(second, 'exit')
    second.kill('SIGKILL')
    await ended
    const idle = { ...world.transport({ takes: [Placed] }), opened: (): void => {} }
    const app = await openForTest(warehouseOf(idle), { store: `file:${join(folder, 'app.db')}` })
    expect((await eventsOf(app, Placed.type)).map(({ id }) => id)).toEqual(['meanwhile', 'after'])
    await app.close()
    rmSync(folder, { recursive: true })
  })
})
