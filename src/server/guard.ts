// Who may ask. Three rules, each failing closed: the host that a request names must be one of ours, so that a page
// that rebinds its name to this machine is not served; a write that a browser sends for a page must come from a page
// of this server; and where a token is set, the API answers nobody without it. Called first for every request.
import { createHash, timingSafeEqual } from 'node:crypto'
import { fault } from '../core/errors.ts'
import { isLoopback } from '../core/loopback.ts'

export interface GuardOptions {
  /** What callers of the API must bear; one of several, while it is being changed; null: nothing. */
  readonly token: string | readonly string[] | null
  /** Names that a request may be for, besides those of this machine itself; null: every name. */
  readonly hosts: readonly string[] | null
  /** Origins of other servers whose pages may write here, `https://shop.example.com`. */
  readonly origins: readonly string[]
}

export interface Guard {
  /** Whether callers of the API must bear something. */
  readonly isTokenAsked: boolean
  /** @throws HOST_FORBIDDEN, ORIGIN_FORBIDDEN */
  admit(request: Request): void
  /** @throws TOKEN_REQUIRED */
  identify(request: Request): void
}

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
/** Names that are remembered to be ours: anybody can invent some below `.localhost`. */
const SEEN = 100
/** Characters of a token: with it the headers of a request stay within what is read of them. */
const TOKEN_MOST = 8192
/** The host of a URL that is written plainly. */
const HOST_OF_URL = /^https?:\/\/([a-z0-9.:-]+)(?=[/?#])/
const HOST = /^(\[[0-9a-f:.]+\]|[^\s:/?#@[\]\\]+)(?::[0-9]{1,5})?$/

/** The guard of a server. @throws TOKEN_INVALID */
export function createGuard({ token, hosts, origins }: GuardOptions): Guard {
  const names = new Set(hosts?.map((host) => host.toLowerCase()))
  const tokens = typeof token === 'string' ? [token] : token
  for (const one of tokens?.length === 0 ? [''] : (tokens ?? [])) refuseUnbearable(one)
  const expected = tokens === null ? null : tokens.map(digest)

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

  return {
    isTokenAsked: expected !== null,
    admit(request) {
      const target = HOST_OF_URL.exec(request.url)?.[1] ?? new URL(request.url).host
      const host = request.headers.get('host')?.toLowerCase() ?? target
      // A request line may name a host of its own (absolute form): both must be ours.
      for (const named of [host, target])
        if (!isOurs(named)) throw fault('HOST_FORBIDDEN', { host: named.slice(0, 200) })
      const origin = request.headers.get('origin')
      if (origin === null || READS.has(request.method)) return
      if (!origins.includes(origin) && origin !== `http://${host}` && origin !== `https://${host}`) {
        throw fault('ORIGIN_FORBIDDEN', { origin: origin.slice(0, 200) })
      }
    },
    identify(request) {
      if (expected === null) return
      const header = request.headers.get('authorization') ?? ''
      const given = /^Bearer +([^\s,]+)$/i.exec(header)?.[1]
      // Digests have one length, and comparing them takes the same time wherever they differ; each is compared.
      const hash = digest(given ?? '')
      if (expected.filter((one) => timingSafeEqual(hash, one)).length > 0) return
      const other = given === undefined ? 'what was sent is no "Bearer <token>"' : 'the one that was sent is another'
      throw fault('TOKEN_REQUIRED', { problem: header === '' ? 'none was sent' : other })
    },
  }
}

/** Everybody would be locked out by a token that a header does not carry, or that `identify` takes for two. */
function refuseUnbearable(token: string): void {
  const problem =
    token === ''
      ? 'is empty'
      : token.length > TOKEN_MOST
        ? `has ${token.length} characters, more than ${TOKEN_MOST}`
        : /[\s,]/.test(token)
          ? 'has a space or a comma in it'
          : /^[\x21-\x7e]+$/.test(token)
            ? null
            : 'has a character in it that is not printable ASCII'
  if (problem !== null) throw fault('TOKEN_INVALID', { problem })
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
