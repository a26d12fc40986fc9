// What becomes of an answer that is no JSON: the one that says it is comes from the service, all else from somebody between.
import { expect, test } from 'vitest'
import { toFailure } from '../../core/failure.ts'
import { valueOf } from './meaning.ts'

const whom = { call: 'payment.price', url: 'http://there/price' }

function judged(type: string, body: string | Uint8Array): string {
  const came = { status: 200, type, retryAfter: undefined, body: Buffer.from(body) }
  try {
    return `value ${JSON.stringify(valueOf(came, whom, 0))}`
  } catch (error) {
    const { code, message } = toFailure(error)
    return `${code}: ${message}`
  }
}

test.each<[what: string, body: string | Buffer, expected: string]>([
  ['half of one', '{"cents":', 'The body is not JSON'],
  ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'it is not UTF-8'],
  ['a forbidden key', '{"__proto__":1}', 'The key "__proto__" is not allowed'],
  ['a number that cannot be kept', '{"cents":9007199254740993}', 'cannot be kept exactly'],
])('%s', (_what, body, expected) => {
  for (const type of ['application/json', 'Application/JSON; charset=utf-8', 'application/vnd.shop+json']) {
    const words = judged(type, body)
    expect(words).toContain(
      'VALUE_NOT_JSON: What payment.price at http://there/price answered cannot be stored as JSON',
    )
    expect(words).toContain(expected)
  }
  for (const [type, shown] of [
    ['text/html', 'text/html'],
    ['application/jsonish', 'application/jsonish'],
    ['x'.repeat(999), 'x'.repeat(60)],
    ['', 'nothing that is named'],
  ] as const) {
    const words = judged(type, body)
    expect(words).toContain(`REMOTE_ANSWER_INVALID: payment.price at ${whom.url} answered with what is no answer: `)
    expect(words).toContain(`it comes as ${shown}; `)
    expect(words).toContain(expected)
  }
})

test('what is JSON is the answer, whatever it says of itself', () => {
  for (const type of ['application/json', 'text/plain', ''])
    expect(judged(type, '{"cents":5}')).toBe('value {"cents":5}')
})
