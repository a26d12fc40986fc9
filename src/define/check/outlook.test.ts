// What can still come in a flow, against a walk along every event from every place; over more types than a word has bits.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Flow } from '../../core/flow.ts'
import type { FlowPattern } from '../../core/flow-pattern.ts'
import type { Place } from '../../core/flow-places.ts'
import { Outlook } from './outlook.ts'

const TYPES = Array.from({ length: 40 }, (_one, number) => `e${number}`)

const patterns = (depth: number): fc.Arbitrary<FlowPattern> => {
  const event = fc.constantFrom(...TYPES).map((type): FlowPattern => ({ kind: 'event', type }))
  if (depth === 0) return event
  const part = fc.oneof(event, patterns(depth - 1))
  const parts = fc.array(part, { minLength: 2, maxLength: 4 })
  return fc.oneof(
    parts.map((list): FlowPattern => ({ kind: 'seq', parts: list })),
    parts.map((list): FlowPattern => ({ kind: 'choice', parts: list })),
    part.map((one): FlowPattern => ({ kind: 'many', part: one })),
    part.map((one): FlowPattern => ({ kind: 'optional', part: one })),
  )
}

function reached(places: readonly Place[], from: number): readonly Place[] {
  const seen = new Set([from])
  for (const number of seen) for (const { to } of places[number]?.edges.values() ?? []) seen.add(to)
  return [...seen].map((number) => places[number] as Place)
}

it('is what a walk from each place comes by, once and twice', () => {
  fc.assert(
    fc.property(patterns(4), (pattern) => {
      const { places, types } = new Flow(pattern, [], 'flow "it"')
      const outlook = new Outlook(places)
      const comes = (from: number, type: string): boolean => reached(places, from).some(({ edges }) => edges.has(type))
      for (const type of types) {
        const comings = places.flatMap(({ edges }, number) => {
          const to = edges.get(type)?.to
          return to === undefined ? [] : [{ number, to }]
        })
        expect(outlook.comings(type)).toEqual(comings)
        for (const from of places.keys()) {
          const behind = reached(places, from).flatMap(({ edges }) => edges.get(type)?.to ?? [])
          expect(outlook.comes(from, type)).toBe(behind.length > 0)
          expect(outlook.comesTwice(from, type)).toBe(behind.some((to) => comes(to, type)))
        }
      }
    }),
    { numRuns: 500 },
  )
})

it('knows nothing of a type that does not come', () => {
  const { places } = new Flow({ kind: 'event', type: 'a' }, [], 'flow "it"')
  const outlook = new Outlook(places)
  expect([outlook.comes(0, 'b'), outlook.comesTwice(0, 'a'), outlook.comings('b')]).toEqual([false, false, []])
})
