// Conformance of stores: what a long life needs: runs that go on as new generations, suspects, and rows that retention
// finds and takes away.
import assert from 'node:assert/strict'
import type { Claim, ClaimName, Store, SuspectRow } from '../core/store.ts'
import {
  NOON,
  NS,
  SHARD,
  aChange,
  aClaim,
  aRun,
  aTimer,
  aTurn,
  anEvent,
  commitAfter,
  commitFirst,
  type StoreCase,
} from './store-rows.ts'

const aName = (id: string, space: Claim['space'] = 'run', ns = NS): ClaimName => ({ ns, space, id })
const aSuspect = (run: number, what: string, deaths = 0): SuspectRow => ({ run, what, deaths })

const lifeCases: readonly StoreCase[] = [
  {
    name: 'a new generation sets its number, its beginning and its input, and leaves the rest',
    async run({ store }) {
      const run = aRun(1, { key: 'orderId:A1', phase: 'waiting', deadline: NOON + 9, at: NOON - 9 })
      const first = await commitFirst(store, { runs: [run, aRun(2)], journal: [aTurn(3, 1, 0), aTurn(4, 1, 1)] })
      const second = { num: 1, generation: 1, since: 2, input: '{"page":2}' }
      const after = await commitAfter(store, first, { continued: [second] })
      assert.deepEqual(await store.run(SHARD, 1), { ...run, ...second })
      assert.deepEqual(await store.run(SHARD, 2), aRun(2))
      assert.equal((await store.journal(SHARD, 1, -1, 10)).length, 2)
      const third = { num: 1, generation: 2, since: 7, input: new Uint8Array([0, 1, 255]) }
      await commitAfter(store, after, { continued: [third], changes: [aChange(1)] })
      assert.deepEqual(await store.run(SHARD, 1), { ...run, ...third, ...aChange(1) })
    },
  },
  {
    name: 'a run may start and continue in one batch',
    async run({ store }) {
      const continued = { num: 1, generation: 1, since: 1, input: '2' }
      await commitFirst(store, { runs: [aRun(1)], continued: [continued] })
      assert.deepEqual(await store.run(SHARD, 1), { ...aRun(1), ...continued })
    },
  },
  {
    name: 'what stands beside a journal, under a number below zero, is one row: the newest takes the place of those before',
    async run({ store, reopen }) {
      const large = JSON.stringify('x'.repeat(20_000))
      const beside = (pos: number, data = String(pos)) => ({
        journal: [aTurn(pos, -1, pos, { kind: 'note', data })],
        journalGone: [{ run: -1, before: pos }],
      })
      const first = await commitFirst(store, { runs: [aRun(1)], journal: [aTurn(2, 1, 0)] })
      const second = await commitAfter(store, first, beside(3))
      await commitAfter(store, second, beside(4, large))
      const again = await reopen()
      assert.deepEqual(await again.journal(SHARD, -1, -1, 10), [aTurn(4, -1, 4, { kind: 'note', data: large })])
      assert.deepEqual(await again.journal(SHARD, 1, -1, 10), [aTurn(2, 1, 0)])
      const last = await commitAfter(again, await again.acquire(SHARD, 'another'), { forgotten: [-1, -2] })
      assert.deepEqual(await again.journal(SHARD, -1, -1, 10), [])
      assert.equal((await again.journal(SHARD, 1, -1, 10)).length, 1)
      await commitAfter(again, last, beside(6))
      assert.equal((await again.journal(SHARD, -1, -1, 10)).length, 1)
    },
  },
  {
    name: 'a suspect is one row a run: the newest holds, also after the store was opened again',
    async run({ store, reopen }) {
      const first = await commitFirst(store, { suspects: [aSuspect(7, 'turn 1'), aSuspect(3, 'effect pay#0', 2)] })
      assert.deepEqual(await store.suspects(SHARD), [aSuspect(3, 'effect pay#0', 2), aSuspect(7, 'turn 1')])
      await commitAfter(store, first, { suspects: [aSuspect(7, 'turn 2', 1), aSuspect(7, 'turn 3', 2)] })
      const again = await reopen()
      assert.deepEqual(await again.suspects(SHARD), [aSuspect(3, 'effect pay#0', 2), aSuspect(7, 'turn 3', 2)])
    },
  },
  {
    name: 'a suspect goes when it is named, and may come back in the same batch',
    async run({ store }) {
      const first = await commitFirst(store, { suspects: [aSuspect(1, 'a'), aSuspect(2, 'b'), aSuspect(3, 'c')] })
      await commitAfter(store, first, { suspectsGone: [1, 3, 99], suspects: [aSuspect(3, 'd')] })
      assert.deepEqual(await store.suspects(SHARD), [aSuspect(2, 'b'), aSuspect(3, 'd')])
    },
  },
]

