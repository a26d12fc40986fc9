// An API key: a name, what it may do, and until when. The key itself is shown once, when it is made, and is kept by whoever bears
// it; a server knows its SHA-256 alone, from a line like this one. Used by api-keys.ts, and by the command that makes keys.
//
//   ci start+read 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 2027-02-28T12:00:00Z
//
// The key is `ballet_<name>.<43 letters and digits>`: whoever looks for secrets that have got into the wrong place (a repository, a
// log) finds it by its form, and its name says which line is to be taken out.
import { createHash, randomInt } from 'node:crypto'

/** What a key may do: one, or several of them. `all` is every one, those to come as well. */
export const SCOPES = ['read', 'start', 'signal', 'act', 'all'] as const
export type Scope = (typeof SCOPES)[number]

export interface ApiKey {
  readonly name: string
  readonly scopes: readonly Scope[]
  /** SHA-256 of the key. */
  readonly digest: Buffer
  /** When it is over, in milliseconds since the epoch; null: never. */
  readonly until: number | null
}

/** What a text says of keys. */
export interface ReadKeys {
  readonly keys: readonly ApiKey[]
  /** Lines that say nothing that is understood, in words that repeat nothing of them: a secret may stand there by mistake. */
  readonly problems: readonly string[]
}

/** 256 bits. */
const SECRET_CHARACTERS = 43
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/
const KEY = /^ballet_[a-z0-9-]{1,40}\.[A-Za-z0-9]{43}$/
const UNTIL = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?Z$/
/** Keys of one server: each is compared with what is sent. */
const MOST = 1000

export const NAME_FORM = 'up to 40 small letters, digits and dashes, none at either end'

export const isKeyName = (text: string): boolean => NAME.test(text)

/** Whether a text has the form of a key. */
export const isKeyForm = (text: string): boolean => KEY.test(text)

/** Whether a key may do what asks for a scope. */
export const allows = ({ scopes }: ApiKey, scope: Scope): boolean => scopes.includes('all') || scopes.includes(scope)

export const isOver = ({ until }: ApiKey, now: number): boolean => until !== null && until <= now

/** A new key, which nobody else knows. */
export function newKey(name: string): string {
  const secret = Array.from({ length: SECRET_CHARACTERS }, () => ALPHABET[randomInt(ALPHABET.length)])
  return `ballet_${name}.${secret.join('')}`
}

export function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** The line that a server is given. @param until in milliseconds since the epoch */
export function lineOf({ name, scopes, digest, until }: ApiKey): string {
  const line = `${name} ${scopes.join('+')} ${digest.toString('hex')}`
  return until === null ? line : `${line} ${new Date(until).toISOString().replace('.000Z', 'Z')}`
}

/** The scopes in a text, each once; what is wrong with it where it has others. */
export function scopesOf(text: string, between: string): readonly Scope[] | string {
  const words = [...new Set(text.split(between))]
  const known = SCOPES.filter((scope) => words.includes(scope))
  if (known.length === words.length) return known
  return `the scopes are ${SCOPES.join(', ')}`
}

/** Reads keys, one a line or between commas; `#` begins what is said to people. */
export function readKeys(text: string): ReadKeys {
  const keys: ApiKey[] = []
  const problems: string[] = []
  const seen = new Set<string>()
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .flatMap((line, at) =>
      line
        .replace(/#.*/, '')
        .split(',')
        .map((part) => ({ part: part.trim(), at: at + 1 })),
    )
  for (const { part, at } of lines) {
    if (part === '') continue
    const key = readKey(part)
    const problem =
      typeof key === 'string'
        ? key
        : seen.has(key.digest.toString('hex'))
          ? 'its key stands there twice'
          : keys.length === MOST
            ? `there are more than ${MOST} keys`
            : null
    if (problem !== null || typeof key === 'string') problems.push(`line ${at}: ${problem}`)
    else {
      seen.add(key.digest.toString('hex'))
      keys.push(key)
    }
  }
  return { keys, problems }
}

/** The key of a line; what is wrong with it where it is none. */
function readKey(line: string): ApiKey | string {
  const [name = '', scopeWords = '', digest = '', until, ...more] = line.split(/\s+/)
  if (line.split(/\s+/).some(isKeyForm)) return 'it has the key itself: only its SHA-256 belongs here (make a new key)'
  if (!isKeyName(name)) return `it must begin with a name, ${NAME_FORM}`
  const scopes = scopesOf(scopeWords, '+')
  if (typeof scopes === 'string') return `behind the name stand scopes as start+read, and ${scopes}`
  if (!/^[0-9a-f]{64}$/.test(digest)) return 'behind the scopes stands the SHA-256 of the key, 64 digits of 0-9 and a-f'
  const at = until === undefined ? null : UNTIL.test(until) ? Date.parse(until) : Number.NaN
  if (Number.isNaN(at)) return 'behind the SHA-256 stands when it is over, as 2027-02-28T12:00:00Z, or nothing'
  if (more.length > 0) return 'it has more than a name, scopes, a SHA-256 and a time'
  return { name, scopes, digest: Buffer.from(digest, 'hex'), until: at }
}
