import * as fc from 'fast-check'
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

  test('has what a Map has, in its order, whatever comes and goes', () => {
    const key = fc.nat({ max: 40 })
    const step = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), key, value: fc.nat() }),
      fc.record({ kind: fc.constant('delete' as const), key }),
    )
    fc.assert(
      fc.property(fc.array(step, { minLength: 300, maxLength: 600 }), (steps) => {
        const loose = new LooseMap<number, number>()
        const map = new Map<number, number>()
        for (const one of steps) {
          const doIt = (
            to: Pick<Map<number, number>, 'delete' | 'has'> & { set(key: number, value: number): unknown },
          ) => (one.kind === 'set' ? to.set(one.key, one.value) === to : to.delete(one.key))
          expect(doIt(loose)).toBe(doIt(map))
          expect([loose.size, loose.get(one.key), loose.has(one.key)]).toEqual([
            map.size,
            map.get(one.key),
            map.has(one.key),
          ])
        }
        expect([...loose]).toEqual([...map])
        expect([...loose.keys()]).toEqual([...map.keys()])
      }),
      { numRuns: 50 },
    )
  })

  test('whoever walks through it meets all that is put in meanwhile, however much that is', () => {
    const map = new LooseMap<number, number>().set(0, 0)
    const met: number[] = []
    for (const key of map.keys()) {
      met.push(key)
      if (key < 500) map.set(key + 1, 0)
      map.delete(key)
    }
    expect(met).toEqual(Array.from({ length: 501 }, (_, index) => index))
    expect(map.size).toBe(0)
  })

  test('a walk that is given up holds nothing up', () => {
    const map = new LooseMap<string, number>().set('a', 1)
    for (const key of map.keys()) {
      expect(key).toBe('a')
      break
    }
    for (let index = 0; index < 500; index++) {
      map.set(`${index}`, index)
      map.delete(`${index}`)
    }
    expect([...map]).toEqual([['a', 1]])
  })
})