/** Everything that there can be of three runs, at positions 1 to 9. */
const threeRuns = {
  runs: [aRun(1), aRun(2), aRun(3)],
  journal: [1, 2, 3].map((run) => aTurn(3 + run, run, 0)),
  events: [1, 2, 3].map((run) => anEvent(6 + run, { root: `run:run-${run}` })),
  timers: [1, 2, 3].map((run) => aTimer(10 - run, run, 'sleep#0')),
  suspects: [1, 2, 3].map((run) => aSuspect(run, 'turn')),
  claims: [1, 2, 3].map((run) => aClaim(`run-${run}`, run)),
}

/** The runs of which the store has anything, by table; -1 stands for what is not there. */
async function found(store: Store): Promise<unknown> {
  const journals = await Promise.all([1, 2, 3].map((run) => store.journal(SHARD, run, -1, 10)))
  const claims = await store.claims(SHARD, NS, 'run', ['run-1', 'run-2', 'run-3'])
  return {
    runs: (await store.runs(SHARD, { ns: NS, after: 0, limit: 10 })).map((run) => run.num),
    row: (await store.run(SHARD, 2))?.num ?? -1,
    journal: journals.flat().map((row) => row.run),
    events: (await store.events(SHARD, { ns: NS, limit: 10 })).map((event) => event.pos - 6),
    timers: (await store.timers(SHARD, 0, 100, 10)).map((timer) => timer.run),
    suspects: (await store.suspects(SHARD)).map((suspect) => suspect.run),
    claims: claims.map((claim) => claim?.num ?? -1),
  }
}

const goneCases: readonly StoreCase[] = [
  {
    name: 'a run that is forgotten goes with its journal, its timers and its mark; its claim and events stay',
    async run({ store, reopen }) {
      const first = await commitFirst(store, threeRuns)
      const second = await commitAfter(store, first, { forgotten: [2] })
      const rest = { runs: [1, 3], row: -1, journal: [1, 3], timers: [3, 1], suspects: [1, 3] }
      const kept = { events: [1, 2, 3], claims: [1, 2, 3] }
      assert.deepEqual(await found(store), { ...rest, ...kept })
      await commitAfter(store, second, { forgotten: [2, 99], journal: [aTurn(10, 3, 1)] })
      const again = await reopen()
      assert.deepEqual(await found(again), { ...rest, ...kept, journal: [1, 3, 3] })
    },
  },
  {
    name: 'events and claims go when they are named, and only these',
    async run({ store }) {
      const first = await commitFirst(store, {
        ...threeRuns,
        claims: [...threeRuns.claims, aClaim('run-2', 8, { space: 'event' })],
      })
      await commitAfter(store, first, { eventsGone: [8, 99], claimsGone: [aName('run-2'), aName('other')] })
      const rest = { runs: [1, 2, 3], row: 2, journal: [1, 2, 3], timers: [3, 2, 1], suspects: [1, 2, 3] }
      assert.deepEqual(await found(store), { ...rest, events: [1, 3], claims: [1, -1, 3] })
      assert.equal((await store.claims(SHARD, NS, 'event', ['run-2']))[0]?.num, 8)
    },
  },
  {
    name: 'a journal is shortened from its beginning, also past its end, and its run stays',
    async run({ store, reopen }) {
      const turns = [2, 3, 4, 5].map((pos) => aTurn(pos, 1, pos - 2))
      const first = await commitFirst(store, { runs: [aRun(1)], journal: [...turns, aTurn(6, 9, 0)] })
      const gone = [
        { run: 1, before: 2 },
        { run: 8, before: 5 },
      ]
      const second = await commitAfter(store, first, { journalGone: gone, journal: [aTurn(7, 1, 4)] })
      const seqs = async (of: Store): Promise<unknown> => (await of.journal(SHARD, 1, -1, 10)).map((row) => row.seq)
      assert.deepEqual(await seqs(store), [2, 3, 4])
      await commitAfter(store, second, { journalGone: [{ run: 1, before: 99 }] })
      const again = await reopen()
      assert.deepEqual([await seqs(again), (await again.run(SHARD, 1))?.num], [[], 1])
      assert.equal((await again.journal(SHARD, 9, -1, 10)).length, 1)
    },
  },
  {
    name: 'a name that goes may be taken in the same batch',
    async run({ store }) {
      const first = await commitFirst(store, { claims: [aClaim('a', 1, { until: 5 })] })
      await commitAfter(store, first, { claimsGone: [aName('a')], claims: [aClaim('a', 2)], runs: [aRun(2)] })
      assert.deepEqual(await store.claims(SHARD, NS, 'run', ['a']), [aClaim('a', 2)])
    },
  },
  {
    name: 'a position of what is gone is not used again',
    async run({ store }) {
      const first = await commitFirst(store, threeRuns)
      await commitAfter(store, first, { forgotten: [3], eventsGone: [9] })
      assert.equal((await store.tenure(SHARD)).head, 9)
    },
  },
]

