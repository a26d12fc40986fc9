// The tokens of a server: those that allow everything, those that only read, for whoever watches (a dashboard, Prometheus) and
// is not to act, and API keys, each of which allows what stands beside it. Which one a text is takes the same time for each. Used by
// guard.ts and sessions.ts.
import { timingSafeEqual } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { fault } from '../core/errors.ts'
import { digestOf, isKeyForm, isOver, type ApiKey } from './api-key.ts'
import type { ApiKeys } from './api-keys.ts'

/** What a token is good for: a key says it itself. */
export type Allowed = 'all' | 'reads' | ApiKey

/** Characters of a token: with it the headers of a request stay within what is read of them. */
const TOKEN_MOST = 8192

interface Known {
  readonly token: string
  readonly allows: 'all' | 'reads'
  readonly digest: Buffer
}

export class Tokens {
  readonly known: readonly Known[]
  /** Null where there are no API keys, and will be none. */
  readonly apiKeys: ApiKeys | null
  readonly #clock: Clock

  /** @param all null where there is none. @throws TOKEN_INVALID */
  constructor(
    {
      all,
      reads = [],
      apiKeys,
    }: {
      readonly all: string | readonly string[] | null
      readonly reads?: string | readonly string[] | undefined
      readonly apiKeys: ApiKeys | null
    },
    clock: Clock,
  ) {
    this.apiKeys = apiKeys
    this.#clock = clock
    const [forAll, forReads] = [listOf(all ?? []), listOf(reads)]
    for (const token of Array.isArray(all) && all.length === 0 ? [''] : [...forAll, ...forReads])
      refuse(unbearable(token))
    // Who has only this one would be let in to read, and everybody else to do as they like.
    if (all === null && forReads.length > 0) refuse('only reads, and there is none that allows everything')
    if (forReads.some((token) => forAll.includes(token)))
      refuse('is one that only reads and one that allows everything')
    const known = (token: string, allows: Known['allows']): Known => ({ token, allows, digest: digestOf(token) })
    this.known = [...forAll.map((token) => known(token, 'all')), ...forReads.map((token) => known(token, 'reads'))]
  }

  /** Whether anything is asked for. */
  get isAsked(): boolean {
    return this.known.length > 0 || this.apiKeys !== null
  }

  /** What a token allows; null when it is none of these, or a key that is over. */
  allowedBy(given: string): Allowed | null {
    const digest = digestOf(given)
    // Digests have one length, and comparing them takes the same time wherever they differ; each is compared.
    const [token] = this.known.filter((one) => timingSafeEqual(digest, one.digest))
    const key = this.#keyOf(given, digest)
    if (token !== undefined) return token.allows
    return key === null || isOver(key, this.#clock.now()) ? null : key
  }

  /** Nothing else than what a key looks like is one: the hash of a word that somebody can guess lets nobody in. */
  #keyOf(given: string, digest: Buffer): ApiKey | null {
    return isKeyForm(given) ? (this.apiKeys?.find(digest) ?? null) : null
  }

  /** The key that a text was, and is no more. */
  overBy(given: string): ApiKey | null {
    const key = this.#keyOf(given, digestOf(given))
    return key !== null && isOver(key, this.#clock.now()) ? key : null
  }
}

const listOf = (tokens: string | readonly string[]): readonly string[] =>
  typeof tokens === 'string' ? [tokens] : tokens

function refuse(problem: string | null): void {
  if (problem !== null) throw fault('TOKEN_INVALID', { problem })
}

/** Everybody would be locked out by a token that a header does not carry, or that is taken for two. */
function unbearable(token: string): string | null {
  if (token === '') return 'is empty'
  if (token.length > TOKEN_MOST) return `has ${token.length} characters, more than ${TOKEN_MOST}`
  if (/[\s,]/.test(token)) return 'has a space or a comma in it'
  // It would allow everything, whatever stands beside its SHA-256.
  if (isKeyForm(token)) return 'is an API key, for whoever calls: a server is given its SHA-256, in BALLET_API_KEYS'
  return /^[\x21-\x7e]+$/.test(token) ? null : 'has a character in it that is not printable ASCII'
}
