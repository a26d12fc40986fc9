// The model check with small bounds: every state of every model is looked at, every rule that is broken on purpose is found
// by the property that it should be found by, what the models stand for is still where they say, and the document has the same
// figures. Larger bounds: `npm run model`; what it all means: docs/reliability/model.md.
import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { check, ENDS, type Spec } from './model/checker.ts'
import { models } from './model/models.ts'
import { Seen } from './model/seen.ts'

/** Where the smallest bound has too many states to look at all of them in a test: so many are. */
const AT_MOST: Readonly<Record<string, number>> = { lease: 20_000, owners: 20_000 }

const root = new URL('../', import.meta.url)
const document = readFileSync(new URL('docs/reliability/model.md', root), 'utf8').replaceAll(/ +/g, ' ')

describe.each(models)('$name', ({ name, code, mutants, check: checkModel }) => {
  it('keeps its promises in every state, and always comes to an end', () => {
    const { broken, story, isComplete, states } = checkModel(1, null, AT_MOST[name])
    expect({ broken, story }).toEqual({ broken: null, story: [] })
    expect(isComplete || states > (AT_MOST[name] ?? 0)).toBe(true)
  })

  for (const [mutant, { rule, breaks }] of Object.entries(mutants)) {
    it(`${breaks === null ? 'bears' : 'is found out with'}: ${mutant}`, () => {
      const { broken, story, states } = checkModel(1, mutant, breaks === null ? 5000 : undefined)
      expect({ broken, story }).toMatchObject({ broken: breaks })
      const found = `${breaks} | ${story.length} | ${states.toLocaleString('en')}`
      const words = breaks === null ? 'nothing: it is borne | |' : found
      expect(document).toContain(`| ${name} | ${mutant} | ${rule} | ${words} |`)
    })
  }

  it('names code that is there', () => {
    for (const [file, names] of Object.entries(code)) {
      const text = readFileSync(new URL(file, root), 'utf8')
      expect({ file, missing: names.filter((one) => !text.includes(one)) }).toEqual({ file, missing: [] })
    }
  })
})

describe('the checker', () => {
  /** Counts to `last`, and may jump from 2 into a corner. */
  const counter = (last: number, corner: number): Spec<{ at: number }> => ({
    start: { at: 0 },
    always: { small: ({ at }) => at <= 4 },
    isEnd: ({ at }) => at === last,
    steps: ({ at }, step) => {
      if (at < last) step(`to ${at + 1}`, (draft) => void (draft.at += 1))
      if (at === 2) step('into a corner', (draft) => void (draft.at = corner))
    },
  })

  test('a shortest way to what must never be', () => {
    const { broken, story } = check(counter(6, 4))
    expect([broken, story]).toEqual(['small', ['to 1', 'to 2', 'into a corner', 'to 5']])
  })

  test('a state from which no way leads to the end', () => {
    const { broken, story } = check(counter(3, 4))
    expect([broken, story]).toEqual([ENDS, ['to 1', 'to 2', 'into a corner']])
  })

  test('every state once, and no further than allowed', () => {
    expect(check(counter(3, 1))).toMatchObject({ states: 4, edges: 4, depth: 3, isComplete: true, broken: null })
    expect(check(counter(3, 1), 1)).toMatchObject({ isComplete: false, broken: null })
  })

  test('texts by their hash, however many', () => {
    const seen = new Seen()
    const numbers = Array.from({ length: 20_000 }, (_, text) => seen.meet(String(text)).number)
    expect(new Set(numbers).size).toBe(20_000)
    expect(seen.meet('17')).toEqual({ number: 17, isNew: false })
  })
})
