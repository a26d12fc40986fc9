import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { catalogue, fault, type ErrorCode } from '../core/errors.ts'
import { silentLog } from '../engine/log.ts'
import { problemAnswer, problemOf, tellable } from './problem.ts'
import { serve } from './serve.ts'
import { testApplication } from './test-application.ts'

describe('a problem', () => {
  it('has the values of its words, and the nearest name alone', () => {
    const near = fault('CALL_UNKNOWN', { name: 'chekout', nearest: ' Did you mean "checkout"?' })
    expect(problemOf(near, '/api/runs')).toMatchObject({
      detail: 'There is no workflow or operation "chekout" here. Did you mean "checkout"?',
      details: { name: 'chekout', nearest: 'checkout' },
    })
    expect(problemOf(fault('CALL_UNKNOWN', { name: 'x', nearest: '' }), '/').details).toEqual({ name: 'x' })
  })

  it('has the headers that its code asks for', () => {
    const headers = (code: ErrorCode, details = {}): Headers => problemAnswer(fault(code, details), '/').headers
    expect(headers('NOT_READY').get('retry-after')).toBe('1')
    expect(headers('STORE_FULL').get('retry-after')).toBe('1')
    expect(headers('OVERLOADED', { problem: 'full', seconds: 2.2 }).get('retry-after')).toBe('3')
    expect(headers('OVERLOADED', { seconds: 7 }).get('retry-after')).toBe('7')
    expect(headers('TOKEN_REQUIRED').get('www-authenticate')).toBe('Bearer')
    expect(headers('METHOD_NOT_ALLOWED', { allowed: 'GET, HEAD' }).get('allow')).toBe('GET, HEAD')
    expect(headers('RUN_UNKNOWN').get('retry-after')).toBeNull()
  })

  it('tells nothing of an error that is not in the catalogue', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    for (const thrown of [
      new TypeError('secret'),
      'secret',
      null,
      { code: 'RUN_UNKNOWN', message: 'secret' },
      Object.assign(new Error('secret'), { code: 'RUN_UNKNOWN' }),
      Object.defineProperty(new Error('secret'), 'stack', { get: () => Symbol('secret') }),
      proxy,
    ]) {
      const told = tellable(thrown, silentLog, 'GET /')
      expect([told.code, told.message.includes('secret')]).toEqual(['INVARIANT', false])
    }
  })
})

describe('the type of a problem', () => {
  it('leads to what its code means, for each of them, also without the token', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0, token: 'open-sesame' })
    for (const code of Object.keys(catalogue) as ErrorCode[]) {
      const { type, title } = problemOf(fault(code), '/api/app')
      const response = await fetch(new URL(type, `${server.url}/api/app`))
      const { family, status, message, hint } = catalogue[code]
      expect([response.status, await response.json()]).toEqual([200, { code, title, status, family, message, hint }])
    }
    const unknown = await fetch(`${server.url}/api/errors/RUN_UNKNWN`)
    expect([unknown.status, await unknown.json()]).toMatchObject([
      404,
      { code: 'ROUTE_UNKNOWN', details: { nearest: 'RUN_UNKNOWN' } },
    ])
    expect((await fetch(`${server.url}/api/errors/../app`)).status).toBe(401)
    expect((await fetch(`${server.url}/api/errors/__proto__`)).status).toBe(404)
  })
})

describe('docs/errors.md', () => {
  const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  const words = {
    fix: 'correct and send again',
    retry: 'try again later',
    final: 'it is so',
    bug: 'a bug of Ballet',
  } as const

  it('says of every error with which status it comes and what to do', () => {
    const wrong = (Object.keys(catalogue) as ErrorCode[]).filter((code) => {
      const { family, status } = fault(code)
      return !text.includes(`\n## ${code}\n\nHTTP ${status}: ${words[family]}.\n\n`)
    })
    expect(wrong).toEqual([])
  })
})
