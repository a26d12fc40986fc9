// Conformance of stores that take rows ahead of their batch: a wrapper that gives every batch so that may come so, with which all other
// cases are run again, and what a store does with rows whose batch never comes.
import assert from 'node:assert/strict'
import { countsOf, NO_ROWS, rowsBehind, type Ahead, type AheadKind } from '../core/ahead.ts'
import type { Batch, Store, Tenure } from '../core/store.ts'
import { NS, SHARD, aClaim, aRun, aTurn, anEvent, batchAfter, type OpenSubject, type StoreCase } from './store-rows.ts'

type AheadRows = Pick<Batch, AheadKind>

const KINDS: ReadonlySet<string> = new Set(Object.keys(NO_ROWS))

/** Batches of this process that were given ahead here. */
let batches = 0

/** Rows of other kinds come with their batch alone. */
const isSimple = (batch: Batch): boolean =>
  Object.entries(batch).every(([kind, rows]) => KINDS.has(kind) || !Array.isArray(rows) || rows.length === 0)

/** The first half of each kind, and how many those are. */
function halfOf({ runs, changes, claims, journal, events }: Batch): { first: AheadRows; given: Ahead['rows'] } {
  const half = <Row>(rows: readonly Row[]): readonly Row[] => rows.slice(0, Math.ceil(rows.length / 2))
  const first = {
    runs: half(runs),
    changes: half(changes),
    claims: half(claims),
    journal: half(journal),
    events: half(events),
  }
  return { first, given: countsOf(first) }
}

/**
 * A store that is given every batch ahead that may be, half of it and all of it by turns.
 *
 * @param isInterrupted whether something else is asked of it before each commit.
 */
export function givenAhead(store: Store, isInterrupted: boolean): Store {
  const commit = store.commit.bind(store)
  store.commit = async (batch) => {
    if (!isSimple(batch)) return commit(batch)
    const number = ++batches
    const { first, given } = halfOf(batch)
    const isWhole = number % 2 === 0
    store.takeAhead?.(batch.shard, { batch: number, part: 0 }, first)
    if (isWhole) store.takeAhead?.(batch.shard, { batch: number, part: 1 }, rowsBehind(batch, given))
    if (isInterrupted) store.tenure(batch.shard).catch(() => {})
    const rows = isWhole ? countsOf(batch) : given
    return commit({ ...batch, ahead: { batch: number, parts: isWhole ? 2 : 1, rows } })
  }
  return store
}

/** Rows behind a head, of each kind but changes. */
const rowsAfter = ({ head }: Tenure): AheadRows => ({
  ...NO_ROWS,
  runs: [aRun(head + 1)],
  claims: [aClaim(`run-${head + 1}`, head + 1)],
  journal: [aTurn(head + 2, head + 1, 0)],
  events: [anEvent(head + 3)],
})

async function assertNone(store: Store): Promise<void> {
  assert.deepEqual(await store.runs(SHARD, { ns: NS, limit: 10 }), [])
  assert.deepEqual(await store.claims(SHARD, NS, 'run', ['run-1']), [null])
  assert.deepEqual(await store.journal(SHARD, 1, -1, 10), [])
  assert.deepEqual(await store.events(SHARD, { ns: NS, limit: 10 }), [])
}

/** Takes the shard, and gives rows ahead of a batch. */
async function begin({ store }: OpenSubject): Promise<{ tenure: Tenure; rows: AheadRows; batch: number }> {
  const tenure = await store.acquire(SHARD, 'conformance')
  const rows = rowsAfter(tenure)
  const batch = ++batches
  store.takeAhead?.(SHARD, { batch, part: 0 }, rows)
  return { tenure, rows, batch }
}

export const storeAheadCases: readonly StoreCase[] = [
  {
    name: 'what came ahead is there with its commit, and not before',
    async run(subject) {
      const { store } = subject
      const { tenure, rows, batch } = await begin(subject)
      await assertNone(store)
      await store.commit({ ...batchAfter(tenure, rows), ahead: { batch, parts: 1, rows: countsOf(rows) } })
      assert.deepEqual(await store.run(SHARD, 1), rows.runs[0])
      assert.deepEqual(await store.journal(SHARD, 1, -1, 10), rows.journal)
      assert.deepEqual(await store.events(SHARD, { ns: NS, limit: 10 }), rows.events)
    },
  },
  {
    name: 'what came ahead of a commit that never came is not there, also when the store is opened again',
    async run(subject) {
      const { tenure } = await begin(subject)
      const store = await subject.reopen()
      await assertNone(store)
      assert.equal((await store.tenure(SHARD)).head, tenure.head)
    },
  },
  {
    name: 'of a batch that is given up nothing is there, and the next one is whole',
    async run(subject) {
      const { store } = subject
      const { tenure } = await begin(subject)
      store.takeAhead?.(SHARD, { batch: ++batches, part: 0 }, NO_ROWS)
      const journal = [aTurn(tenure.head + 1, 99, 0)]
      await store.commit(batchAfter(tenure, { journal }))
      await assertNone(store)
      assert.deepEqual(await store.journal(SHARD, 99, -1, 10), journal)
    },
  },
  {
    name: 'who has lost the shard writes nothing of what came ahead',
    async run(subject) {
      const { store } = subject
      const { tenure, rows, batch } = await begin(subject)
      await store.acquire(SHARD, 'another')
      const late = { ...batchAfter(tenure, rows), ahead: { batch, parts: 1, rows: countsOf(rows) } }
      await assert.rejects(store.commit(late), { code: 'SHARD_FENCED' })
      await assertNone(store)
    },
  },
]
