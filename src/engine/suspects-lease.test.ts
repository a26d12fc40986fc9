// Attempts on trial, of a process whose lease may be over: none begins before that is sure, and its second does not either.
import { expect, test } from 'vitest'
import { SteppedClock } from '../../test/support/clocks.ts'
import { rounds } from '../../test/support/sweeps.ts'
import { keptLog } from '../../test/support/applications.ts'
import { callLimit, type CallLimit } from '../define/service-limits.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { CallLimits } from './call-limits.ts'
import type { Effect } from './effect.ts'
import { LeaseHold, sentNow } from './hold.ts'
import { Space } from './space.ts'
import { Suspects } from './suspects.ts'
import { Trials } from './trials.ts'
import { Writer } from './writer.ts'
import { Counts } from './counts.ts'
import { effectsFor, untried } from './test-effects.ts'

const LEASE_MS = 1000

/** The suspects and the effects of a shard whose last two owners died; its lease has just been asked for. */
async function careful() {
  const data = new MemoryData()
  const store = memory(data)
  const info = await store.open()
  await store.acquire(0, 'one')
  await store.acquire(0, 'two')
  const tenure = await store.acquire(0, 'three')
  const clock = new SteppedClock()
  const onFailure = (error: unknown): never => {
    throw error
  }
  const log = keptLog()
  const counts = new Counts()
  const space = new Space({ store, clock, log, counts, onFailure })
  const writer = new Writer(store, tenure, {
    space,
    onFailure,
    onCaughtUp: () => {},
    turns: { idle: true, size: 0 },
    clock,
    counts,
  })
  const open = { use: () => undefined, isParked: () => true }
  const trials = new Trials(clock)
  const suspects = new Suspects({
    clock,
    store,
    tenure,
    info,
    trials,
    writer,
    pump: { add: () => {} },
    log,
    open,
    onFailure,
  })
  const hold = new LeaseHold(clock, LEASE_MS, sentNow(clock))
  const effects = effectsFor({
    clock,
    hold,
    callLimits: new CallLimits(clock, log),
    admit: ({ run, op }, begin) => suspects.effect(run, op, begin),
  })
  await suspects.takeOver([1, 2])
  suspects.recovered()
  return { data, clock, hold, effects, counts }
}

test('an attempt on trial that waits for its lease has not passed before it began and took a second', async () => {
  const { data, clock, hold, effects, counts } = await careful()
  const begun: number[] = []
  const effect = (run: number): Effect => ({
    run,
    op: 'pay#0',
    name: 'pay',
    ...untried,
    bounds: null,
    counts: counts.attemptsOf('operation', 'bank.pay'),
    attempt: () => (begun.push(run), new Promise(() => {})),
  })
  const marked = (): readonly number[] => [...data.suspects.keys()]
  clock.pass(LEASE_MS)
  for (const run of [1, 2]) effects.start(effect(run))
  await rounds()
  clock.pass(5000)
  await rounds()
  expect([begun, marked()]).toEqual([[], [1]])
  hold.renewed(sentNow(clock))
  clock.pass(999)
  await rounds()
  expect([begun, marked()]).toEqual([[1], [1]])
  hold.renewed(sentNow(clock))
  clock.pass(1)
  await rounds()
  expect([begun, marked()]).toEqual([[1, 2], [2]])
})

test('an attempt that waits for a place at its service holds up no trial; it is tried when it has one, and keeps it', async () => {
  const { data, clock, effects, hold, counts } = await careful()
  const begun: string[] = []
  const answers: (() => void)[] = []
  const limit = callLimit({ atOnce: 1 }, 'bank', 'a test') as CallLimit
  const effect = (run: number, op: string, isLimited: boolean): Effect => ({
    run,
    op,
    name: op,
    ...untried,
    bounds: isLimited ? [{ limit, value: '' }] : null,
    counts: counts.attemptsOf('operation', 'bank.pay'),
    attempt: () => {
      begun.push(op)
      return new Promise((resolve) => answers.push(() => resolve(undefined)))
    },
  })
  const marked = (): readonly number[] => [...data.suspects.keys()]
  /** Trials go on as time passes, and the lease is kept. */
  const second = async (): Promise<void> => {
    hold.renewed(sentNow(clock))
    clock.pass(1000)
    hold.renewed(sentNow(clock))
    await rounds()
  }
  effects.start(effect(3, 'nobody suspects it', true))
  effects.start(effect(1, 'limited', true))
  effects.start(effect(2, 'free', false))
  await rounds()
  expect([begun, marked()]).toEqual([['nobody suspects it', 'free'], [2]])
  await second()
  expect([begun.length, marked()]).toEqual([2, []])
  answers[0]?.()
  await rounds()
  expect([begun.at(-1), marked()]).toEqual(['limited', [1]])
  effects.start(effect(4, 'another', true))
  await second()
  expect(begun).toHaveLength(3)
  answers[2]?.()
  await rounds()
  expect(begun.at(-1)).toBe('another')
})
