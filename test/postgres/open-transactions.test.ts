// Nobody waits for a transaction that stays open, in this database or another of the server, and nothing is passed over for
// it. The command `npm run open-transactions` does the same for a minute.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { judge, type Account, type Logged } from './open-transactions-judge.ts'
import { publishBesideOpenTransactions } from './open-transactions.ts'
import { serverUrl } from './subject.ts'

test('F12: transactions that stay open beside eight writers: nobody waits, and everything comes once, in order', async () => {
  const { findings, committed, withdrawn } = await publishBesideOpenTransactions({
    url: await serverUrl(),
    schema: `t_${randomUUID().replaceAll('-', '')}`,
    writers: 8,
    keys: 3,
    goesOn: (done) => done < 25,
    stallMs: 20_000,
  })
  expect(findings).toEqual([])
  expect([committed, withdrawn]).toEqual([200, 40])
})

const move = (writer: string, nth: number) => ({ writer, key: 'k', nth })
const rows = (...moves: readonly ReturnType<typeof move>[]): Logged[] =>
  moves.map((one) => ({ ...one, id: `${one.writer}-${one.nth}` }))
const [a1, a2, b1] = [move('a', 1), move('a', 2), move('b', 1)]
const published = [a1, a2, b1].map((one) => ({ ...one, way: 'publish' as const }))
const account = (parts: Partial<Account> = {}): Account => ({
  committed: published,
  withdrawn: new Set(),
  noted: [b1, a1, a2],
  marked: [],
  ...parts,
})

test.each([
  ['nothing', account(), rows(b1, a1, a2), []],
  ['LOST', account({ noted: [a1, a2] }), rows(a1, a2), ['LOST', 'LOST']],
  ['TWICE', account({ noted: [a1, a2, b1] }), rows(a1, a2, b1, b1), ['TWICE', 'ORDER', 'ORDER']],
  ['an inversion', account({ noted: [a2, a1, b1] }), rows(a2, a1, b1), ['ORDER', 'ORDER']],
  ['another order', account({ noted: [a1, a2, b1] }), rows(b1, a1, a2), ['ORDER']],
  ['what was rolled back', account({ withdrawn: new Set(['b-1']) }), rows(b1, a1, a2), ['PHANTOM']],
  ['what nobody did', account({ committed: published.slice(0, 2) }), rows(b1, a1, a2), ['PHANTOM', 'PHANTOM']],
  [
    'a run that is missing',
    account({ committed: [...published, { ...a1, way: 'start' }] }),
    rows(b1, a1, a2),
    ['LOST'],
  ],
] as const)('the judge finds %s', (_, given, log, expected) => {
  expect(judge(given, log).map((finding) => finding.split(':')[0])).toEqual(expected)
})
