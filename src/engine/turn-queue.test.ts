// Fairness between workflows, counted in turns: what one has queued does not keep another waiting for longer than a round.
import { expect, test } from 'vitest'
import { Pump, type TurnJob } from './pump.ts'
import { QUANTUM, TurnQueue } from './turn-queue.ts'

interface Named {
  readonly line: string
  readonly n: number
}

function queueOf(counts: Readonly<Record<string, number>>): TurnQueue<Named> {
  const queue = new TurnQueue<Named>()
  for (const [line, count] of Object.entries(counts)) for (let n = 0; n < count; n++) queue.add(line, { line, n }, n)
  return queue
}

/** Takes everything; each turn costs what `costOf` says. */
function order(queue: TurnQueue<Named>, costOf: (line: string) => number = () => 1): Named[] {
  const taken: Named[] = []
  while (queue.size > 0) {
    const job = queue.take()
    taken.push(job)
    queue.pay(costOf(job.line))
  }
  return taken
}

test('a flood of one workflow lets another have its turn after one visit', () => {
  const taken = order(queueOf({ flood: 10_000, single: 3 }))
  const places = taken.flatMap(({ line }, index) => (line === 'single' ? [index] : []))
  expect(places).toEqual([QUANTUM, QUANTUM + 1, QUANTUM + 2])
  expect(taken).toHaveLength(10_003)
})

test('each line keeps its order, and all get the same share while all have turns', () => {
  const taken = order(queueOf({ a: 400, b: 400, c: 400 }))
  for (const line of ['a', 'b', 'c']) {
    const own = taken.filter((one) => one.line === line)
    expect(own.map(({ n }) => n)).toEqual(Array.from({ length: 400 }, (_, n) => n))
    expect(taken.slice(0, 600).filter((one) => one.line === line)).toHaveLength(200)
  }
})

test('a workflow whose turns write more gets fewer of them', () => {
  const taken = order(queueOf({ heavy: 1000, light: 1000 }), (line) => (line === 'heavy' ? 40 : 1))
  const first = taken.slice(0, 820)
  expect(first.filter(({ line }) => line === 'heavy').length).toBeGreaterThanOrEqual(19)
  expect(first.filter(({ line }) => line === 'heavy').length).toBeLessThanOrEqual(21)
})

test('one huge turn costs its workflow a while, and not for ever', () => {
  const queue = queueOf({ huge: 2, other: 2000 })
  const taken = order(queue, (line) => (line === 'huge' ? 1_000_000 : 1))
  const places = taken.flatMap(({ line }, index) => (line === 'huge' ? [index] : []))
  expect(places[0]).toBe(0)
  expect(places[1]).toBe(1 + 64 * QUANTUM)
})

test('nothing is saved up while a line is empty, and what was overdrawn stays owed', () => {
  const queue = new TurnQueue<Named>()
  const add = (line: string, count: number): void => {
    for (let n = 0; n < count; n++) queue.add(line, { line, n }, 0)
  }
  for (let round = 0; round < 50; round++) {
    add('idle', 1)
    order(queue)
  }
  add('flood', 100)
  add('idle', 100)
  expect(
    order(queue)
      .slice(0, 2 * QUANTUM)
      .filter(({ line }) => line === 'idle'),
  ).toHaveLength(QUANTUM)
  add('debtor', 1)
  order(queue, () => 4 * QUANTUM)
  add('debtor', 1)
  add('other', 100)
  expect(order(queue).findIndex(({ line }) => line === 'debtor')).toBe(3 * QUANTUM)
})

test('what waits is counted and dated by line', () => {
  const queue = new TurnQueue<Named>()
  expect([queue.size, queue.lines, queue.oldest(null), queue.oldest('a')]).toEqual([0, 0, null, null])
  for (const time of [5, 7]) queue.add('a', { line: 'a', n: time }, time)
  queue.add('b', { line: 'b', n: 0 }, 6)
  expect([queue.size, queue.lines, queue.sizeOf('a'), queue.sizeOf('c')]).toEqual([3, 2, 2, 0])
  expect([queue.oldest(null), queue.oldest('a'), queue.oldest('b')]).toEqual([5, 5, 6])
  queue.take()
  queue.pay(1)
  expect([queue.oldest(null), queue.oldest('a')]).toEqual([6, 7])
})

test('a workflow that asks for turn after turn has each within a round of the pump', async () => {
  let failure: unknown
  const pump = new Pump({ onFailure: (error) => (failure = error) })
  const log: string[] = []
  const job = (workflow: string, end: () => void = () => {}): TurnJob => ({
    workflow,
    begin: () => void log.push(workflow),
    end,
  })
  for (let n = 0; n < 5000; n++) pump.add(job('flood'))
  await new Promise<void>((resolve) => {
    const next = (left: number): void => {
      if (left === 0) resolve()
      else pump.add(job('single', () => next(left - 1)))
    }
    next(100)
  })
  const places = log.flatMap((name, index) => (name === 'single' ? [index] : []))
  const gaps = places.map((place, index) => place - (places[index - 1] ?? 0))
  expect(Math.max(...gaps)).toBeLessThanOrEqual(QUANTUM + 1)
  expect(places).toHaveLength(100)
  expect(log.length).toBeLessThan(100 * (QUANTUM + 2))
  expect(failure).toBeUndefined()
})

test('the pump says how long turns wait: by their age, and by the pace of those before', () => {
  let now = 0
  const pump = new Pump({ onFailure: () => {}, now: () => now })
  const job = (workflow: string): TurnJob => ({ workflow, begin: () => {}, end: () => {} })
  expect(pump.waitMs(null)).toBe(0)
  for (let n = 0; n < 3000; n++) pump.add(job('flood'))
  pump.add(job('single'))
  // Ten a millisecond, as long as nothing was measured.
  expect(pump.waitMs('flood')).toBeCloseTo(300, 0)
  expect(pump.waitMs('single')).toBeCloseTo(0.2)
  now = 5000
  expect([pump.waitMs(null), pump.waitMs('single'), pump.waitMs('none')]).toEqual([5000, 5000, 0])
})

test('the pump counts all turns of a round, also when turns get more of the loop than the rest of it', async () => {
  let now = 0
  // Everything else takes 50 ms between two rounds, and a turn a tenth of one: eight turns a millisecond.
  const pump = new Pump({ onRoundEnd: () => (now += 50), onFailure: () => {}, now: () => now })
  const job = (end: () => void = () => {}): TurnJob => ({ workflow: 'w', begin: () => (now += 0.1), end })
  for (let left = 20_000; left > 0; left--) pump.add(job())
  await new Promise<void>((resolve) => pump.add(job(resolve)))
  for (let left = 1000; left > 0; left--) pump.add(job())
  expect(pump.waitMs(null)).toBeGreaterThan(100)
  expect(pump.waitMs(null)).toBeLessThan(200)
  pump.stop()
})
