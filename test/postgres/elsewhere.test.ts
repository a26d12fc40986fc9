// What is asked of a node that does not own the shard is judged as it would be where the run is, and what is answered is true.
import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Clock } from '../../src/core/clock.ts'
import { fault } from '../../src/core/errors.ts'
import type { Batch } from '../../src/core/store.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { contentHash } from '../../src/engine/content-hash.ts'
import {
  ballet,
  choreography,
  event,
  operation,
  seq,
  service,
  signal,
  workflow,
  type ApplicationDefinition,
} from '../../src/index.ts'
import { postgres } from '../../src/stores/postgres/postgres-store.ts'
import { gate, keptLog, openForTest, until } from '../support/applications.ts'
import { nodesOf, placeForTest } from './two-versions.ts'

test('a run that takes something back late is not cancelled by way of another node either', async () => {
  const answer = gate<number>()
  const entered = gate()
  const refunds: (number | null)[] = []
  const refunded = gate()
  const bank = service('bank', {
    charge: operation({
      input: z.null(),
      output: z.number(),
      timeout: '20ms',
      retry: { attempts: 1 },
      run: () => (entered.open(), answer.promise),
    }),
    refund: operation({
      input: z.number().nullable(),
      undoes: 'charge',
      retry: { attempts: 1 },
      run: async (n) => {
        if (n !== null && refunds.length === 1) {
          refunds.push(n)
          throw new Error('the bank is closed')
        }
        refunds.push(n)
        if (n !== null) refunded.open()
      },
    }),
  })
  const pay = workflow('pay', { input: z.null(), output: z.json() }, async (run) =>
    run.call(bank.charge(null), { undo: (n) => bank.refund(n ?? null) }),
  )
  const { old, owner } = await nodesOf((version) =>
    ballet({ name: 'shop', version, services: [bank], workflows: [pay] }),
  )
  await owner.start(pay(null), { id: 'p' })
  await entered.promise
  await owner.cancel('p', { by: 'ann' })
  await owner.result('p').catch(() => {})
  answer.open(7)
  const late = `p~late:bank.charge.0:${contentHash({ call: 'bank.refund', input: 7 }).slice(0, 8)}`
  await until(owner, null, async () => (await owner.run(late))?.status === 'stuck')
  for (const node of [owner, old])
    await expect(node.cancel(late, { by: 'ann' })).rejects.toMatchObject({ code: 'ACTION_REFUSED' })
  await owner.retry(late)
  await refunded.promise
  expect(refunds).toEqual([null, 7, 7])
  for (const node of [owner, old])
    await expect(node.cancel('p', { by: 'x'.repeat(257) })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
})

test('a start whose deadline passes before it is taken is not lost: it is cancelled at its deadline', async () => {
  const idle = workflow('idle', { input: z.null(), output: z.null() }, async (run) => {
    await run.sleep('1h')
    return null
  })
  // Where the run will be, it is a minute later.
  const ahead: Clock = {
    now: () => systemClock.now() + 60_000,
    after: (delayMs, ring) => systemClock.after(delayMs, ring),
  }
  const { old, owner } = await nodesOf(
    (version) => ballet({ name: 'shop', version, services: [], workflows: [idle] }),
    {
      clock: ahead,
    },
  )
  const deadline = systemClock.now() + 30_000
  expect(await old.start(idle(null), { id: 'late', deadline })).toEqual({ id: 'late', created: true })
  await expect(owner.result('late')).rejects.toMatchObject({ code: 'RUN_CANCELLED', details: { id: 'late' } })
  // One that has passed where it is asked for is refused, as it is where the run would be.
  const past = { id: 'past', deadline: systemClock.now() - 1 }
  for (const node of [owner, old])
    await expect(node.start(idle(null), past)).rejects.toMatchObject({ code: 'TIME_INVALID' })
})

test('what the node that owns the shard refuses is not answered as if it had been taken', async () => {
  const data = z.object({ orderId: z.string(), n: z.number() })
  const newer = z.object({ orderId: z.string(), n: z.number().max(1) })
  const { old, owner } = await nodesOf((version) => {
    const Told = event('told', version === '1' ? data : newer, { key: 'orderId' })
    const flow = workflow('flow', { input: version === '1' ? data : newer, output: z.number() }, async (_, { n }) => n)
    return ballet({ name: 'shop', version, services: [], workflows: [flow], events: [Told] })
  })
  const ask = (n: number) => old.startNamed({ call: 'flow', input: { orderId: 'o', n }, id: 'f' })
  const refused = {
    code: 'OWNER_REFUSED',
    message: expect.stringMatching(/"(?:f|e)": .*(?:expected|<=1).*\.$/) as string,
  }
  await expect(ask(2)).rejects.toMatchObject(refused)
  const tell = (n: number) => old.publishNamed({ type: 'told', data: { orderId: 'o', n }, id: 'e' })
  await expect(tell(2)).rejects.toMatchObject(refused)
  // Nothing of it is left.
  expect(await ask(1)).toEqual({ id: 'f', created: true })
  expect(await owner.result('f')).toBe(1)
  expect(await tell(1)).toMatchObject({ created: true })
})

test('a flow that is conducted where its key is, is not begun by another event from elsewhere', async () => {
  const Told = event('told', z.object({ orderId: z.string() }), { key: 'orderId' })
  const Done = event('done', Told.schema, { key: 'orderId' })
  const desk = service('desk', { do: operation({ input: Told.schema, outcomes: [Done], run: (order) => Done(order) }) })
  desk.on(Told, (order) => desk.do(order))
  const telling = choreography('telling', { key: 'orderId' }, seq(Told, Done))
  const { old, owner } = await nodesOf((version) =>
    ballet({ name: 'shop', version, services: [desk], choreographies: [telling] }),
  )
  const ask = (id?: string) => old.conduct(telling)(Told({ orderId: 'o' }), id === undefined ? {} : { id })
  expect(await ask('first')).toMatchObject({ created: true })
  expect(await owner.result('telling:o')).toMatchObject({ ending: 'complete' })
  expect(await ask('first')).toMatchObject({ created: false })
  // Without an id it means the same, also where the flow is.
  expect(await ask()).toMatchObject({ created: false })
  expect(await owner.conduct(telling)(Told({ orderId: 'o' }))).toMatchObject({ created: false })
  await expect(ask('other')).rejects.toMatchObject({ code: 'RUN_CONFLICT' })
})

test('what is no JSON before its schema is taken as it would be where the run is', async () => {
  const date = z.date().transform((at) => at.toISOString())
  const When = z.object({ orderId: z.string(), at: date })
  const Told = event('told', When, { key: 'orderId' })
  const Done = event('done', z.object({ orderId: z.string() }), { key: 'orderId' })
  const Then = signal('then', date)
  const dated = workflow('dated', { input: When, output: z.json(), signals: [Then] }, async (run, { at }) => [
    at,
    (await run.receive(Then)).data,
  ])
  const desk = service('desk', {
    do: operation({ input: z.string(), outcomes: [Done], run: (orderId) => Done({ orderId }) }),
  })
  desk.on(Told, ({ orderId }) => desk.do(orderId))
  const telling = choreography('telling', { key: 'orderId' }, seq(Told, Done))
  const log = keptLog()
  const { old, owner } = await nodesOf(
    (version) => ballet({ name: 'shop', version, services: [desk], workflows: [dated], choreographies: [telling] }),
    { log },
  )
  const [at, later] = [new Date(0), new Date(1)]
  const said = at.toISOString()
  // Whichever node is asked, and then the other, it is the same.
  for (const [node, other, id] of [
    [old, owner, 'a'],
    [owner, old, 'b'],
  ] as const) {
    expect(await node.start(dated({ orderId: 'o', at }), { id })).toEqual({ id, created: true })
    expect(await other.start(dated({ orderId: 'o', at }), { id })).toEqual({ id, created: false })
    const clash = other.start(dated({ orderId: 'o', at: later }), { id })
    await expect(clash).rejects.toMatchObject({ code: 'RUN_CONFLICT' })
    await node.signal(id, Then(at), { id: 's' })
    expect(await other.result(id)).toEqual([said, said])
    const told = Told({ orderId: `of-${id}`, at })
    expect(await node.publish(told, { id })).toMatchObject({ created: true })
    expect(await other.publish(told, { id })).toMatchObject({ created: false })
    const conducted = Told({ orderId: id, at })
    expect(await node.conduct(telling)(conducted)).toEqual({ id: `telling:${id}`, created: true })
    expect(await other.conduct(telling)(conducted)).toEqual({ id: `telling:${id}`, created: false })
    expect(await other.result(`telling:${id}`)).toMatchObject({ ending: 'complete' })
    const [first] = (await owner.events({ key: `orderId:${id}` })).items
    expect(first?.data).toEqual({ orderId: id, at: said })
  }
  expect(log.lines).toEqual([])
})

/** The clock of the machine, which knows what still waits on it. */
function countingClock(): { readonly clock: Clock; readonly pending: ReadonlySet<object> } {
  const pending = new Set<object>()
  const after: Clock['after'] = (delayMs, callback) => {
    const timer = {}
    pending.add(timer)
    const cancel = systemClock.after(delayMs, () => {
      pending.delete(timer)
      callback()
    })
    return () => {
      pending.delete(timer)
      cancel()
    }
  }
  return { clock: { ...systemClock, after }, pending }
}

test('nothing keeps a process alive behind its close: not a start that it asked for elsewhere, nor an end that it watches for another', async () => {
  const go = signal('go', z.string())
  const held = workflow('held', { input: z.string(), output: z.string(), signals: [go] }, async (run) => {
    return (await run.receive(go)).data
  })
  const here = countingClock()
  const there = countingClock()
  const place = await placeForTest()
  const store = place.url('&shards=8&lease=2&pool=4')
  const definition = (version: string): ApplicationDefinition =>
    ballet({ name: 'held', version, services: [], workflows: [held] })
  const owner = await openForTest(definition('2'), { store, clock: there.clock })
  const old = await openForTest(definition('1'), { store, clock: here.clock })
  const { id } = await old.start(held('x'))
  await until(owner, null, async () => (await owner.run(id)) !== null)
  const { signal: patience } = new AbortController()
  expect(await old.settled(id, 1, patience)).toMatchObject({ status: 'running' })
  expect(getEventListeners(patience, 'abort')).toEqual([])
  owner.hints.take({
    shards: [],
    expected: [],
    watch: [id],
    ended: [],
    from: { id: 'another', address: 'http://127.0.0.1:9' },
  })
  await old.close()
  await owner.close()
  expect([here.pending.size, there.pending.size]).toEqual([0, 0])
})

test('a signal without an id whose shard is lost before it is answered is delivered once', async () => {
  const place = await placeForTest()
  const Told = signal('told', z.string())
  const hearing = workflow('hearing', { input: z.null(), output: z.json(), signals: [Told] }, async (run) => {
    const heard: string[] = []
    while (heard.at(-1) !== 'over') heard.push((await run.receive(Told)).data)
    return heard
  })
  const real = postgres({ url: place.url('&shards=8&lease=2&pool=4'), clock: systemClock })
  let isLost = false
  let lost = 0
  /** What it writes is durable; that its shard was taken meanwhile is all that it hears of it. */
  const commit = async (batch: Batch): Promise<void> => {
    await real.commit(batch)
    if (!isLost || batch.journal.length === 0) return
    isLost = false
    lost += 1
    throw fault('SHARD_FENCED', { shard: batch.shard })
  }
  const store = new Proxy(real, {
    get: (target, name) => {
      if (name === 'commit') return commit
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  const app = await openForTest(ballet({ name: 'shop', services: [], workflows: [hearing] }), { store })
  await app.start(hearing(null), { id: 'h' })
  await until(app, null, async () => (await app.run('h'))?.waits[0]?.kind === 'receive')
  isLost = true
  await app.signal('h', Told('once'))
  expect(lost).toBe(1)
  await app.signal('h', Told('over'))
  expect(await app.result('h')).toEqual(['once', 'over'])
})

test('a wait by way of another node, whose clock is set back meanwhile, is over when its time has passed', async () => {
  const idle = workflow('idle', { input: z.null(), output: z.null() }, async (run) => {
    await run.sleep('1h')
    return null
  })
  const definition = (version: string): ApplicationDefinition =>
    ballet({ name: 'shop', version, services: [], workflows: [idle] })
  const set = { isAsked: false, offsetMs: 0 }
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now() + set.offsetMs,
    after: (delayMs, ring) => {
      // The first pause between two looks.
      if (set.isAsked && delayMs === 20) set.offsetMs = -86_400_000
      return systemClock.after(delayMs, ring)
    },
  }
  const store = (await placeForTest()).url('&shards=8&lease=2&pool=4')
  const owner = await openForTest(definition('2'), { store })
  const old = await openForTest(definition('1'), { store, clock })
  await owner.start(idle(null), { id: 'r' })
  set.isAsked = true
  expect(await old.settled('r', 500)).toMatchObject({ id: 'r', status: 'running' })
  expect(set.offsetMs).toBe(-86_400_000)
})
