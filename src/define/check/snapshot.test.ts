// Changes of schemas since they were agreed: each kind of change once, whether it breaks somebody, and whom.
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ballet } from '../ballet.ts'
import { choreography } from '../choreography.ts'
import type { Schema } from '../../core/schema.ts'
import { event } from '../event.ts'
import { operation } from '../operation.ts'
import { seq } from '../pattern.ts'
import { service } from '../service.ts'
import type { Finding } from './finding.ts'
import { compareSnapshot, isSnapshot, snapshotOf } from './snapshot.ts'

const id = { orderId: z.string().min(2) }
const base = {
  ...id,
  total: z.int().min(1),
  note: z.string().max(10).optional(),
  state: z.enum(['new', 'old']),
  who: z.union([z.string(), z.null()]),
  lines: z.array(z.object({ sku: z.string() })).max(5),
}
type Shape = Readonly<Record<string, z.ZodType>>

interface Differs {
  readonly isOutcome?: boolean
  readonly extra?: boolean
  readonly input?: Shape
  readonly output?: Schema | null
}

/** An application whose one event, from outside or the outcome of an operation, has these fields. */
function application(shape: Shape, { isOutcome = true, extra = false, input = id, output = null }: Differs = {}) {
  const Noted = event('order.noted', z.object(shape) as unknown as z.ZodObject<typeof id>, { key: 'orderId' })
  const Closed = event('order.closed', z.object(id), { key: 'orderId' })
  const Late = event('order.late', z.object(id), { key: 'orderId' })
  const run = (): never => {
    throw new RangeError('not run')
  }
  const books = service('books', {
    note: operation({
      input: z.object(input) as unknown as z.ZodObject<typeof id>,
      outcomes: (isOutcome ? [Noted] : [Late]) as [typeof Noted],
      run,
    }),
    close: operation({ input: z.object(id), outcomes: (extra ? [Closed, Late] : [Closed]) as [typeof Closed], run }),
    count: operation({
      input: z.object({}),
      output: (output ?? z.object({ n: z.int() })) as z.ZodType<{ n: number }>,
      run,
    }),
  })
  books.on(Noted, ({ orderId }) => books.close({ orderId }))
  return ballet({ services: [books], choreographies: [choreography('day', { key: 'orderId' }, seq(Noted, Closed))] })
}

const changes = (found: readonly Finding[]): readonly string[] =>
  found.map(({ code, place, problem }) => `${code} ${place}: ${problem}`)
const compare = (shape: Shape, options = {}, before = {}) =>
  changes(compareSnapshot(snapshotOf(application(base, before)), application(shape, options)))
const breaking = (reason: string): string =>
  `schema-breaking event "order.noted": what is read: ${reason}. It breaks reaction books:order.noted, choreography day`
const compatible = ['schema-changed event "order.noted": it changed, and nobody breaks']

describe('what is read', () => {
  const { note: _note, ...rest } = base
  it.each<readonly [string, Shape, readonly string[]]>([
    ['nothing', base, []],
    ['one more field', { ...base, more: z.string() }, compatible],
    ['an optional field becomes certain', { ...base, note: z.string().max(10) }, compatible],
    ['an optional field goes', rest, compatible],
    ['fewer values', { ...base, state: z.enum(['new']) }, compatible],
    ['never null', { ...base, who: z.string() }, compatible],
    [
      'closer bounds',
      { ...base, total: z.int().min(5), lines: z.array(z.object({ sku: z.string() })).max(2) },
      compatible,
    ],
    ['a certain field goes', { ...base, total: z.int().min(1).optional() }, [breaking('total can be missing')]],
    [
      'a field is gone',
      Object.fromEntries(Object.entries(base).filter(([name]) => name !== 'state')),
      [breaking('state is missing')],
    ],
    ['another type', { ...base, total: z.string() }, [breaking('total can be string, not integer')]],
    ['a wider type', { ...base, total: z.number().min(1) }, [breaking('total can be number, not integer')]],
    ['one more value', { ...base, state: z.enum(['new', 'old', 'lost']) }, [breaking('state can be "lost"')]],
    ['any value', { ...base, state: z.string() }, [breaking('state can be any string, and was one of "new", "old"')]],
    [
      'one more variant',
      { ...base, who: z.union([z.string(), z.null(), z.int()]) },
      [breaking('who can be integer, which is none of the variants')],
    ],
    ['null', { ...base, note: z.string().max(10).nullable().optional() }, [breaking('note can be null, not string')]],
    [
      'wider bounds',
      { ...base, note: z.string().max(99).optional() },
      [breaking('note has maxLength 99 where 10 is relied on')],
    ],
    [
      'no bound',
      { ...base, lines: z.array(z.object({ sku: z.string() })) },
      [breaking('lines has maxItems no more where 5 is relied on')],
    ],
    [
      'deep inside',
      { ...base, lines: z.array(z.object({ sku: z.int() })).max(5) },
      [breaking('lines[].sku can be integer, not string')],
    ],
  ])('%s', (_what, shape, expected) => {
    expect(compare(shape)).toEqual(expected)
  })
})

describe('what is given', () => {
  const outside = { isOutcome: false }
  it('from outside breaks whoever publishes it, when more is asked for than before', () => {
    expect(compare({ ...base, more: z.string() }, outside, outside)).toEqual([
      'schema-breaking event "order.noted": what is given as before is refused: more is missing. It breaks reaction books:order.noted, choreography day, whoever publishes it',
    ])
    expect(compare({ ...base, more: z.string().optional() }, outside, outside)).toEqual(compatible)
  })

  it('to an operation breaks its callers', () => {
    const wider = { input: { ...id, more: z.string() } }
    expect(compare(base, wider)).toEqual([
      'schema-breaking operation "books.note": what is given as before is refused: more is missing. It breaks workflows that call it',
    ])
    expect(compare(base, {}, wider)).toEqual(['schema-changed operation "books.note": it changed, and nobody breaks'])
  })
})

describe('what is answered', () => {
  it('with one more outcome breaks callers, with one less nobody', () => {
    expect(compare(base, { extra: true })).toEqual([
      'schema-breaking operation "books.close": it can answer with order.late, which nobody knows. It breaks reaction books:order.noted, workflows that call it',
      'schema-new event "order.late": it is not in the snapshot',
    ])
    expect(compare(base, {}, { extra: true })).toEqual([
      'schema-breaking event "order.late": it is gone. It breaks whoever publishes it',
      'schema-changed operation "books.close": it changed, and nobody breaks',
    ])
  })

  it('as an output is read', () => {
    expect(compare(base, { output: z.object({ n: z.string() }) })).toEqual([
      'schema-breaking operation "books.count": what is read: n can be string, not integer. It breaks workflows that call it',
    ])
  })
})

it('says what it cannot see', () => {
  const { validate, version, vendor } = z.string()['~standard']
  const blind = { '~standard': { version, vendor, validate } } as unknown as Schema<{ orderId: string }>
  const definition = ballet({ services: [], events: [event('blind', blind, { key: 'orderId' })] })
  expect(changes(compareSnapshot(snapshotOf(definition), definition))).toEqual([
    'schema-unseen event "blind": its library does not give it as JSON Schema, so that its changes are not seen',
  ])
})

it('is JSON, and known again', () => {
  const snapshot = snapshotOf(application(base))
  expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot)
  expect(Object.keys(snapshot.events)).toEqual(['order.closed', 'order.noted'])
  expect(isSnapshot(snapshot)).toBe(true)
  for (const other of [null, [], {}, { version: 2, events: {}, operations: {} }, { version: 1, events: {} }])
    expect(isSnapshot(other)).toBe(false)
})
