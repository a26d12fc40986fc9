// Which trials are next, and that to find them takes no longer where many wait.
import { expect, test } from 'vitest'
import type { Accused, Party, Trial } from './trial.ts'
import { TrialLines } from './trial-lines.ts'

const party = (): Party => ({ unmarked: 0, steady: () => {}, isOver: false, isBack: true }) as unknown as Party
const one = party()

function trial(run: number, part: Partial<Trial> = {}, width: Accused['width'] = 1, of = one): Trial {
  const accused: Accused = { run, party: of, found: null, width, isDoubtful: false }
  return { accused, kind: 'effect', what: '', works: [], quietMs: 0, over: () => true, failed: () => {}, ...part }
}

function linesOf(...trials: readonly Trial[]): TrialLines {
  const lines = new TrialLines()
  for (const each of trials) lines.add(each)
  return lines
}

const runsOf = (trials: readonly Trial[]): readonly number[] => trials.map(({ accused }) => accused.run)

test('whoever asks for less quiet goes before, then replays before turns and those before effects, each in the order they came', () => {
  const lines = linesOf(
    trial(1),
    trial(2, { quietMs: 10_000, kind: 'replay' }),
    trial(3, { kind: 'turn' }),
    trial(4, { kind: 'replay' }),
    trial(5, { kind: 'replay' }),
  )
  const taken: (readonly number[])[] = []
  for (const quietMs of [0, 0, 0, 0, 9999]) taken.push(runsOf(lines.take(quietMs, 1)))
  expect(taken).toEqual([[4], [5], [3], [1], []])
  expect([lines.isEmpty, lines.leastQuietMs, runsOf(lines.take(10_000, 1)), lines.isEmpty]).toEqual([
    false,
    10_000,
    [2],
    true,
  ])
  expect(lines.take(Infinity, 1)).toEqual([])
})

test('a group is of one width: as many as that, or as is asked for of those of which nothing was found', () => {
  const lines = linesOf(trial(1, {}, null), trial(2, {}, 2), trial(3, {}, null), trial(4, {}, 2), trial(5, {}, 2))
  expect([1, 2, 3].map(() => runsOf(lines.take(0, 64)))).toEqual([[1, 3], [2, 4], [5]])
})

test('those of a shard are taken out, and the others stay in their order', () => {
  const other = party()
  const lines = linesOf(trial(1), trial(2, {}, 1, other), trial(3), trial(4), trial(5, { kind: 'turn' }, 1, other))
  expect(runsOf(lines.take(0, 1))).toEqual([5])
  expect(runsOf(lines.take(0, 1))).toEqual([1])
  expect(runsOf(lines.drop(other))).toEqual([2])
  expect([1, 2].map(() => runsOf(lines.take(0, 1)))).toEqual([[3], [4]])
  expect([lines.isEmpty, lines.drop(one)]).toEqual([true, []])
})

test('200,000 of different kinds are chosen one by one', { timeout: 10_000 }, () => {
  const lines = new TrialLines()
  for (let run = 0; run < 200_000; run++) lines.add(trial(run, run % 2 === 0 ? { kind: 'turn' } : { quietMs: 10_000 }))
  let taken = 0
  while (!lines.isEmpty) taken += lines.take(10_000, 1).length
  expect(taken).toBe(200_000)
})
