// The page of failures is made from the titles of tests (scripts/failures.mjs); here it is compared with them, so that a
// case which was added, renamed or removed is on it as it is. How the cases went is the business of their own tests.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { failureCases, KINDS, rowOf } from '../scripts/failure-cases.mjs'

const cases = failureCases(fileURLToPath(new URL('..', import.meta.url)))
const page = readFileSync(new URL('../docs/failures.md', import.meta.url), 'utf8')
/** Rows of tables as they are written, without the spaces that align them and without the result. */
const rows = page
  .split('\n')
  .filter((line) => /^\| F\d+ /.test(line))
  .map((line) => line.replaceAll(/ +/g, ' ').replace(/ [^|]* \|$/, ''))

test('the page of failures has every case, and no other (npm run failures writes it)', () => {
  expect(rows.toSorted()).toEqual(cases.map(rowOf).toSorted())
})

test('there are cases of every kind, each with a cause and what is expected', () => {
  expect(cases.length).toBeGreaterThanOrEqual(60)
  expect(Object.keys(KINDS).filter((code) => cases.every((one) => one.code !== code))).toEqual([])
  expect(cases.filter(({ code, expected }) => expected === '' || !Object.hasOwn(KINDS, code))).toEqual([])
})
