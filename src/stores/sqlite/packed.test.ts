import { describe, expect, test } from 'vitest'
import type { Statement } from '../sql/statements.ts'
import { pack, type Packed, ReceivedTexts, rowsOf, SentTexts } from './packed.ts'

const statement = (values: Statement['values'], payloads?: readonly number[]): Statement => ({
  sql: 'INSERT',
  width: 3,
  values,
  payloads,
})
const unpacked = (packed: Packed): unknown[] => Array.from(rowsOf(packed), (row) => [...row])

describe('a statement on its way to a thread', () => {
  test('what all rows share crosses once, and every row has it again', () => {
    const given = statement([0, 'a', null, 0, 'b', null, 0, 'c', null])
    const packed = pack(given)
    expect(packed.values).toEqual(['a', 'b', 'c'])
    expect(unpacked(packed)).toEqual(unpacked(given))
  })

  test.each([
    ['one row', [0, 'a', null]],
    ['no row', []],
    ['rows that share nothing', [0, 'a', null, 1, 'b', 'c']],
    ['rows that are all the same', [0, 'a', null, 0, 'a', null]],
  ])('%s crosses as it is', (_name, values) => {
    const given = statement(values)
    expect(pack(given)).toBe(given)
    expect(unpacked(given)).toEqual(
      Array.from({ length: values.length / 3 }, (_row, at) => values.slice(at * 3, at * 3 + 3)),
    )
  })

  test('what is as in the row before does not cross, and is there again', () => {
    const given = statement([0, 'a', 1, 0, 'b', 2, 0, 'b', 3, 0, 'a', 3, 0, null, 3])
    const packed = pack(given)
    expect(packed.values).toEqual(['a', 1, 'b', 2, undefined, 3, 'a', undefined, null, undefined])
    expect(unpacked(packed)).toEqual(unpacked(given))
  })

  test('equal payloads are two: each may become a blob of its own', () => {
    const packed = pack(statement([0, 'large', 1, 0, 'large', 2], [1]))
    expect(packed.values).toEqual(['large', 1, 'large', 2])
    for (const row of rowsOf(packed)) row[1] = 7
    expect(unpacked(packed)).toEqual([
      [0, 'large', 1],
      [0, 'large', 2],
    ])
  })

  test('what a row was changed to is not left for the next', () => {
    const packed = pack(statement([0, 'a', null, 0, 'b', null], [2]))
    const seen: unknown[] = []
    for (const row of rowsOf(packed)) {
      seen.push([...row])
      row[1] = 'changed'
    }
    expect(seen).toEqual([
      [0, 'a', null],
      [0, 'b', null],
    ])
  })
})

describe('the text of a statement', () => {
  const given = (sql: string): Statement => ({ sql, width: 1, values: [1] })

  test('crosses once, and is there every time', () => {
    const [sender, receiver] = [new SentTexts(), new ReceivedTexts()]
    const sent = ['SELECT 1', 'SELECT 2', 'SELECT 1', 'SELECT 2'].map((sql) => sender.send(given(sql)))
    expect(sent.map(({ sql }) => sql)).toEqual(['SELECT 1', 'SELECT 2', undefined, undefined])
    expect(sent.map((one) => receiver.receive(one).sql)).toEqual(['SELECT 1', 'SELECT 2', 'SELECT 1', 'SELECT 2'])
  })

  test('crosses every time when there are too many', () => {
    const [sender, receiver] = [new SentTexts(), new ReceivedTexts()]
    const texts = Array.from({ length: 600 }, (_text, at) => `SELECT ${at}`)
    for (const sql of [...texts, ...texts]) expect(receiver.receive(sender.send(given(sql))).sql).toBe(sql)
  })

  test('that has not crossed is a fault of ours', () => {
    expect(() => new ReceivedTexts().receive({ text: 0, width: 1, values: [1] })).toThrow(/has not been sent/)
  })
})
