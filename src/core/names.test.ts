import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BalletError } from './errors.ts'
import {
  causeProblem,
  checkEventName,
  checkId,
  idProblem,
  isField,
  isName,
  isType,
  keyOf,
  nearest,
  overdueType,
  splitKey,
} from './names.ts'

function refusal(work: () => unknown): BalletError {
  try {
    work()
  } catch (error) {
    if (error instanceof BalletError) return error
    throw error
  }
  throw new Error('it was accepted')
}

const letters = fc.oneof(fc.nat(0xffff), fc.nat(0x7f))
const texts = fc.array(letters, { minLength: 1, maxLength: 5 }).map((units) => String.fromCharCode(...units))
const ids = fc.stringMatching(/^[A-Za-z0-9._:@+=-]{1,256}$/).filter((id) => id !== '.' && id !== '..')

describe('an id', () => {
  it('is 1 to 256 characters of its alphabet', () => {
    fc.assert(
      fc.property(ids, (id) => {
        expect(checkId(id, 'The id')).toBe(id)
      }),
    )
    fc.assert(
      fc.property(texts, (id) => {
        const isPlain = id.split('').every((letter) => /[A-Za-z0-9._:@+=-]/.test(letter)) && !/^\.\.?$/.test(id)
        expect(idProblem(id) === undefined).toBe(isPlain)
      }),
    )
  })

  it('may be as long as 256 characters', () => {
    expect(checkId('a'.repeat(256), 'The id')).toHaveLength(256)
  })

  it.each([
    ['', '', 'it is empty'],
    ['a'.repeat(257), `${'a'.repeat(80)}…`, 'it is longer than 256 characters'],
    ['.', '.', 'no address can hold it'],
    ['..', '..', 'no address can hold it'],
    ['a b', 'a b', 'it has a character outside the alphabet'],
    ['a\n', 'a\\n', 'it has a character outside the alphabet'],
    ['a\0', 'a\\u0000', 'it has a character outside the alphabet'],
    ['\ud800', '\\ud800', 'it has a character outside the alphabet'],
    ['a~b', 'a~b', 'it has a character outside the alphabet'],
    ['a/b', 'a/b', 'it has a character outside the alphabet'],
    ['é', 'é', 'it has a character outside the alphabet'],
  ])('%j is refused', (id, shown, problem) => {
    expect(refusal(() => checkId(id, 'The id of the run'))).toMatchObject({
      code: 'ID_INVALID',
      message: `The id of the run "${shown}" is not a valid id: ${problem}.`,
    })
  })
})

describe('a key', () => {
  it('is its field and value, and is split again, also when the value has colons', () => {
    const fields = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/)
    fc.assert(
      fc.property(fields, ids, (field, value) => {
        expect(keyOf(field, value)).toBe(`${field}:${value}`)
        expect(splitKey(keyOf(field, value))).toEqual({ field, value })
      }),
    )
  })

  it.each<[string, unknown, string, string]>([
    ['orderId', 5, '5', 'it is not a string'],
    ['orderId', undefined, 'undefined', 'it is not a string'],
    ['orderId', null, 'null', 'it is not a string'],
    ['orderId', '', '', 'it is empty'],
    ['orderId', 'a b', 'a b', 'it has a character outside the alphabet'],
    ['order-id', 'a', 'a', 'its field has no such name'],
    ['', 'a', 'a', 'its field has no such name'],
  ])('%s of %j is refused', (field, value, shown, problem) => {
    expect(refusal(() => keyOf(field, value))).toMatchObject({
      code: 'KEY_INVALID',
      details: { field, value: shown, problem },
    })
  })

  it('is refused for every value that is no string, also one that cannot be written as one', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true }), (value) => {
        fc.pre(typeof value !== 'string')
        expect(refusal(() => keyOf('orderId', value)).code).toBe('KEY_INVALID')
      }),
    )
    const hostile: unknown = JSON.parse('{"toString":1,"valueOf":2}')
    expect(refusal(() => keyOf('orderId', hostile)).details).toMatchObject({ value: 'an object' })
    expect(refusal(() => keyOf('orderId', () => {})).details).toMatchObject({ value: 'a function' })
    expect(refusal(() => keyOf('orderId', Symbol('a'))).details).toMatchObject({ value: 'Symbol(a)' })
  })
})

it('names of services, operations and workflows', () => {
  expect(['a', 'A-1_b', `a${'b'.repeat(63)}`].map(isName)).toEqual([true, true, true])
  expect(['', '1a', 'a.b', 'a b', '-a', 'a\n', `a${'b'.repeat(64)}`].filter(isName)).toEqual([])
})

