import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { countsOf, rowsBehind, type Ahead, type AheadKind } from '../../core/ahead.ts'
import type { Batch, Store } from '../../core/store.ts'
import { storeConformance } from '../../testing/store-conformance.ts'
import { sqlite } from './sqlite-store.ts'

type AheadRows = Pick<Batch, AheadKind>

const conformance = (make: (file: string) => Store): void =>
  storeConformance(
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'ballet-sqlite-'))
      const open = () => make(join(folder, 'store.db'))
      return { store: open(), reopen: async () => open(), dispose: () => rm(folder, { recursive: true }) }
    },
    { describe, test },
  )

/** The first half of each kind, and what is behind it. */
function halves(batch: Batch): { readonly first: AheadRows; readonly given: Ahead['rows'] } {
  const { runs, changes, claims, journal, events } = batch
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

const KINDS: ReadonlySet<string> = new Set(
  Object.keys(countsOf({ runs: [], changes: [], claims: [], journal: [], events: [] })),
)

/** Rows of other kinds come with their batch alone. */
const isSimple = (batch: Batch): boolean =>
  Object.entries(batch).every(([kind, rows]) => KINDS.has(kind) || !Array.isArray(rows) || rows.length === 0)

/** Gives every batch that may come so ahead, half of it or all of it; where that is to be undone, it asks for something else then. */
function givenAhead(file: string, isUndone: boolean): Store {
  const store = sqlite({ file })
  const commit = store.commit.bind(store)
  let batches = 0
  store.commit = async (batch) => {
    if (!isSimple(batch)) return commit(batch)
    const number = ++batches
    const { first, given } = halves(batch)
    const isWhole = number % 2 === 0
    store.takeAhead?.(batch.shard, { batch: number, part: 0 }, first)
    if (isWhole) store.takeAhead?.(batch.shard, { batch: number, part: 1 }, rowsBehind(batch, given))
    if (isUndone) store.tenure(batch.shard).catch(() => {})
    const rows = isWhole ? countsOf(batch) : given
    return commit({ ...batch, ahead: { batch: number, parts: isWhole ? 2 : 1, rows } })
  }
  return store
}

describe('sqlite store', () => {
  conformance((file) => sqlite({ file }))
})

describe('sqlite store that is given batches ahead', () => {
  conformance((file) => givenAhead(file, false))
})

describe('sqlite store that has to undo what it was given ahead', () => {
  conformance((file) => givenAhead(file, true))
})
