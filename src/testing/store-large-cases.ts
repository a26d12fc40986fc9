// Conformance of stores: payloads of any size come back exactly, wherever they stand, however many rows hold the same
// one, and whatever becomes of the others. How a store keeps large ones is its own affair.
import assert from 'node:assert/strict'
import type { Payload } from '../core/codec.ts'
import type { Store } from '../core/store.ts'
import {
  NOON,
  NS,
  SHARD,
  aChange,
  aRun,
  aTurn,
  anEvent,
  anItem,
  commitAfter,
  commitFirst,
  type StoreCase,
} from './store-rows.ts'

const KIB = 1_024
const bytesOf = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, index) => (index * 31) % 251)

/** Around sizes at which a store may begin to do otherwise, in characters of one, two and three bytes. */
const sizes = [4, 8, 64, 128, 256].map((kib) => kib * KIB)
const payloads: readonly Payload[] = sizes.flatMap((size) => [
  ...[-1, 0, 1].map((more) => 'x'.repeat(size + more)),
  `${'é'.repeat(size / 2)}x`,
  `${'語'.repeat(Math.floor(size / 3))}xx`,
  `\u0000@1"${'0'.repeat(size)}`,
  ...[0, 1].map((more) => bytesOf(size + more)),
])

/** Texts and bytes that are byte for byte the same. */
const [text, bytes] = ['7'.repeat(300 * KIB), new Uint8Array(300 * KIB).fill(0x37)]
const other = 'other'.repeat(60 * KIB)

/** Compares without printing what is too large to be read. */
function assertSame(found: readonly (Payload | null | undefined)[], expected: readonly (Payload | null)[]): void {
  assert.equal(found.length, expected.length)
  expected.forEach((payload, index) => {
    const got = found[index]
    const same =
      typeof payload === 'string' || payload === null
        ? got === payload
        : got instanceof Uint8Array && Buffer.compare(got, payload) === 0
    assert.ok(same, `payload ${index} of ${payload?.length ?? 0} came back otherwise, with ${got?.length ?? 'nothing'}`)
  })
}

const ofRun = async (store: Store, num: number): Promise<(Payload | null | undefined)[]> => {
  const run = await store.run(SHARD, num)
  return [run?.input, run?.output, run?.error]
}
const dataOf = async (rows: Promise<readonly { readonly data: Payload }[]>): Promise<Payload[]> =>
  (await rows).map((row) => row.data)

export const storeLargeCases: readonly StoreCase[] = [
  {
    name: 'payloads of many sizes in every place, also after the store was opened again',
    async run({ store, reopen }) {
      const count = payloads.length
      const runs = payloads.map((input, index) => aRun(index + 1, { input }))
      const changes = payloads.map((output, index) =>
        aChange(index + 1, { output, error: payloads.at(-1 - index) ?? null }),
      )
      const journal = payloads.map((data, index) => aTurn(count + index + 1, 1, index, { data }))
      const events = payloads.map((data, index) => anEvent(2 * count + index + 1, { data }))
      const posts = payloads.map((data, index) => anItem(`item-${index}`, { data }))
      await commitFirst(store, { runs, changes, journal, events, posts })
      const again = await reopen()
      const found = await again.runs(SHARD, { ns: NS, after: 0, status: ['completed', 'failed'], limit: 100 })
      assertSame(
        found.map((run) => run.input),
        payloads,
      )
      assertSame(
        found.map((run) => run.output),
        payloads,
      )
      assertSame(
        found.map((run) => run.error),
        payloads.toReversed(),
      )
      assertSame(await dataOf(again.journal(SHARD, 1, -1, 100)), payloads)
      assertSame(await dataOf(again.events(SHARD, { ns: NS, limit: 100 })), payloads)
      assertSame(await dataOf(again.inbox(SHARD, NS, 100)), payloads)
    },
  },
  {
    name: 'text and bytes that are the same byte for byte stay text and bytes',
    async run({ store }) {
      await commitFirst(store, {
        runs: [aRun(1, { input: text }), aRun(2, { input: bytes })],
        journal: [aTurn(3, 1, 0, { data: bytes })],
      })
      assertSame(await ofRun(store, 1), [text, null, null])
      assertSame(await ofRun(store, 2), [bytes, null, null])
      assertSame(await dataOf(store.journal(SHARD, 1, -1, 10)), [bytes])
    },
  },
  {
    name: 'a large payload that many rows hold stays as long as one of them does',
    async run({ store }) {
      const runs = [1, 2].map((num) => aRun(num, { input: text }))
      const journal = [aTurn(3, 1, 0, { data: text }), aTurn(4, 1, 1, { data: text }), aTurn(5, 2, 0, { data: text })]
      const events = [anEvent(6, { data: text }), anEvent(7, { data: text })]
      const changes = [aChange(1, { output: text, error: text })]
      let tenure = await commitFirst(store, { runs, journal, events, changes, posts: [anItem('a', { data: text })] })
      const drained = (await store.inbox(SHARD, NS, 10)).map((row) => row.id)
      tenure = await commitAfter(store, tenure, { forgotten: [1], drained })
      assertSame(await ofRun(store, 2), [text, null, null])
      assertSame(await dataOf(store.events(SHARD, { ns: NS, limit: 10 })), [text, text])
      tenure = await commitAfter(store, tenure, { forgotten: [2], eventsGone: [6] })
      assertSame(await dataOf(store.events(SHARD, { ns: NS, limit: 10 })), [text])
      tenure = await commitAfter(store, tenure, { eventsGone: [7], runs: [aRun(8, { input: text })] })
      assertSame(await ofRun(store, 8), [text, null, null])
    },
  },
  {
    name: 'a large payload that is replaced, by itself, another or none',
    async run({ store }) {
      let tenure = await commitFirst(store, { runs: [aRun(1, { input: text, output: other, error: text })] })
      tenure = await commitAfter(store, tenure, { changes: [aChange(1, { output: other, error: null })] })
      assertSame(await ofRun(store, 1), [text, other, null])
      tenure = await commitAfter(store, tenure, { continued: [{ num: 1, generation: 1, since: 1, input: text }] })
      assertSame(await ofRun(store, 1), [text, other, null])
      const second = { num: 1, generation: 2, since: 2, input: 'small' }
      tenure = await commitAfter(store, tenure, {
        continued: [second],
        changes: [aChange(1, { output: text, error: other })],
      })
      assertSame(await ofRun(store, 1), ['small', text, other])
      await commitAfter(store, tenure, { changes: [aChange(1, { output: null, error: null, ended: NOON })] })
      assertSame(await ofRun(store, 1), ['small', null, null])
    },
  },
  {
    name: 'a batch that fails leaves what others hold of its payloads',
    async run({ store }) {
      const tenure = await commitFirst(store, { runs: [aRun(1, { input: text })] })
      const failing = { runs: [aRun(2, { input: text })], journal: [aTurn(3, 2, 0, { data: other })], drained: [1] }
      await assert.rejects(commitAfter(store, tenure, { ...failing, forgotten: [1] }), { code: 'INBOX_GONE' })
      assertSame(await ofRun(store, 1), [text, null, null])
      await commitAfter(store, tenure, { journal: [aTurn(2, 1, 0, { data: other })] })
      assertSame(await dataOf(store.journal(SHARD, 1, -1, 10)), [other])
    },
  },
]
