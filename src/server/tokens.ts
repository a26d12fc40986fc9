// The tokens of a server: those that allow everything, and those that only read, for whoever watches (a dashboard, Prometheus) and
// is not to act. Which one a text is takes the same time for each. Used by guard.ts and sessions.ts.
import { createHash, timingSafeEqual } from 'node:crypto'
import { fault } from '../core/errors.ts'

/** What a token is good for. */
export type Allowed = 'all' | 'reads'

/** Characters of a token: with it the headers of a request stay within what is read of them. */
const TOKEN_MOST = 8192

interface Known {
  readonly token: string
  readonly allows: Allowed
  readonly digest: Buffer
}

export class Tokens {
  readonly known: readonly Known[]

  /** @param all null where nothing is asked for. @throws TOKEN_INVALID */
  constructor(all: string | readonly string[] | null, reads: string | readonly string[] = []) {
    const [forAll, forReads] = [listOf(all ?? []), listOf(reads)]
    for (const token of Array.isArray(all) && all.length === 0 ? [''] : [...forAll, ...forReads])
      refuse(unbearable(token))
    // Who has only this one would be let in to read, and everybody else to do as they like.
    if (all === null && forReads.length > 0) refuse('only reads, and there is none that allows everything')
    if (forReads.some((token) => forAll.includes(token)))
      refuse('is one that only reads and one that allows everything')
    const known = (token: string, allows: Allowed): Known => ({ token, allows, digest: digestOf(token) })
    this.known = [...forAll.map((token) => known(token, 'all')), ...forReads.map((token) => known(token, 'reads'))]
  }

  /** Whether anything is asked for. */
  get isAsked(): boolean {
    return this.known.length > 0
  }

  /** What a token allows; null when it is none of these. */
  allowedBy(given: string): Allowed | null {
    const digest = digestOf(given)
    // Digests have one length, and comparing them takes the same time wherever they differ; each is compared.
    return this.known.filter((one) => timingSafeEqual(digest, one.digest))[0]?.allows ?? null
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
  return /^[\x21-\x7e]+$/.test(token) ? null : 'has a character in it that is not printable ASCII'
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
