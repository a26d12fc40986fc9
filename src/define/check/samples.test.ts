// Samples: every decision of a schema falls each way once, and a schema that cannot be sampled gives none.
import { expect, it } from 'vitest'
import { z } from 'zod'
import type { Schema } from '../../core/schema.ts'
import { event } from '../event.ts'
import { samplesOf } from './samples.ts'

const key = { key: 'id' } as const
const id = z.string().regex(/^[A-Z]{2}-\d+$/)

it('differ at every fork of the schema', () => {
  const shape = z.object({
    id,
    kind: z.enum(['a', 'b']),
    note: z.string().optional(),
    tags: z.array(z.int().min(5)),
    who: z.union([z.email(), z.null()]),
    on: z.boolean(),
  })
  const base = { id: 'AB-12', kind: 'a', note: 'k1', tags: [5], who: 'a@example.com', on: true }
  const { note: _note, ...silent } = base
  const samples = samplesOf(event('e', shape, key))
  expect(samples).toHaveLength(7)
  expect(samples).toEqual(
    expect.arrayContaining([
      base,
      { ...base, kind: 'b' },
      silent,
      { ...base, tags: [] },
      { ...base, tags: [5, 5] },
      { ...base, who: null },
      { ...base, on: false },
    ]),
  )
})

it('are what the schema makes of them, and only what it accepts', () => {
  const doubled = z.object({ id, n: z.int().transform((n) => n * 2) })
  expect(samplesOf(event('e', doubled, key))).toEqual([{ id: 'AB-12', n: 2 }])
  const odd = z.object({ id, kind: z.enum(['a', 'b']) }).refine(({ kind }) => kind === 'b')
  expect(samplesOf(event('e', odd, key))).toEqual([{ id: 'AB-12', kind: 'b' }])
})

it.each<[RegExp, string]>([
  [/^D-\d+$/, 'D-1'],
  [/^[a-z]{3}\d{4,6}$/, 'aaa1111'],
  [/^DE\d{9}$/, 'DE111111111'],
  [/^ORD\.\w+-?x*$/, 'ORD.a'],
  [/^customer:.*/, 'customer:'],
])('are spelled by a pattern of letters and classes: %s', (pattern, word) => {
  expect(samplesOf(event('e', z.object({ id: z.string().regex(pattern) }), key))).toEqual([{ id: word }])
})

it('are the examples of the schema, and its default where nothing else fits', () => {
  const given = z.object({
    id: z
      .string()
      .regex(/^(red|blue)-\d$/)
      .meta({ examples: ['red-1', 'blue-2'] }),
    size: z.int().meta({ examples: [40] }),
    of: z
      .string()
      .regex(/^(a|b)+c$/)
      .default('abc'),
  })
  const base = { id: 'red-1', size: 40, of: 'abc' }
  expect(samplesOf(event('e', given, key))).toEqual([base, base, { ...base, id: 'blue-2' }])
  const whole = z.object({ id, kind: z.enum(['a', 'b']) }).meta({ examples: [{ id: 'DE-7', kind: 'b' }] })
  expect(samplesOf(event('e', whole, key))).toEqual([
    { id: 'AB-12', kind: 'a' },
    { id: 'DE-7', kind: 'b' },
    { id: 'AB-12', kind: 'b' },
  ])
})

it('are none where none can be made', () => {
  const given = (input: unknown): Schema<{ id: string }> =>
    ({
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: unknown) => ({ value }),
        jsonSchema: { input: () => input },
      },
    }) as unknown as Schema<{ id: string }>
  const broken = { type: 'object', required: ['id'], properties: { id: { type: 'string', pattern: '(' } } }
  expect(samplesOf(event('e', given(broken), key))).toEqual([])
  expect(samplesOf(event('e', given(null), key))).toEqual([])
  expect(samplesOf(event('e', z.object({ id: z.string().regex(/^(never|such) a word$/) }), key))).toEqual([])
})

it('end, also of a schema that contains itself in many fields', () => {
  const fields = Object.fromEntries(Array.from({ length: 9 }, (_one, at) => [`f${at}`, { $ref: '#' }]))
  const schema = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value: unknown) => ({ value }),
      jsonSchema: {
        input: () => ({ type: 'object', required: ['id'], properties: { id: { type: 'string' }, ...fields } }),
      },
    },
  } as unknown as Schema<{ id: string }>
  expect(samplesOf(event('e', schema, key)).length).toBeGreaterThan(1)
})
