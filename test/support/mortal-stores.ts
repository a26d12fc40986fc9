// Stores for tests of processes that die: one dies at some commit, as a dead process sees it, which gets no answer any more; one
// answers late and loses replies before that, by the numbers of a stream.
import { afterAll } from 'vitest'
import { fault } from '../../src/core/errors.ts'
import type { Stream } from '../../src/core/randomness.ts'
import type { Store } from '../../src/core/store.ts'
import { guarded } from './stores.ts'

const dead: (() => void)[] = []
afterAll(() => {
  for (const bury of dead.splice(0)) bury()
})

/** A store that stops to answer at its commit number `at`, which was written or was not. */
export function mortal(store: Store, at: number, when: 'before' | 'after', died: () => void): Store {
  const silence = (): Promise<never> => new Promise((_resolve, reject) => dead.push(() => reject(new Error('dead'))))
  let commits = 0
  return guarded(store, 'commit', async (pass) => {
    commits += 1
    if (commits < at) return pass()
    // Whatever comes of it, nobody hears of it.
    if (commits === at && when === 'after') await pass().catch(() => {})
    died()
    return silence()
  })
}

interface Unsteady {
  readonly stream: Stream
  /** Of the commit with which it dies; infinite for never. */
  readonly at: number
  /** How many replies of commits are lost. */
  readonly lost: number
  /** What answers late beside commits. */
  readonly late: readonly (keyof Store)[]
  readonly died: () => void
}

/** A store that answers late, now and then with a lost reply, and dies at some commit. */
export function unsteady(store: Store, { stream, at, lost, late, died }: Unsteady): Store {
  const wait = async (): Promise<void> => {
    for (let rounds = Math.floor(stream() ** 3 * 12); rounds > 0; rounds--)
      await new Promise((resolve) => setImmediate(resolve))
  }
  const when = stream() < 0.5 ? 'before' : 'after'
  const slow = guarded(store, 'commit', async (pass) => {
    await wait()
    if (stream() >= lost) return pass()
    if (stream() < 0.5) await pass()
    throw fault('COMMIT_UNKNOWN')
  })
  return mortal(slowed(slow, late, wait), at, when, died)
}

/** A store of which these answers take a while. */
function slowed(store: Store, late: readonly (keyof Store)[], wait: () => Promise<void>): Store {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      const own = value.bind(target) as (...args: unknown[]) => Promise<unknown>
      if (!late.some((one) => one === name)) return own
      return async (...args: unknown[]) => (await wait(), own(...args))
    },
  })
}