const agedCases: readonly StoreCase[] = [
  {
    name: 'aged: the runs above a number in order, ended or not, of one namespace, up to a limit',
    async run({ store }) {
      const runs = [1, 2, 3, 4, 5].map((num) =>
        aRun(num, { key: num === 2 ? 'orderId:A' : null, ns: num === 3 ? 'other' : NS }),
      )
      await commitFirst(store, { runs, changes: [aChange(4, { status: 'failed' })] })
      const aged = (num: number, part: object = {}): object => ({
        num,
        ns: NS,
        id: `run-${num}`,
        kind: 'workflow',
        key: null,
        status: 'running',
        root: `run:run-${num}`,
        generation: 0,
        ended: null,
        since: 0,
        ...part,
      })
      const fourth = aged(4, { status: 'failed', ended: NOON + 1 })
      assert.deepEqual(await store.aged(SHARD, NS, 0, 10), [aged(1), aged(2, { key: 'orderId:A' }), fourth, aged(5)])
      assert.deepEqual(await store.aged(SHARD, NS, 2, 1), [fourth])
      assert.deepEqual(await store.aged(SHARD, NS, 5, 10), [])
      assert.deepEqual(await store.aged(SHARD, 'other', 0, 10), [aged(3, { ns: 'other' })])
    },
  },
  {
    name: 'aged events: those above a position in order, of one namespace, up to a limit',
    async run({ store }) {
      const events = [1, 2, 3, 4].map((pos) =>
        anEvent(pos, { ns: pos === 2 ? 'other' : NS, published: pos !== 3, at: NOON + pos }),
      )
      await commitFirst(store, { events })
      const aged = (pos: number, ns = NS): object => ({
        pos,
        ns,
        key: 'orderId:A1',
        source: 'shop',
        id: `event-${pos}`,
        at: NOON + pos,
      })
      assert.deepEqual(await store.agedEvents(SHARD, NS, 0, 10), [aged(1), aged(3), aged(4)])
      assert.deepEqual(await store.agedEvents(SHARD, NS, 1, 1), [aged(3)])
      assert.deepEqual(await store.agedEvents(SHARD, 'other', 0, 10), [aged(2, 'other')])
    },
  },
  {
    name: 'aged claims: those whose end has come, the oldest first, of one namespace, up to a limit',
    async run({ store }) {
      const claims = [
        aClaim('for ever', 1),
        aClaim('b', 2, { until: 20 }),
        aClaim('a', 3, { until: 20 }),
        aClaim('a', 4, { until: 20, space: 'event' }),
        aClaim('first', 5, { until: 10 }),
        aClaim('later', 6, { until: 21 }),
        aClaim('first', 7, { until: 10, ns: 'other' }),
      ]
      await commitFirst(store, { claims })
      const nums = async (now: number, limit = 10, ns = NS): Promise<number[]> =>
        (await store.agedClaims(SHARD, ns, now, limit)).map((claim) => claim.num)
      assert.deepEqual(await nums(20), [5, 4, 3, 2])
      assert.deepEqual(await nums(9), [])
      assert.deepEqual(await nums(100, 2), [5, 4])
      assert.deepEqual(await nums(100, 10, 'other'), [7])
      assert.deepEqual(await store.agedClaims(SHARD, NS, 10, 10), [claims[4]])
    },
  },
  {
    name: 'a claim is given an end, in the batch that takes it or later, and another one',
    async run({ store }) {
      const until = (id: string, time: number) => ({ ...aName(id), until: time })
      const claims = ['a', 'b', 'c'].map((id, index) => aClaim(id, index + 1))
      const first = await commitFirst(store, { claims, claimsUntil: [until('a', 30)] })
      const second = await commitAfter(store, first, {
        claimsUntil: [until('b', 10), until('a', 20), until('none', 1)],
      })
      const aged = async (): Promise<unknown> =>
        (await store.agedClaims(SHARD, NS, 100, 10)).map((claim) => [claim.id, claim.until])
      assert.deepEqual(await aged(), [
        ['b', 10],
        ['a', 20],
      ])
      assert.deepEqual(await store.claims(SHARD, NS, 'run', ['a', 'c']), [
        aClaim('a', 1, { until: 20 }),
        aClaim('c', 3),
      ])
      await commitAfter(store, second, { claimsGone: [aName('b')] })
      assert.deepEqual(await aged(), [['a', 20]])
    },
  },
]

export const storeAgeCases: readonly StoreCase[] = [...lifeCases, ...goneCases, ...agedCases]
