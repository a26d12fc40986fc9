import { describe, expect, it } from 'vitest'
import { BalletError, TerminalError, fault } from './errors.ts'
import {
  CallError,
  cancelledFault,
  endingFailure,
  endsAsFailed,
  isCancellation,
  threw,
  toFailure,
  type Failure,
} from './failure.ts'

/** An error whose fields cannot be read. */
const unreadable = (...fields: readonly string[]): Error =>
  new Proxy(new Error('x'), {
    get: (target, field, receiver) => {
      if (fields.includes(String(field))) throw new TypeError(`${String(field)} cannot be read`)
      return Reflect.get(target, field, receiver) as unknown
    },
    has: (target, field) => fields.includes(String(field)) || field in target,
  })
const revoked = (): unknown => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** An error of ours whose `field` is another thing each time that it is read. */
const unsteady = (field: string, ...values: readonly unknown[]): Error => {
  let reads = 0
  return Object.defineProperty(fault('RUN_UNKNOWN'), field, { get: () => values[reads++ % values.length] })
}

const declined = new CallError('CALL_FAILED', 'payment.charge', { code: 'TERMINAL', message: 'stolen' })
const down = new CallError('CALL_FAILED', 'payment.charge', { code: 'ATTEMPT_FAILED', message: 'no answer' })

describe('what is kept of something thrown', () => {
  class Odd extends Error {
    override readonly name = 'Odd'
  }
  const cycle: { self?: unknown } = {}
  cycle.self = cycle

  it.each<[string, unknown, Failure]>([
    ['an error of ours', fault('RUN_UNKNOWN', { id: 'a' }), { code: 'RUN_UNKNOWN', message: 'There is no run "a".' }],
    ['a terminal error', new TerminalError('stolen'), { code: 'TERMINAL', message: 'stolen' }],
    ['an error', new Odd('x'), { code: 'Odd', message: 'x' }],
    ['an error without words', new TypeError(), { code: 'TypeError', message: '' }],
    [
      'an error whose words are no text',
      Object.assign(new Error('x'), { name: 1, message: { a: 1 } }),
      { code: '1', message: '[object Object]' },
    ],
    [
      'a terminal error whose words are no text',
      Object.assign(new TerminalError('x'), { message: 5 }),
      { code: 'TERMINAL', message: '5' },
    ],
    ['a text', 'just words', { code: 'THROWN', message: 'just words' }],
    ['an object', { a: 1 }, { code: 'THROWN', message: '{"a":1}' }],
    ['null', null, { code: 'THROWN', message: 'null' }],
    ['undefined', undefined, { code: 'THROWN', message: 'undefined' }],
    ['a symbol', Symbol('a'), { code: 'THROWN', message: 'Symbol(a)' }],
    ['a bigint', 5n, { code: 'THROWN', message: 'something that cannot be read' }],
    ['a cycle', cycle, { code: 'THROWN', message: 'something that cannot be read' }],
    ['an error whose code throws', unreadable('code'), { code: 'Error', message: 'x' }],
    [
      'an error whose message throws',
      unreadable('message'),
      { code: 'THROWN', message: 'something that cannot be read' },
    ],
    ['a revoked proxy', revoked(), { code: 'THROWN', message: 'something that cannot be read' }],
    [
      'an error whose code is no text when it is read again',
      unsteady('code', 'RUN_UNKNOWN', 'RUN_UNKNOWN', 5n),
      { code: '5', message: 'There is no run "".' },
    ],
  ])('%s', (_name, thrown, failure) => {
    expect(toFailure(thrown)).toEqual(failure)
  })

  it('is not cut within a character', () => {
    expect(toFailure(`${'m'.repeat(3999)}😀`).message).toBe(`${'m'.repeat(3999)}…`)
    expect(toFailure(`${'m'.repeat(3998)}😀😀`).message).toBe(`${'m'.repeat(3998)}😀…`)
  })

  it('says what it came of: of every network error `fetch` says the same', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' })
    const all = Object.assign(new AggregateError([refused], ''), { code: 'ECONNREFUSED' })
    const failed = (cause: unknown): Error => new TypeError('fetch failed', { cause })
    expect(toFailure(failed(refused)).message).toBe('fetch failed: connect ECONNREFUSED 127.0.0.1:1')
    expect(toFailure(failed(all)).message).toBe('fetch failed: connect ECONNREFUSED 127.0.0.1:1')
    const none = Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' })
    expect(toFailure(failed(none)).message).toBe('fetch failed: ECONNREFUSED')
    expect(toFailure(failed(new RangeError(''))).message).toBe('fetch failed: RangeError')
    expect(toFailure(failed('the net')).message).toBe('fetch failed')
    expect(toFailure(new Error('no: refused', { cause: new Error('refused') })).message).toBe('no: refused')
    expect(toFailure(new TerminalError('never', { cause: refused })).message).toBe(
      'never: connect ECONNREFUSED 127.0.0.1:1',
    )
    const round = new Error('a')
    round.cause = new Error('b', { cause: round })
    expect(toFailure(round).message).toBe('a: b: a: b')
  })

  it('keeps the words of an error where what it came of cannot be read', () => {
    const broken = (error: Error, field: string): Error =>
      Object.defineProperty(error, field, {
        get: () => {
          throw new Error('do not look')
        },
      })
    expect(toFailure(broken(new RangeError('the card expired'), 'cause'))).toEqual({
      code: 'RangeError',
      message: 'the card expired',
    })
    expect(toFailure(broken(new AggregateError([], 'all failed'), 'errors')).message).toBe('all failed')
    expect(toFailure(new Error('a', { cause: broken(new Error('b'), 'cause') })).message).toBe('a: b')
  })

  it('says what the first of several errors in it are, and how many more there are', () => {
    const several = (...errors: readonly unknown[]): string =>
      toFailure(new AggregateError(errors, 'all failed')).message
    expect(several()).toBe('all failed')
    expect(several(new Error('a'), 'b')).toBe('all failed: a; b')
    expect(several(new RangeError(''), { code: 1 }, new Error('c', { cause: new Error('d') }), 4, 5)).toBe(
      'all failed: RangeError; {"code":1}; c: d; and 2 more',
    )
    const within = new AggregateError([], 'round')
    within.errors.push(within, within)
    expect(toFailure(within).message.length).toBeLessThan(200)
    expect(several(new Error('m'.repeat(9000))).length).toBe(4001)
  })

  it('is cut at 4,000 characters', () => {
    const name = 'n'.repeat(4001)
    const kept = toFailure(Object.assign(new Error('m'.repeat(4001)), { name }))
    expect(kept).toEqual({ code: `${'n'.repeat(4000)}…`, message: `${'m'.repeat(4000)}…` })
    expect(toFailure('m'.repeat(4000)).message).toBe('m'.repeat(4000))
    for (const thrown of [
      'm'.repeat(9000),
      new TerminalError('m'.repeat(9000)),
      fault('TERMINAL', { message: 'm'.repeat(9000) }),
    ]) {
      expect(toFailure(thrown).message).toBe(`${'m'.repeat(4000)}…`)
    }
  })
})

