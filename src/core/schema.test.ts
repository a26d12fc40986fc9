import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { BalletError } from './errors.ts'
import { validate, type Schema } from './schema.ts'

function refusal(schema: Schema, value: unknown): BalletError {
  try {
    validate(schema, value, 'the input of payment.charge')
  } catch (error) {
    if (error instanceof BalletError) return error
    throw error
  }
  throw new Error('it was accepted')
}

/** A schema by hand, as a library that implements the standard would have it. */
function byHand(answer: unknown): Schema {
  return { '~standard': { version: 1, vendor: 'test', validate: () => answer as { value: unknown } } }
}

describe('a value', () => {
  it('comes out as its schema makes it', () => {
    const schema = z.object({ amount: z.string().transform(Number), currency: z.string().default('EUR') })
    expect(validate(schema, { amount: '5', extra: 1 }, 'the input')).toEqual({ amount: 5, currency: 'EUR' })
    expect(validate(byHand({ value: undefined }), 5, 'the input')).toBeUndefined()
  })

  it('is refused with the path of the first field that is wrong', () => {
    const schema = z.object({ items: z.array(z.object({ sku: z.string() })) })
    const error = refusal(schema, { items: [{ sku: 'a' }, { sku: 5 }] })
    expect(error.code).toBe('INPUT_INVALID')
    expect(error.details).toMatchObject({ what: 'the input of payment.charge', path: 'items.1.sku' })
    expect(error.message).toContain('expected string, received number')
    expect(error.message).not.toContain('more')
  })

  it('is refused with the places of further problems', () => {
    const schema = z.object({ a: z.string(), b: z.string(), c: z.object({ d: z.string() }) })
    expect(refusal(schema, { c: {} }).message).toMatch(/ at a: .* \(and at b, c\.d\)\.$/)
    expect(refusal(schema, { a: '', c: {} }).message).toMatch(/ at b: .* \(and at c\.d\)\.$/)
    expect(refusal(z.string().min(3).email(), 'a').message).toMatch(/ at the top: .* \(and 1 more there\)\.$/)
    const many = z.object(
      Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => [name, z.string()])),
    )
    expect(refusal(many, {}).message).toMatch(/ at a: .* \(and at b, c, d, e, f and 2 more\)\.$/)
  })

  it.each<[string, unknown, string, string]>([
    ['no path', { issues: [{ message: 'no' }] }, 'the top', 'no'],
    ['an empty path', { issues: [{ message: 'no', path: [] }] }, 'the top', 'no'],
    ['steps that are objects', { issues: [{ message: 'no', path: [{ key: 'a' }, 0, { key: 1 }] }] }, 'a.0.1', 'no'],
    ['a symbol in the path', { issues: [{ message: 'no', path: [Symbol('a')] }] }, 'Symbol(a)', 'no'],
    ['no issue', { issues: [] }, 'the top', 'it does not match its schema'],
  ])('is refused by an answer with %s', (_name, answer, path, problem) => {
    expect(refusal(byHand(answer), 1).details).toEqual({ what: 'the input of payment.charge', path, problem })
  })
})

describe('a schema that answers later', () => {
  it('is refused', () => {
    const schema = z.string().refine(() => Promise.resolve(true))
    expect(refusal(schema, 'a').code).toBe('SCHEMA_ASYNC')
  })

  it('is refused when its promise is of another make, and when it rejects', () => {
    // oxlint-disable-next-line unicorn/no-thenable -- what a library with promises of its own would answer
    const foreign = { then: () => {} }
    expect(refusal(byHand(foreign), 'a').message).toBe(
      'The schema of the input of payment.charge validates asynchronously.',
    )
    expect(refusal(byHand(Promise.reject(new Error('late'))), 'a').code).toBe('SCHEMA_ASYNC')
  })
})
