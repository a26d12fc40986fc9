// The conformance suite of stores: what the engine relies on, as cases that any store can be run through. It brings
// no test framework of its own: the caller passes `describe` and `test` of the one that is in use. Every case gets a
// store of its own, and checks with node:assert.
import assert from 'node:assert/strict'
import type { Store } from '../core/store.ts'
import { storeAgeCases } from './store-age-cases.ts'
import { givenAhead, storeAheadCases } from './store-ahead.ts'
import { storeBatchCases } from './store-batch-cases.ts'
import { storeFenceCases } from './store-fence-cases.ts'
import { storeFlowCases } from './store-flow-cases.ts'
import { storeLargeCases } from './store-large-cases.ts'
import { storeLifeCases } from './store-life-cases.ts'
import { storeQueryCases } from './store-query-cases.ts'
import { storeRowCases } from './store-row-cases.ts'
import type { StoreCase } from './store-rows.ts'

/** What a case is run on. */
export interface StoreUnderTest {
  /** New, empty and not open yet. */
  readonly store: Store
  /** Another store object over the same data, not open yet. The suite has closed the one before. */
  reopen(): Promise<Store>
  /** Called after the last store of the case is closed: remove files, drop the database. */
  dispose?(): Promise<void>
}

/** The two functions of a test framework that the suite needs: those of vitest, node:test, jest or mocha. */
export interface TestHarness {
  describe(name: string, body: () => void): unknown
  test(name: string, body: () => Promise<void>): unknown
}

const groups: readonly (readonly [string, readonly StoreCase[]])[] = [
  ['life of a store', storeLifeCases],
  ['fence', storeFenceCases],
  ['batches', storeBatchCases],
  ['rows as they were given', storeRowCases],
  ['large payloads', storeLargeCases],
  ['queries', storeQueryCases],
  ['flows of choreographies', storeFlowCases],
  ['a long life', storeAgeCases],
]

/** What a store does that it need not do. */
export interface StoreExtras {
  /** It has `takeAhead`; default false. Then all cases are run twice more, with every batch given ahead. */
  readonly takesAhead?: boolean | undefined
}

/**
 * Registers the cases that every store has to pass.
 *
 * ```ts
 * import { describe, test } from 'vitest'
 * import { storeConformance } from 'ballet/testing'
 * storeConformance(async () => ({ store: myStore(), reopen: async () => myStore() }), { describe, test })
 * ```
 */
export function storeConformance(
  make: () => Promise<StoreUnderTest>,
  harness: TestHarness,
  { takesAhead = false }: StoreExtras = {},
): void {
  register(make, harness)
  if (!takesAhead) {
    harness.test('takes nothing ahead, or it is to be tried with `takesAhead`', async () => {
      const subject = await make()
      assert.ok(!('takeAhead' in subject.store))
      await subject.dispose?.()
    })
    return
  }
  harness.describe('rows ahead of their batch', () => {
    for (const one of storeAheadCases) harness.test(one.name, () => runCase(make, one))
  })
  harness.describe('given every batch ahead', () => register(wrapped(make, false), harness))
  harness.describe('given every batch ahead, with something in between', () => register(wrapped(make, true), harness))
}

function register(make: () => Promise<StoreUnderTest>, harness: TestHarness): void {
  for (const [group, cases] of groups) {
    harness.describe(group, () => {
      for (const one of cases) harness.test(one.name, () => runCase(make, one))
    })
  }
}

/** The same stores, which are given their batches ahead. */
const wrapped = (make: () => Promise<StoreUnderTest>, isInterrupted: boolean) => async (): Promise<StoreUnderTest> => {
  const subject = await make()
  return {
    store: givenAhead(subject.store, isInterrupted),
    reopen: async () => givenAhead(await subject.reopen(), isInterrupted),
    dispose: async () => subject.dispose?.(),
  }
}

async function runCase(make: () => Promise<StoreUnderTest>, one: StoreCase): Promise<void> {
  const subject = await make()
  let current = subject.store
  try {
    const info = await current.open()
    const reopen = async (): Promise<Store> => {
      await current.close()
      current = await subject.reopen()
      await current.open()
      return current
    }
    await one.run({ store: current, info, reopen })
  } finally {
    await current.close()
    await subject.dispose?.()
  }
}