describe('the failure of a call', () => {
  it('tells which call, and keeps what was stored', () => {
    expect(down).toMatchObject({
      name: 'CallError',
      code: 'CALL_FAILED',
      message: 'payment.charge failed: no answer',
      failure: { code: 'ATTEMPT_FAILED', message: 'no answer' },
    })
    expect(down).toBeInstanceOf(BalletError)
    expect(new CallError('CHILD_FAILED', 'r1~ship.0', { code: 'failed', message: 'no truck' }).message).toBe(
      'The run "r1~ship.0" ended as failed: no truck',
    )
  })
})

describe('a rejection that a workflow let pass', () => {
  const cyclic = new AggregateError([])
  cyclic.errors.push(cyclic)

  it.each<[string, unknown]>([
    ['the failure of a call', down],
    ['a terminal error', new TerminalError('no')],
    ['several of these', new AggregateError([down, new TerminalError('no')])],
    ['several within several', new AggregateError([new AggregateError([down])])],
  ])('%s ends it as failed', (_name, thrown) => {
    expect(endsAsFailed(thrown)).toBe(true)
  })

  it.each<[string, unknown]>([
    ['an error', new Error('x')],
    ['an error of ours', fault('INPUT_INVALID')],
    ['the failure of a call beside an error', new AggregateError([down, new Error('x')])],
    ['several of nothing', new AggregateError([])],
    ['several that are themselves', cyclic],
    ['a text', 'x'],
    ['nothing', undefined],
    ['an error whose mark cannot be read', unreadable('terminal')],
    ['a revoked proxy', revoked()],
  ])('%s is a fault in its code', (_name, thrown) => {
    expect(endsAsFailed(thrown)).toBe(false)
  })

  it('is kept as the call that failed, and what the business said as the business said it', () => {
    expect(endingFailure(down)).toEqual({ code: 'CALL_FAILED', message: 'payment.charge failed: no answer' })
    expect(endingFailure(declined)).toEqual({ code: 'TERMINAL', message: 'stolen' })
    expect(endingFailure(new TerminalError('no'))).toEqual({ code: 'TERMINAL', message: 'no' })
    expect(endingFailure(new AggregateError([declined, down]))).toEqual({ code: 'TERMINAL', message: 'stolen' })
    expect(endingFailure(new AggregateError([new AggregateError([down])]))).toEqual(endingFailure(down))
  })

  it('is kept as something that cannot be read when it cannot, whatever it said before', () => {
    const broken = new CallError('CALL_FAILED', 'a.b', { code: 'TERMINAL', message: '' })
    Object.defineProperty(broken, 'failure', { get: () => null })
    expect(endingFailure(broken).code).toBe('CALL_FAILED')
    const several = new AggregateError([])
    Object.defineProperty(several, 'errors', { get: () => undefined })
    expect(endingFailure(several).code).toBe('AggregateError')
  })
})

