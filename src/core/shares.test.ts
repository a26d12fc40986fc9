import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { candidatesOf, compareVersions, LEAVING, ownerOf } from './shares.ts'

const ids = fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 8 })
const shards = Array.from({ length: 64 }, (_, shard) => shard)
const nodesOf = (names: readonly string[]) => names.map((id) => ({ id }))

describe('shares', () => {
  it('whoever looks at the same nodes, in whatever order, comes to the same owners', () => {
    fc.assert(
      fc.property(ids, (names) => {
        for (const shard of shards)
          expect(ownerOf(shard, nodesOf(names))).toEqual(ownerOf(shard, nodesOf(names.toReversed())))
      }),
    )
  })

  it('a node that comes takes from the others, and moves nothing between them', () => {
    fc.assert(
      fc.property(ids, fc.uuid(), (names, more) => {
        fc.pre(!names.includes(more))
        for (const shard of shards) {
          const [before, after] = [ownerOf(shard, nodesOf(names)), ownerOf(shard, nodesOf([...names, more]))]
          expect([before?.id, more]).toContain(after?.id)
        }
      }),
    )
  })

  it('between nodes that score alike their names decide, in whatever order they come', () => {
    // Their names have one hash behind the number of the shard.
    const [first, second] = ['node-1vmzsjf', 'node-m0ohch']
    expect(ownerOf(0, nodesOf([first, second]))?.id).toBe(second)
    expect(ownerOf(0, nodesOf([second, first]))?.id).toBe(second)
  })

  it('shares are about even, also for ids that hardly differ', () => {
    const counts = new Map<string, number>()
    const nodes = nodesOf(['node-1', 'node-2', 'node-3', 'node-4'])
    for (let shard = 0; shard < 1024; shard++) {
      const id = ownerOf(shard, nodes)?.id ?? ''
      counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    for (const { id } of nodes) expect(Math.abs((counts.get(id) ?? 0) - 256)).toBeLessThan(60)
  })

  it('without a node there is no owner', () => {
    expect(ownerOf(0, [])).toBeUndefined()
  })

  it.each([
    ['1.10', '1.9', 1],
    ['2', '10', -1],
    ['1.0', '1.0', 0],
    ['1', '1.0', -1],
    ['1.0.1', '1.0', 1],
    ['1.0-beta', '1.0-alpha', 1],
    ['1.0-alpha', '1.0-beta', -1],
    ['1.0-beta.2', '1.0-beta.1', 1],
    ['1.a', '1.5', -1],
    ['1.0-rc.1', '1.0.1', -1],
    ['1.1', '1-rc', 1],
    // What stands before or behind the numbers is a text like any other.
    ['v1.10', 'v1.9', 1],
    ['v1.0', '1.0', -1],
    ['1.0+build', '1.0', -1],
    ['1.0+2', '1.0+1', 1],
    ['1.0+1', '1.0', 1],
    // Numbers of any length: one part, exactly.
    ['20261130181021124', '20261130181021123', 1],
    ['9'.repeat(64), '9'.repeat(63), 1],
    ['01', '1', 0],
    ['Infinity', '1', -1],
    ['1.0-rc.1', '1.0', -1],
    ['1.0-rc.2', '1.0-rc.1', 1],
    ['1.0-rc', '1.0-rc', 0],
    ['next', '', -1],
    ['2026-11-27', '2026-2-1', 1],
    ['', '0', -1],
    ['--', '', 0],
  ])('of %j and %j', (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign)
    // What is no difference has no sign either.
    expect(Math.sign(compareVersions(b, a)) + sign).toBe(0)
  })

  it('versions have one order: of any three, none is newer than one that is newer than it', () => {
    const part = fc.oneof(fc.constantFrom('0', '1', '2', '10', 'rc', 'v', 'beta', 'a'), fc.nat().map(String))
    const words = fc.array(fc.tuple(fc.constantFrom('', '.', '-', '+'), part), { maxLength: 4 })
    const version = fc.oneof(
      words.map((parts) => parts.flat().join('')),
      fc.string({ unit: 'grapheme-ascii', maxLength: 64 }),
    )
    const sign = (a: string, b: string): number => Math.sign(compareVersions(a, b))
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(sign(a, a)).toBe(0)
        expect(sign(a, b) + sign(b, a)).toBe(0)
        const isDown = sign(a, b) >= 0 && sign(b, c) >= 0
        expect(isDown ? sign(a, c) : 0).toBe(isDown ? Math.max(sign(a, b), sign(b, c)) : 0)
      }),
      { numRuns: 2000 },
    )
  })

  it('of any nodes that stay, some may own shards, whatever their versions are and in whatever order they are seen', () => {
    const versions = ['1.0', '1.0-rc.1', '1.0.1'].map((version) => ({ version }))
    expect(candidatesOf(versions)).toEqual([{ version: '1.0.1' }])
    expect(candidatesOf(versions.toReversed())).toEqual([{ version: '1.0.1' }])
    // Also where none of them has a number.
    expect(candidatesOf([{ version: 'next' }, { version: 'main' }, { version: LEAVING }])).toEqual([
      { version: 'next' },
    ])
  })

  it('only nodes of the newest version own shards, and none that is to end', () => {
    const nodes = ['1.9', '1.10', LEAVING, '1.10', '1.2'].map((version, at) => ({ version, at }))
    expect(candidatesOf(nodes).map(({ at }) => at)).toEqual([1, 3])
    expect(candidatesOf([{ version: LEAVING }])).toEqual([])
    expect(candidatesOf([])).toEqual([])
  })
})
