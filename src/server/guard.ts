// Who may ask. Three rules, each failing closed: the host that a request names must be one of ours, so that a page
// that rebinds its name to this machine is not served; a write that a browser sends for a page must come from a page
// of this server; and where a token is set, the API answers nobody without it, or without a session that was begun with it.
// A browser sends the cookie of a session by itself, so a write with one must also prove that a page of ours wants it.
// Whoever bears an API key does what its scopes allow, and each route says which one it asks for.
// Called first for every request.
import type { Clock } from '../core/clock.ts'
import { fault } from '../core/errors.ts'
import { isLoopback } from '../core/loopback.ts'
import type { Log } from '../define/definition.ts'
import { systemClock } from '../engine/clock.ts'
import { consoleLog } from '../engine/log.ts'
import { allows as allowsScope, type Scope } from './api-key.ts'
import { ApiKeys, type ApiKeysOptions, type KeyUse } from './api-keys.ts'
import { Sessions } from './sessions.ts'
import { Tokens, type Allowed } from './tokens.ts'

export interface GuardOptions extends ApiKeysOptions {
  /** What callers of the API must bear; one of several, while it is being changed; null: nothing. */
  readonly token: string | readonly string[] | null
  /** What is also taken of whoever only reads; default: none. */
  readonly readToken?: string | readonly string[] | undefined
  /** Names that a request may be for, besides those of this machine itself; null: every name. */
  readonly hosts: readonly string[] | null
  /** Origins of other servers whose pages may write here, `https://shop.example.com`. */
  readonly origins: readonly string[]
  /** By which sessions end; default: that of the system. */
  readonly clock?: Clock | undefined
  /** Where it is said that keys of a file are not taken. */
  readonly log?: Log | undefined
}

export interface Guard {
  /** Whether callers of the API must bear something. */
  readonly isTokenAsked: boolean
  /** @throws HOST_FORBIDDEN, ORIGIN_FORBIDDEN */
  admit(request: Request): void
  /**
   * Whoever asks has a token or a session, and may do what is asked for. Returns what that allows; null where nothing is asked for.
   * @param scopes what a key must have, each of them
   * @throws TOKEN_REQUIRED, API_KEY_OVER, SCOPE_MISSING, TOKEN_READS_ONLY, CSRF_REQUIRED
   */
  identify(request: Request, scopes: readonly Scope[]): Allowed | null
  /** What whoever has the token or the session of a request may do; null for nothing. */
  allowed(request: Request): Allowed | null
  /** How often each API key was borne. */
  keyUses(): readonly KeyUse[]
  /** A session for whoever has this token; null when it is another. @throws API_KEY_OVER */
  sessionFor(token: string): string | null
}

