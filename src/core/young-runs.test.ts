// What a run holds dies with it: nothing of it may be made in V8's old generation, where it would keep all of the run until
// the next full collection (ADR 49).
import { setFlagsFromString } from 'node:v8'
import { expect, it } from 'vitest'
import { Driver } from '../../test/core/machine-driver.ts'

/** Whether V8 has an object among the young ones. A word of V8 itself, which is none of JavaScript: only text that is made now may have it. */
function youngFinder(): (what: unknown) => boolean {
  setFlagsFromString('--allow-natives-syntax')
  // oxlint-disable-next-line no-implied-eval -- see above
  const isYoung = new Function('what', 'return %InYoungGeneration(what)') as (what: unknown) => boolean
  setFlagsFromString('--no-allow-natives-syntax')
  return isYoung
}

it('makes the functions of a run among the young objects', async () => {
  const isYoung = youngFinder()
  const kept = { written: (): void => {} }
  kept.written = (): void => {}
  expect(isYoung(kept.written), 'V8 does not do so any more: the names that are for it can go').toBe(false)
  const found: boolean[] = []
  // A collection may come in between and age one of them.
  for (let count = 0; count < 20; count++) {
    const driver = new Driver(async () => 'done')
    await driver.start()
    found.push(isYoung(driver.machine.takeBack))
  }
  expect(found).toContain(true)
})
