// Whoever has signed in: a browser, for which a person has given a token once. Nothing is kept of it here. The cookie itself is
// a statement, "until then", with a signature that is keyed by the token: any node that has the token can read it, and when the
// token is taken out, all that was signed with it is worth nothing. Used by guard.ts, which says what a session may do.
//
//   v1.<seconds since the epoch at which it is over>.<HMAC-SHA256 of the two before, in base64url>
//
// Of an API key the server knows the SHA-256 alone, which stands where the server is configured: nothing is signed with that. The
// cookie names the key, and is signed over its SHA-256 with what is made of a token that allows everything; where there is none, with
// what this process has made up. It is looked up at every request, so that a session ends with its key. Whoever has a key of few
// scopes has such a cookie and could try tokens against it: what is made of a token takes long to make (scrypt), and is made once.
//
//   v2.<seconds>.<the first 16 digits of the SHA-256>.<HMAC-SHA256, in base64url>
import { createHmac, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import type { ApiKey } from './api-key.ts'
import type { Allowed, Tokens } from './tokens.ts'

/** Eight hours: a day of work. */
const SESSION_SECONDS = 8 * 3600
/** Over https: a browser takes it from this very host only, and never over plain http. */
const SECURE_NAME = '__Host-ballet'
/** Over http, which is for the same machine, and for a network that one trusts. */
const PLAIN_NAME = 'ballet'
/** Cookies that are looked at: a browser has one of each name, unless somebody else has given it more. */
const LOOKED_AT = 4
const ATTRIBUTES = 'HttpOnly; SameSite=Strict; Path=/'
const WRITTEN = /^(v1\.([0-9]{1,12}))\.([A-Za-z0-9_-]{43})$/
const OF_KEY = /^(v2\.([0-9]{1,12})\.([0-9a-f]{16}))\.([A-Za-z0-9_-]{43})$/

/** What a request has: no cookie, one that is worth nothing (any more), or a session that allows what its token does. */
export type SessionState = 'none' | 'over' | Allowed

/** The sessions that the tokens of a server allow. */
export class Sessions {
  readonly #tokens: Tokens
  readonly #clock: Clock
  /** What sessions of keys are signed with; any of them is taken, since tokens are changed. Made when there is the first. */
  #secrets: readonly Buffer[] | undefined

  constructor(tokens: Tokens, clock: Clock) {
    this.#tokens = tokens
    this.#clock = clock
  }

  /** A new one, for whoever has this token: the value of its cookie. @param allowed what it allows */
  begin(token: string, allowed: Allowed): string {
    const until = Math.floor(this.#clock.now() / 1000) + SESSION_SECONDS
    if (typeof allowed === 'string') {
      const said = `v1.${until}`
      return `${said}.${sign(said, token).toString('base64url')}`
    }
    const said = `v2.${until}.${markOf(allowed)}`
    return `${said}.${signOfKey(said, allowed, this.#ofKeys()[0]).toString('base64url')}`
  }

  of(request: Request): SessionState {
    const values = cookiesOf(request)
    if (values.length === 0) return 'none'
    const allowed = values.flatMap((value) => [...this.#allowedBy(value), ...this.#allowedByKey(value)])
    return allowed.includes('all') ? 'all' : (allowed[0] ?? 'over')
  }

  /** What a cookie allows, by the tokens that have signed it: one, or none. */
  #allowedBy(value: string): readonly Allowed[] {
    const [, said = '', until = '', signature = ''] = WRITTEN.exec(value) ?? []
    const given = Buffer.from(signature, 'base64url')
    // Each token is tried, whatever the one before came to.
    const signed = this.#tokens.known.filter(({ token }) => {
      const expected = sign(said, token)
      return given.length === expected.length && timingSafeEqual(given, expected)
    })
    return Number(until) * 1000 > this.#clock.now() ? signed.map(({ allows }) => allows) : []
  }

  #ofKeys(): readonly [Buffer, ...Buffer[]] {
    const all = this.#tokens.known.filter(({ allows }) => allows === 'all')
    this.#secrets ??= all.map(({ token }) => scryptSync(token, 'ballet sessions of API keys', 32))
    const [first = randomBytes(32), ...others] = this.#secrets
    this.#secrets = [first, ...others]
    return [first, ...others]
  }

  /** The key that a cookie names, if it holds still. */
  #allowedByKey(value: string): readonly Allowed[] {
    const [, said = '', until = '', mark = '', signature = ''] = OF_KEY.exec(value) ?? []
    if (mark === '' || Number(until) * 1000 <= this.#clock.now()) return []
    const given = Buffer.from(signature, 'base64url')
    const keys = this.#tokens.apiKeys?.now.filter((key) => markOf(key) === mark) ?? []
    return keys.filter(
      (key) =>
        this.#ofKeys().filter((secret) => {
          const expected = signOfKey(said, key, secret)
          return given.length === expected.length && timingSafeEqual(given, expected)
        }).length > 0,
    )
  }
}

const markOf = ({ digest }: ApiKey): string => digest.toString('hex').slice(0, 16)

function signOfKey(said: string, { digest }: ApiKey, secret: Buffer): Buffer {
  return createHmac('sha256', secret)
    .update(`ballet session ${said}.${digest.toString('hex')}`)
    .digest()
}

function sign(said: string, token: string): Buffer {
  return createHmac('sha256', token).update(`ballet session ${said}`).digest()
}

function cookiesOf(request: Request): readonly string[] {
  const header = request.headers.get('cookie') ?? ''
  if (!header.includes(PLAIN_NAME)) return []
  const pairs = header.split(';').map((pair) => pair.trim().split('='))
  const named = (name: string): string[] => pairs.filter((pair) => pair[0] === name).map(([, value = '']) => value)
  // Those of the first name nobody else can give.
  return [...named(SECURE_NAME), ...named(PLAIN_NAME)].slice(0, LOOKED_AT)
}

/** The header that gives a browser its session. */
export function sessionCookie(value: string, request: Request): string {
  return isSecure(request)
    ? `${SECURE_NAME}=${value}; Secure; ${ATTRIBUTES}; Max-Age=${SESSION_SECONDS}`
    : `${PLAIN_NAME}=${value}; ${ATTRIBUTES}; Max-Age=${SESSION_SECONDS}`
}

/** The headers that take it back, whichever it has. */
export const NO_SESSION_COOKIES: readonly string[] = [
  `${SECURE_NAME}=; Secure; ${ATTRIBUTES}; Max-Age=0`,
  `${PLAIN_NAME}=; ${ATTRIBUTES}; Max-Age=0`,
]

/**
 * Whether the browser came by https. What a proxy says of that is not believed; but a page says its origin, which is one
 * of ours (`Guard.admit`), and whoever makes that up only gets a cookie that does not come back over http.
 */
function isSecure(request: Request): boolean {
  const origin = request.headers.get('origin')
  return origin === null ? request.url.startsWith('https:') : origin.startsWith('https:')
}