it('types of events and signals', () => {
  expect(['order', 'order.created', 'a.1', 'a-b_c.D', 'a'.repeat(128)].map(isType)).toEqual([
    true,
    true,
    true,
    true,
    true,
  ])
  expect(['', '.a', 'a.', 'a..b', '1a', 'a b', 'a:b', 'a\n', 'a'.repeat(129)].filter(isType)).toEqual([])
})

it('fields of keys', () => {
  expect(['a', '_id', 'orderId2', 'a'.repeat(64)].map(isField)).toEqual([true, true, true, true])
  expect(['', '2a', 'a-b', 'a:b', 'a'.repeat(65)].filter(isField)).toEqual([])
})

it('the source and id of an event are printable ASCII without spaces, quotes and ~', () => {
  for (const value of ['https://shop.example/a?b=c#d', 'a', '!', '}', 'a'.repeat(256)]) {
    expect(checkEventName(value, 'The source')).toBe(value)
  }
  for (const value of ['', 'a b', 'a"b', 'a~b', 'é', 'a\u007f', 'a'.repeat(257)]) {
    expect(refusal(() => checkEventName(value, 'The source'))).toMatchObject({
      code: 'ID_INVALID',
      details: {
        what: 'The source',
        problem: 'it must be 1 to 256 printable ASCII characters without spaces, quotes and ~',
      },
    })
  }
})

it('a cause is printable ASCII without spaces', () => {
  expect(['run:a', 'event:shop:a"b~', 'a'.repeat(1024)].map(causeProblem)).toEqual([undefined, undefined, undefined])
  for (const value of ['', 'a b', 'é', '\0', '\ud800', 'a'.repeat(1025)])
    expect(causeProblem(value)).toBe('it must be 1 to 1024 printable ASCII characters without spaces')
})

it('tells of a deadline by the name of its choreography', () => {
  expect(overdueType('sale')).toBe('sale.overdue')
  expect(isType(overdueType('sale'))).toBe(true)
})

describe('the nearest name', () => {
  const names = ['payment.charge', 'payment.refund', 'shipping.ship', 'notify']

  it.each([
    ['payment.chrage', 'payment.charge'],
    ['Payment.Charge', 'payment.charge'],
    ['payment.refun', 'payment.refund'],
    ['shiping.ship', 'shipping.ship'],
    ['notfy', 'notify'],
  ])('of %s is %s', (name, near) => {
    expect(nearest(name, names)).toBe(` Did you mean "${near}"?`)
  })

  it('is none when nothing is near, and when there is nothing', () => {
    expect(nearest('inventory.reserve', names)).toBe('')
    expect(nearest('x', [])).toBe('')
    expect(nearest('', names)).toBe('')
  })

  it('is no short name for a long word that has nothing of it', () => {
    expect(nearest('x'.repeat(3000), ['notify', 'payment.charge'])).toBe('')
  })

  it('is the first of several that are as near', () => {
    expect(nearest('shop-c', ['shop-a', 'shop-b'])).toBe(' Did you mean "shop-a"?')
  })

  it('is the first of those with the fewest edits, up to two or a third of the name', () => {
    const words = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '.'), maxLength: 12 })
    fc.assert(
      fc.property(words, fc.array(words, { maxLength: 6 }), (name, candidates) => {
        const edits = candidates.map((candidate) => distance(name, candidate))
        const least = Math.min(...edits)
        const isNear = least <= Math.max(2, Math.floor(name.length / 3)) && candidates[edits.indexOf(least)] !== ''
        expect(nearest(name, candidates)).toBe(isNear ? ` Did you mean "${candidates[edits.indexOf(least)]}"?` : '')
      }),
      { numRuns: 1000 },
    )
  })
})

/** Edits between two words, by the definition. */
function distance(left: string, right: string, known = new Map<string, number>()): number {
  if (left === '' || right === '') return left.length + right.length
  const place = `${left.length} ${right.length}`
  const found = known.get(place)
  if (found !== undefined) return found
  const [shortLeft, shortRight] = [left.slice(1), right.slice(1)]
  const edits = Math.min(
    distance(shortLeft, shortRight, known) + (left[0] === right[0] ? 0 : 1),
    distance(shortLeft, right, known) + 1,
    distance(left, shortRight, known) + 1,
  )
  known.set(place, edits)
  return edits
}
