import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  BalletError,
  BugError,
  FinalError,
  FixError,
  RetryError,
  TerminalError,
  asError,
  assertNever,
  catalogue,
  fault,
  invariant,
  isBalletError,
  isTerminal,
  RetryAfterError,
  retryAfterMsOf,
  type ErrorCode,
} from './errors.ts'

const codes = Object.keys(catalogue) as ErrorCode[]
const classes = { fix: FixError, retry: RetryError, final: FinalError, bug: BugError }

describe.each(codes)('%s', (code) => {
  const entry = catalogue[code]

  it('has words, a hint, a status of HTTP and the class of its family', () => {
    const error = fault(code)
    expect(error).toBeInstanceOf(classes[entry.family])
    expect(error).toMatchObject({ code, name: classes[entry.family].name, status: entry.status, family: entry.family })
    expect(entry.message).not.toBe('')
    expect(entry.hint).not.toBe('')
    expect(entry.status).toBeGreaterThanOrEqual(400)
    expect(entry.status).toBeLessThan(600)
    expect(isBalletError(error)).toBe(true)
  })

  it('puts its details into its words', () => {
    const names = [...`${entry.message} ${entry.hint}`.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string)
    const error = fault(code, Object.fromEntries(names.map((name) => [name, `<${name}>`])))
    for (const name of names) expect(`${error.message} ${error.hint}`).toContain(`<${name}>`)
    expect(`${error.message} ${error.hint}`).not.toMatch(/\{\w+\}/)
  })
})

describe('the details of an error', () => {
  it('stand in its words: lists with commas, nothing for what is absent', () => {
    expect(fault('METHOD_NOT_ALLOWED', { method: 'PUT', path: '/api/runs', allowed: ['GET', 'POST'] })).toMatchObject({
      message: 'PUT is not allowed on /api/runs.',
      hint: 'Use GET, POST.',
      details: { method: 'PUT', path: '/api/runs', allowed: ['GET', 'POST'] },
    })
    expect(fault('FOREIGN_AWAIT', { run: 'a', work: null }).message).toBe('a awaits something that is not durable.')
    expect(fault('RUN_UNKNOWN').message).toBe('There is no run "".')
    expect(fault('BODY_TOO_LARGE', { limit: 0 }).message).toBe('The body is larger than 0 bytes.')
    expect(fault('RUN_CONFLICT', { id: false }).message).toBe('The run "false" exists with another input.')
  })

  it('are not looked at again for names in braces, nor for marks of a replacement', () => {
    expect(fault('RUN_FAILED', { id: '{message}', message: '$& $1 {id}' }).message).toBe(
      'The run "{message}" failed: $& $1 {id}',
    )
  })
})

it('the cause of an error is kept, and absent when there is none', () => {
  const cause = new Error('disk')
  expect(fault('STORE_FAILED', { problem: 'x' }, cause).cause).toBe(cause)
  expect('cause' in fault('STORE_FAILED', { problem: 'x' })).toBe(false)
  expect(new BalletError('USAGE')).toMatchObject({ name: 'BalletError', details: {}, message: '' })
})

describe('an invariant', () => {
  it('is a bug of ours when it does not hold', () => {
    expect(() => invariant(1, 'never')).not.toThrow()
    expect(() => invariant('', 'a turn closed twice')).toThrow(BugError)
    expect(() => invariant(null, 'a turn closed twice')).toThrow(
      'A rule of the engine was broken: a turn closed twice.',
    )
  })

  it('is broken by a case that a switch does not know', () => {
    expect(() => assertNever({ kind: 'new' } as never)).toThrow(
      'A rule of the engine was broken: unexpected {"kind":"new"}.',
    )
  })
})

