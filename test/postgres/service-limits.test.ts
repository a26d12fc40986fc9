// Two nodes that share a store, and a service that takes so much: each has the part of its shards, together they never ask
// more, and when one has gone the others have all of it.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { ownerOf } from '../../src/core/shares.ts'
import { ballet, operation, service, workflow, type Application } from '../../src/index.ts'
import { openForTest } from '../support/applications.ts'
import { newPlace } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const SHARDS = 8
/** One for each shard: of fewer a node whose shards have none has one all the same. */
const AT_ONCE = SHARDS
const ORDERS = Array.from({ length: 60 }, (_, n) => `o${n}`)

/** Holds what is asked until somebody lets it go; who waits for so many is told. */
class Bank {
  readonly held: (() => void)[] = []
  most = 0
  #look = (): void => {}

  ask(): Promise<null> {
    const { promise, resolve } = Promise.withResolvers<null>()
    this.held.push(() => resolve(null))
    this.most = Math.max(this.most, this.held.length)
    this.#look()
    return promise
  }

  /** Lets one go after the other until something has come about. */
  async answersUntil(over: Promise<unknown>, app: Application): Promise<void> {
    const now = { isOver: false }
    void over.finally(() => (now.isOver = true))
    while (!now.isOver) {
      this.held.shift()?.()
      await app.counts()
    }
  }

  holds(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#look = (): void => {
        if (this.held.length >= count) resolve()
      }
      this.#look()
    })
  }
}

/** Once there are so many nodes, and each shard is where it is to stay. */
async function settled(app: Application, count: number): Promise<void> {
  for (;;) {
    const { nodes, shards } = await app.nodes()
    const there = nodes.filter(({ state }) => state === 'owner')
    if (there.length === count && shards.every(({ shard, owner }) => owner === ownerOf(shard, there)?.id)) return
  }
}

test('two nodes ask together no more than was said, and all of it, also when one leaves and another comes', async () => {
  const found = await newPlace()
  closing.push(() => found.drop())
  const store = found.url(`&shards=${SHARDS}&lease=10`)
  const asked = new Bank()
  const bank = service(
    'bank',
    { pay: operation({ input: z.string(), output: z.null(), run: () => asked.ask() }) },
    { limits: { atOnce: AT_ONCE } },
  )
  const order = workflow('order', { input: z.string(), output: z.null() }, (run, id) => run.call(bank.pay(id)))
  const definition = ballet({ name: 'limited', services: [bank], workflows: [order] })
  // Calls of which nobody hears for longer than that are another node's as well: not by a machine that is slow.
  const patient = { store, graceMs: 30_000 }
  const first = await openForTest(definition, patient)
  const second = await openForTest(definition, patient)
  await settled(first, 2)
  await Promise.all(ORDERS.map((id, at) => (at % 2 === 0 ? first : second).start(order(id), { id })))
  await asked.holds(AT_ONCE)
  for (let round = 0; round < 3; round++) {
    asked.held.shift()?.()
    await asked.holds(AT_ONCE)
  }
  expect(asked.most).toBe(AT_ONCE)
  // What is under way at the one that leaves is answered before its shards are another's, also those in which nothing is.
  const left = first.close()
  while (!(await second.nodes()).nodes.some(({ state }) => state === 'leaving'));
  // It takes at once what is free.
  await openForTest(definition, patient)
  expect(asked.most).toBe(AT_ONCE)
  // Where nobody answers, a shard with calls under way stays for as long as its node has patience.
  await asked.answersUntil(Promise.all([left, settled(second, 2)]), second)
  const results = Promise.all(ORDERS.map((id) => second.result(id)))
  await asked.answersUntil(results, second)
  expect(await results).toEqual(ORDERS.map(() => null))
  expect(asked.most).toBe(AT_ONCE)
})