/** What no page of another origin can send with a request, unless it is allowed to: and nobody is. */
const CSRF = 'x-ballet-csrf'
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
/** Names that are remembered to be ours: anybody can invent some below `.localhost`. */
const SEEN = 100
/** The host of a URL that is written plainly. */
const HOST_OF_URL = /^https?:\/\/([a-z0-9.:-]+)(?=[/?#])/
const HOST = /^(\[[0-9a-f:.]+\]|[^\s:/?#@[\]\\]+)(?::[0-9]{1,5})?$/

/** The guard of a server. @throws TOKEN_INVALID, API_KEYS_INVALID */
export function createGuard(options: GuardOptions): Guard {
  const { token, readToken, hosts, origins, clock = systemClock, log = consoleLog } = options
  const names = new Set(hosts?.map((host) => host.toLowerCase()))
  const tokens = new Tokens({ all: token, reads: readToken, apiKeys: ApiKeys.of(options, clock, log) }, clock)
  const sessions = new Sessions(tokens, clock)

  /** Ours, as they came last. */
  const seen = new Set<string>()
  const isOurs = (host: string): boolean => {
    if (hosts === null || seen.has(host)) return true
    const name = HOST.exec(host)?.[1]
    if (name === undefined || !(isLoopback(name) || names.has(name))) return false
    if (seen.size === SEEN) seen.clear()
    seen.add(host)
    return true
  }

  const counted = (allows: Allowed): Allowed => {
    if (typeof allows !== 'string') tokens.apiKeys?.used(allows)
    return allows
  }

  return {
    isTokenAsked: tokens.isAsked,
    admit(request) {
      const target = HOST_OF_URL.exec(request.url)?.[1] ?? new URL(request.url).host
      const host = request.headers.get('host')?.toLowerCase() ?? target
      // A request line may name a host of its own (absolute form): both must be ours.
      for (const named of [host, target])
        if (!isOurs(named)) throw fault('HOST_FORBIDDEN', { host: named.slice(0, 200) })
      const origin = request.headers.get('origin')
      if (origin === null || READS.has(request.method)) return
      if (!origins.includes(origin) && origin !== `http://${host}` && origin !== `https://${host}`) {
        throw fault('ORIGIN_FORBIDDEN', { origin: origin.slice(0, 200), host: host.slice(0, 200) })
      }
    },
    identify(request, scopes) {
      if (!tokens.isAsked) return null
      const { header, given } = bearerOf(request)
      if (header !== '') {
        const allows = tokens.allowedBy(given ?? '')
        if (allows !== null) return refuseBeyond(request, counted(allows), scopes)
        refuseOver(tokens, given ?? '')
        const other = given === undefined ? 'what was sent is no "Bearer <token>"' : 'the one that was sent is another'
        throw fault('TOKEN_REQUIRED', { problem: other })
      }
      const session = sessions.of(request)
      if (session === 'none') throw fault('TOKEN_REQUIRED', { problem: 'none was sent' })
      if (session === 'over')
        throw fault('TOKEN_REQUIRED', {
          problem: 'the session that was sent is over, or was begun with another token',
        })
      refuseUnproved(request)
      return refuseBeyond(request, counted(session), scopes)
    },
    allowed(request) {
      const { header, given } = bearerOf(request)
      if (header !== '') return tokens.allowedBy(given ?? '')
      const session = sessions.of(request)
      return session === 'none' || session === 'over' ? null : session
    },
    keyUses: () => tokens.apiKeys?.uses ?? [],
    sessionFor(given) {
      const allows = tokens.allowedBy(given)
      if (allows !== null) return sessions.begin(given, allows)
      refuseOver(tokens, given)
      return null
    },
  }
}

/** Who bears a key that was right hears when it ended. @throws API_KEY_OVER */
function refuseOver(tokens: Tokens, given: string): void {
  const key = tokens.overBy(given)
  if (key?.until != null) throw fault('API_KEY_OVER', { name: key.name, until: new Date(key.until).toISOString() })
}

function bearerOf(request: Request): { readonly header: string; readonly given: string | undefined } {
  const header = request.headers.get('authorization') ?? ''
  return { header, given: /^Bearer +([^\s,]+)$/i.exec(header)?.[1] }
}

/** A token that only reads, or a session that was begun with one, changes nothing; a key does what its scopes allow. */
function refuseBeyond({ method }: Request, allows: Allowed, scopes: readonly Scope[]): Allowed {
  if (allows === 'reads' && method !== 'GET' && method !== 'HEAD') throw fault('TOKEN_READS_ONLY', { method })
  for (const scope of scopes) demandScope(allows, scope)
  return allows
}

/** A token has every scope; null is nobody, where nobody is asked. @throws SCOPE_MISSING */
export function demandScope(allows: Allowed | null, scope: Scope): void {
  if (allows === null || typeof allows === 'string' || allowsScope(allows, scope)) return
  throw fault('SCOPE_MISSING', { name: allows.name, scope, scopes: allows.scopes.join(', ') })
}

/** A write with a session must come from a page of this server; where an origin is named, `admit` has judged it. */
function refuseUnproved({ method, headers }: Request): void {
  if (method === 'GET' || method === 'HEAD') return
  if (headers.get(CSRF) !== '1') throw fault('CSRF_REQUIRED', { problem: `the header "${CSRF}: 1" is missing` })
  const site = headers.get('sec-fetch-site')
  if (site === null ? headers.has('origin') : site === 'same-origin') return
  const problem = site === null ? 'nothing says of which page it is' : `it is of a page that is "${site.slice(0, 40)}"`
  throw fault('CSRF_REQUIRED', { problem })
}
