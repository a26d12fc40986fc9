import { expect, test } from 'vitest'
import { keptLog } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { fault } from '../core/errors.ts'
import { ballet, open } from '../index.ts'
import { whenSpace } from './when-space.ts'

const full = (): Error => fault('STORE_FULL', { problem: 'no space' })

test('what does not fit is done again until it does, which is said once', async () => {
  const clock = new SteppedClock()
  const log = keptLog()
  const times: number[] = []
  const began = clock.now()
  const done = whenSpace({ clock, log, signal: undefined }, async () => {
    times.push(clock.now() - began)
    if (times.length < 3) throw full()
    return 'done'
  })
  for (let count = 0; count < 3; count++) {
    await new Promise(setImmediate)
    clock.pass(500)
  }
  expect(await done).toBe('done')
  expect(times).toEqual([0, 500, 1000])
  expect(log.lines).toEqual(['error The disk of the store is full: no space. Opening waits until there is space.'])
})

test('whoever is asked to end waits no longer, and what fails otherwise is not done again', async () => {
  const clock = new SteppedClock()
  const asked = new AbortController()
  const waiting = whenSpace({ clock, log: keptLog(), signal: asked.signal }, () => Promise.reject(full()))
  await new Promise(setImmediate)
  asked.abort()
  clock.pass(500)
  await expect(waiting).rejects.toMatchObject({ code: 'STORE_FULL' })
  const broken = whenSpace({ clock, log: keptLog(), signal: undefined }, () => Promise.reject(fault('STORE_LOCKED')))
  await expect(broken).rejects.toMatchObject({ code: 'STORE_LOCKED' })
})

test('a signal that is none is refused', async () => {
  const signal = { aborted: false } as AbortSignal
  const opening = open(ballet({ services: [] }), { signal })
  await expect(opening).rejects.toMatchObject({ code: 'DEFINITION_INVALID' })
})
