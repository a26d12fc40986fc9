import { describe, expect, test } from 'vitest'
import { LooseMap } from './loose-map.ts'

describe('a map for what comes and goes', () => {
  test('does what a Map does', () => {
    const map = new LooseMap<string, number | null>().set('a', 1).set('b', 2).set('a', 3).set('c', null)
    expect([map.size, map.get('a'), map.get('x'), map.has('c'), map.has('x')]).toEqual([3, 3, undefined, true, false])
    expect([...map.keys()]).toEqual(['a', 'b', 'c'])
    expect([...map.values()]).toEqual([3, 2, null])
    expect([map.delete('b'), map.delete('b'), map.size]).toEqual([true, false, 2])
    expect([...map]).toEqual([
      ['a', 3],
      ['c', null],
    ])
    map.clear()
    expect([map.size, [...map]]).toEqual([0, []])
  })

  test('what is put in while it is walked through is met, and what is taken out is not', () => {
    const map = new LooseMap<number, string>().set(1, 'one').set(2, 'two').set(3, 'three')
    const met: string[] = []
    for (const [key, value] of map.entries()) {
      met.push(value)
      if (key !== 1) continue
      map.delete(2)
      map.set(4, 'four')
    }
    expect(met).toEqual(['one', 'three', 'four'])
  })
})
