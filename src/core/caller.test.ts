// What of a `traceparent` is taken, as W3C Trace Context has it, and what a row keeps of it.
import { expect, test } from 'vitest'
import { callerIn, callerOf, causeOf, causeWith, originOf, readTraceparent, traced } from './caller.ts'

const [trace, span] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7']
const plain = `00-${trace}-${span}-01`

test('one of version 00 is taken as it is; of a later version what this one knows, of the flags the one for sampling', () => {
  expect(readTraceparent(plain)).toBe(plain)
  expect(readTraceparent(`00-${trace}-${span}-00`)).toBe(`00-${trace}-${span}-00`)
  expect(readTraceparent(`00-${trace}-${span}-03`)).toBe(plain)
  expect(readTraceparent(`00-${trace}-${span}-fe`)).toBe(`00-${trace}-${span}-00`)
  expect(readTraceparent(`cc-${trace}-${span}-01`)).toBe(plain)
  expect(readTraceparent(`cc-${trace}-${span}-01-what the future holds`)).toBe(plain)
})

test.each([
  ['', 'nothing'],
  ['rubbish', 'a word'],
  [`ff-${trace}-${span}-01`, 'a version that is none'],
  [`${plain}-more`, 'more than version 00 has'],
  [`${plain}00`, 'flags that are too long'],
  [`cc-${trace}-${span}-01.more`, 'what no later version begins with'],
  [`00-${'0'.repeat(32)}-${span}-01`, 'a trace of zeros'],
  [`00-${trace}-${'0'.repeat(16)}-01`, 'a span of zeros'],
  [`00-${trace.toUpperCase()}-${span}-01`, 'capitals'],
  [`00-${trace}-${span}`, 'no flags'],
  [` ${plain}`, 'a space in front'],
  [`${plain}, ${plain}`, 'two of them'],
  [`${plain}\n`, 'a line behind'],
  [null, 'null'],
  [42, 'a number'],
  [{ toString: () => plain }, 'an object'],
])('%j is passed over: %s', (given: unknown, _why) => {
  expect(readTraceparent(given)).toBeNull()
})

test('a request has it as it is kept, or not at all', () => {
  const request: { call: string; traceparent?: string } = { call: 'a.b' }
  expect(traced(request)).toBe(request)
  expect(traced({ traceparent: `cc-${trace}-${span}-ff-x` })).toEqual({ traceparent: plain })
  expect(traced({ traceparent: 'rubbish' })).toEqual({ traceparent: undefined })
  expect(traced({ traceparent: null })).toEqual({ traceparent: undefined })
})

test('it stands beside a cause, and neither is taken for the other', () => {
  const caller = { trace, span, isSampled: true }
  expect(causeWith(null, undefined)).toBeNull()
  expect(causeWith(undefined, null)).toBeNull()
  expect(causeWith('order:1', undefined)).toBe('order:1')
  for (const cause of [null, 'order:1', plain, `event:x:${plain}`]) {
    const kept = causeWith(cause, plain)
    expect(causeOf(kept)).toBe(cause)
    expect(callerOf(kept)).toEqual(caller)
  }
  for (const cause of [null, 'order:1', plain]) {
    expect(causeOf(cause)).toBe(cause)
    expect(callerOf(cause)).toBeNull()
  }
  expect(originOf(causeWith('order:1', plain))).toEqual({ cause: 'order:1', traceparent: plain })
  expect(originOf(causeWith(null, plain))).toEqual({ cause: null, traceparent: plain })
  expect(originOf('order:1')).toEqual({ cause: 'order:1' })
  expect(originOf(null)).toEqual({ cause: null })
  expect(callerIn(`00-${trace}-${span}-00`)).toEqual({ ...caller, isSampled: false })
})
