// Streams that are not as one would wish: not there yet, killed, emptied, made anew, silent. Nothing is lost without a word.
import { describe, expect, test } from 'vitest'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memory, sqlite } from '../../src/index.ts'
import { HandClock } from '../../src/testing.ts'
import { take } from '../../src/transports/nats/intake.ts'
import { Link } from '../../src/transports/nats/link.ts'
import { Standing } from '../../src/transports/nats/standing.ts'
import { keptLog, openForTest, until } from '../support/applications.ts'
import { cloudEvent, stuckIn, untilAfter, untilThere, worldOfTests } from './applications.ts'
import { Placed, shopOf } from './ends.ts'

describe('streams of NATS', () => {
  const world = worldOfTests({ hasStream: false })
  const make = (): Promise<void> => world.nats.makeStream({ name: world.stream, subjects: [`${world.prefix}.>`] })
  const send = (id: string): Promise<number> =>
    world.send('order.placed', cloudEvent('order.placed', id, { orderId: id, number: 1 }))

  test('what is published before there is a stream is sent when there is one', async () => {
    const app = await openForTest(shopOf(world.transport({ sends: [Placed] })), { store: memory() })
    const { id } = await app.publish(Placed({ orderId: '1', number: 1 }))
    const run = await until(app, null, async () => {
      const view = await app.run(`wire:order.placed:${id}`)
      return view?.waits[0]?.attempt === undefined ? undefined : view.id
    })
    await make()
    expect(await app.result(run)).toBeUndefined()
    const sent = await (await world.nats.manager()).streams.getMessage(world.stream, { seq: 1 })
    expect(sent?.json()).toMatchObject({ id })
  })

  test('a server that was killed and started again goes on, with all that it had', async () => {
    await make()
    const shop = await openForTest(shopOf(world.transport({ sends: [Placed] })), { store: memory() })
    const other = await openForTest(shopOf(world.transport({ takes: [Placed], source: 'other' })), { store: memory() })
    await shop.publish(Placed({ orderId: '1', number: 1 }))
    await untilThere(other, 'order.placed', 1)
    await world.nats.kill()
    await shop.publish(Placed({ orderId: '2', number: 2 }))
    await world.nats.start()
    await shop.publish(Placed({ orderId: '3', number: 3 }))
    const taken = await untilThere(other, 'order.placed', 3)
    expect(taken.map(({ subject }) => subject).toSorted()).toEqual(['1', '2', '3'])
  })

  test('what was removed from the stream before it was taken is told', async () => {
    await make()
    await send('1')
    const definition = shopOf(world.transport({ takes: [Placed] }))
    const folder = mkdtempSync(join(tmpdir(), 'ballet-streams-'))
    const store = () => sqlite({ file: join(folder, 'app.db') })
    const first = await openForTest(definition, { store: store() })
    await untilThere(first, 'order.placed', 1)
    await first.close()
    for (const id of ['2', '3', '4']) await send(id)
    await (await world.nats.manager()).streams.purge(world.stream, { seq: 4 })
    const second = await openForTest(definition, { store: store() })
    const taken = await untilThere(second, 'order.placed', 2)
    expect(taken.map(({ id }) => id)).toEqual(['1', '4'])
    expect(await stuckIn(second)).toEqual([
      [
        expect.stringContaining('wire.takeOne:missed:'),
        expect.stringContaining('from message 2 to 3, if anything for us: removed there'),
      ],
    ])
    await second.close()
    rmSync(folder, { recursive: true })
  })

  test('a stream that was made anew is taken from its beginning, and what it had may be missed', async () => {
    await make()
    for (const id of ['1', '2']) await send(id)
    const definition = shopOf(world.transport({ takes: [Placed] }))
    const first = await openForTest(definition, { store: memory() })
    await untilThere(first, 'order.placed', 2)
    await untilAfter(first, 2)
    const manager = await world.nats.manager()
    await manager.streams.delete(world.stream)
    await make()
    // One of them is known already, and the other is not.
    for (const id of ['2', '3']) await send(id)
    const taken = await untilThere(first, 'order.placed', 3)
    expect(taken.map(({ id }) => id)).toEqual(['1', '2', '3'])
    expect(await stuckIn(first)).toEqual([
      [
        expect.stringContaining('wire.takeOne:missed:'),
        expect.stringContaining('behind message 2, if anything: it was made anew'),
      ],
    ])
  })

  test('messages for others are gone by, so that their removal is no loss', async () => {
    await make()
    await send('1')
    await world.send('others', 'nothing for us')
    const clock = new HandClock()
    const link = new Link(world.stream, world.nats.connect)
    const filter = `${world.prefix}.order.placed`
    const inlet = {
      link,
      stream: world.stream,
      filter,
      keys: new Map(),
      read: () => null,
      taking: '',
      refused: '',
      noting: '',
      clock,
    }
    const nothing = (): Promise<void> => Promise.resolve()
    const here = {
      publishNamed: nothing,
      startNamed: nothing,
      identity: () => Promise.resolve(undefined),
      begunWith: () => Promise.resolve<unknown>(undefined),
      source: 'shop',
      own: new Set<string>(),
    }
    const places: unknown[] = []
    const ending = new AbortController()
    const heard = (place: unknown): void => {
      places.push(place)
      // Its own message is the first that it hears of behind the beginning; then it waits for more.
      if (places.length === 2) setImmediate(() => clock.pass('10s'))
      if (places.length === 3) ending.abort()
    }
    const taking = take(inlet, here, 'all', {
      run: 'wire:take',
      progress: undefined,
      signal: ending.signal,
      heard,
      standing: new Standing(clock),
    })
    await expect(taking).rejects.toThrow('aborted')
    await link.close()
    expect(places).toMatchObject([{ after: 0 }, { after: 1, waiting: 0 }, { after: 2, waiting: 0 }])
  })

  test('a place that the stream has not come to is refused, and the call is stuck until a person has decided', async () => {
    await make()
    await send('1')
    const app = await openForTest(shopOf(world.transport({ takes: [Placed] })), { store: memory() })
    await untilThere(app, 'order.placed', 1)
    await app.startNamed({ call: 'wire.take', input: { from: 7 }, id: 'again' })
    const stuck = await until(app, null, async () => {
      const found = await stuckIn(app)
      return found.length > 0 ? found : undefined
    })
    const problem = `INPUT_INVALID: the input of wire.take is not valid at from: the stream ${world.stream} ends with message 1.`
    expect(stuck).toEqual([['again', expect.stringContaining(problem)]])
    for (const id of ['2', '3', '4', '5', '6', '7']) await send(id)
    await app.retry('again')
    await untilAfter(app, 7, 'again')
    expect(await stuckIn(app)).toEqual([])
  })

  test('a server that hangs does not hold up an application that closes', async () => {
    await make()
    const definition = shopOf(world.transport({ takes: [Placed], sends: [Placed] }))
    const app = await openForTest(definition, { store: memory(), graceMs: 600_000 })
    await untilAfter(app, 0)
    world.nats.pause()
    await app.close()
    world.nats.resume()
    expect(await app.stopped).toBeNull()
  })

  test('it goes on where it was when it is opened again, and where a person says when it was cancelled', async () => {
    await make()
    for (const id of ['1', '2', '3']) await send(id)
    const folder = mkdtempSync(join(tmpdir(), 'ballet-streams-'))
    const store = () => sqlite({ file: join(folder, 'app.db') })
    const definition = shopOf(world.transport({ takes: [Placed] }))
    const first = await openForTest(definition, { store: store() })
    await untilAfter(first, 3)
    await first.close()
    const second = await openForTest(definition, { store: store() })
    await untilAfter(second, 3)
    // It has waited for all to be open.
    expect((await second.run('wire:take'))?.waits[0]?.attempt).toBeUndefined()
    await second.cancel('wire:take')
    await until(second, null, async () => (await second.run('wire:take:ended')) ?? undefined)
    await expect(second.startNamed({ call: 'wire.take', input: { from: -1 }, id: 'again' })).rejects.toThrow(
      'it must be',
    )
    await send('4')
    await second.startNamed({ call: 'wire.take', input: { from: 3 }, id: 'again' })
    const taken = await untilThere(second, 'order.placed', 4)
    expect(taken.map(({ id }) => id)).toEqual(['1', '2', '3', '4'])
    await second.close()
    const log = keptLog()
    const third = await openForTest(shopOf(world.transport({ takes: [Placed], log })), { store: store() })
    while (log.lines.length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(log.lines).toEqual([
      expect.stringMatching(
        /The run "wire:take" is cancelled, so that nothing is taken.*'\{ "from": 3 \}' --id wire:take-2$/,
      ),
    ])
    await third.close()
    rmSync(folder, { recursive: true })
  })
})