describe('a rejection that says that its run was cancelled', () => {
  const stopped = fault('RUN_CANCELLED', { id: 'r1', by: 'ann', why: 'no' })
  const cyclic = new AggregateError([stopped])
  cyclic.errors.push(cyclic)
  const several = (...errors: readonly unknown[]): AggregateError => new AggregateError(errors)

  it.each<[string, unknown, boolean]>([
    ['the cancellation', stopped, true],
    ['several of them', several(stopped, stopped), true],
    ['one within several', several(several(stopped)), true],
    ['one beside the failure of a call', several(down, stopped, new TerminalError('no')), true],
    ['one beside an error', several(stopped, new Error('x')), false],
    ['failures of calls alone', several(down, declined), false],
    ['several of nothing', several(), false],
    ['several that are themselves', cyclic, false],
    ['the failure of a call', down, false],
    ['another error of ours', fault('RUN_FAILED'), false],
    ['an error whose code cannot be read', unreadable('code'), false],
    ['a revoked proxy', revoked(), false],
    ['nothing', undefined, false],
  ])('%s', (_name, thrown, is) => {
    expect(isCancellation(thrown)).toBe(is)
  })

  it('is the failure of a call where that was given up', () => {
    const error = new CallError('CALL_ABORTED', 'payment.charge', { code: 'CALL_ABORTED', message: 'given up' })
    expect(error.message).toBe('payment.charge was given up before it answered.')
    expect([isCancellation(error), endsAsFailed(error)]).toEqual([false, true])
    expect(endingFailure(error)).toEqual({ code: 'CALL_ABORTED', message: error.message })
  })
})

describe('a fault in the code of a run', () => {
  it('names the run and what was thrown, and keeps it as the cause', () => {
    const thrown = new TypeError('x is not a function')
    const error = threw('the run "a"', thrown)
    expect(error).toMatchObject({
      code: 'RUN_THREW',
      message: 'The code of the run "a" threw TypeError: x is not a function',
    })
    expect(error.cause).toBe(thrown)
    expect(threw('the run "a"', fault('INPUT_INVALID', { what: 'it', path: 'x', problem: 'no' })).message).toBe(
      'The code of the run "a" threw INPUT_INVALID: it is not valid at x: no.',
    )
  })

  it('that says already what is wrong stays as it is', () => {
    for (const code of ['FOREIGN_AWAIT', 'RUN_DIVERGED'] as const) {
      const error = fault(code, { run: 'a' })
      expect(threw('the run "b"', error)).toBe(error)
    }
  })

  it('is told of whatever was thrown', () => {
    expect(threw('the run "a"', unreadable('message')).message).toBe(
      'The code of the run "a" threw THROWN: something that cannot be read',
    )
    expect(threw('the run "a"', revoked()).code).toBe('RUN_THREW')
    expect(threw('the run "a"', Object.assign(new Error('x'), { name: 'FOREIGN_AWAIT' })).code).toBe('RUN_THREW')
    expect(threw('the run "a"', undefined).message).toBe('The code of the run "a" threw THROWN: undefined')
  })
})

it('says of a cancellation without a reason that none was given', () => {
  expect(cancelledFault('r1', { by: 'ann', why: '' }).message).toContain('cancelled by ann: no reason was given')
  expect(cancelledFault('r1', { by: 'ann', why: 'too late' }).message).toContain('cancelled by ann: too late')
})
