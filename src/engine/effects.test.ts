// Effects of several shards in one process, which share the places at a service that takes so many at once.
import { expect, test } from 'vitest'
import { SteppedClock } from '../../test/support/clocks.ts'
import { keptLog } from '../../test/support/applications.ts'
import { callLimit, type CallLimit } from '../define/service-limits.ts'
import { CallLimits } from './call-limits.ts'
import { Counts } from './counts.ts'
import type { Effects } from './effects.ts'
import { sureHold } from './hold.ts'
import type { StopSignal } from './stop-signal.ts'
import { effectsFor, untried } from './test-effects.ts'

test('an attempt whose shard leaves the process is told to stop before its place is given to another', async () => {
  const clock = new SteppedClock()
  const callLimits = new CallLimits(clock, keptLog())
  const limit = callLimit({ atOnce: 1 }, 'bank', 'a test') as CallLimit
  const shard = () => effectsFor({ clock, hold: sureHold, callLimits, admit: (_, begin) => begin() })
  const [leaving, staying] = [shard(), shard()]
  const stops: StopSignal[] = []
  const underWay: number[] = []
  const start = (effects: Effects, run: number): void =>
    effects.start({
      run,
      op: 'pay#0',
      name: 'pay',
      ...untried,
      bounds: [{ limit, value: '' }],
      counts: new Counts().attemptsOf('operation', 'bank.pay'),
      // It takes no notice of its signal.
      attempt: (_, stop) => {
        stops.push(stop)
        underWay.push(stops.filter(({ signal }) => !signal.aborted).length)
        return new Promise(() => {})
      },
    })
  start(leaving, 1)
  start(staying, 2)
  expect(underWay).toEqual([1])
  const closed = leaving.close(10)
  clock.pass(10)
  await closed
  expect(underWay).toEqual([1, 1])
})