describe('an error of the catalogue', () => {
  it('is known by its code, also from another copy of the module', () => {
    expect(isBalletError(Object.assign(new Error('x'), { code: 'RUN_UNKNOWN', status: 404, details: {} }))).toBe(true)
  })

  it.each<[string, unknown]>([
    ['a code by chance', Object.assign(new Error('x'), { code: 'OVERLOADED' })],
    ['a code by chance, and another status', Object.assign(new Error('x'), { code: 'OVERLOADED', status: 500 })],
    ['a code by chance, and its status', Object.assign(new Error('x'), { code: 'OVERLOADED', status: 429 })],
    ['details that are none', Object.assign(new Error('x'), { code: 'OVERLOADED', status: 429, details: 'many' })],
    ['no details', Object.assign(new Error('x'), { code: 'OVERLOADED', status: 429, details: null })],
    ['another code', Object.assign(new Error('x'), { code: 'ENOENT' })],
    ['a code that every object has', Object.assign(new Error('x'), { code: 'constructor' })],
    ['a code that is no text', Object.assign(new Error('x'), { code: 5 })],
    ['no code', new Error('x')],
    ['no error', { code: 'RUN_UNKNOWN' }],
    ['nothing', undefined],
    [
      'a code that cannot be read',
      Object.defineProperty(new Error('x'), 'code', {
        get: () => {
          throw fault('INVARIANT')
        },
      }),
    ],
  ])('is not one with %s', (_name, error) => {
    expect(isBalletError(error)).toBe(false)
  })
})

describe('a terminal error', () => {
  it('is known by its mark, also from another copy of the module', () => {
    const error = new TerminalError('the card is stolen')
    expect(error).toMatchObject({ name: 'TerminalError', terminal: true, message: 'the card is stolen' })
    expect(isTerminal(error)).toBe(true)
    expect(isTerminal(Object.assign(new Error('x'), { terminal: true }))).toBe(true)
    const hostile = Object.defineProperty(new Error('x'), 'terminal', {
      get: () => {
        throw new Error('do not look')
      },
    })
    expect(isTerminal(hostile)).toBe(false)
  })

  it.each<[string, unknown]>([
    ['an error', new Error('x')],
    ['an error with another mark', Object.assign(new Error('x'), { terminal: 'yes' })],
    ['an object', { terminal: true }],
    ['null', null],
  ])('%s is none', (_name, error) => {
    expect(isTerminal(error)).toBe(false)
  })
})

describe('an error that says when to come back', () => {
  it('is known by its number, also from a library', () => {
    const error = new RetryAfterError('limited', 1500.2, { cause: 'HTTP 429' })
    expect(error).toMatchObject({ name: 'RetryAfterError', message: 'limited', cause: 'HTTP 429' })
    expect(retryAfterMsOf(error)).toBe(1501)
    expect(retryAfterMsOf(Object.assign(new Error('x'), { retryAfterMs: 1 }))).toBe(1)
    expect(retryAfterMsOf(new RetryAfterError('limited', Infinity))).toBe(86_400_000)
  })

  const hostile = Object.defineProperty(new Error('x'), 'retryAfterMs', {
    get: () => {
      throw new Error('do not look')
    },
  })
  it.each<[string, unknown]>([
    ['an error', new Error('x')],
    ['an error with words', Object.assign(new Error('x'), { retryAfterMs: '30s' })],
    ['one with nothing', new RetryAfterError('x', 0)],
    ['one with a time that was', new RetryAfterError('x', -5)],
    ['one with what is no number', new RetryAfterError('x', Number.NaN)],
    ['one that cannot be looked at', hostile],
    ['an object', { retryAfterMs: 30 }],
    ['null', null],
  ])('%s says nothing of it', (_name, error) => {
    expect(retryAfterMsOf(error)).toBe(0)
  })
})

it('says what to do wherever it is printed', () => {
  expect(inspect(fault('STORE_UNKNOWN', { url: 'x' }))).toContain("hint: 'Use memory:, file:<path> or")
})

it('takes what was thrown as it is, and what is no error for a failure', () => {
  const error = new Error('x')
  expect(asError(error)).toBe(error)
  expect(asError('gone')).toMatchObject({ code: 'STORE_FAILED', details: { problem: 'gone' } })
})
