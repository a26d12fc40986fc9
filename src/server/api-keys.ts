// The API keys that a server takes: those that it was given, and those of a file, which is read anew as it is needed, so that a key
// is added or taken out without a restart and without asking anybody. What cannot be understood is no key: a line that has a
// mistake shuts out whoever bears its key, and nobody else. Used by tokens.ts.
import { readFileSync, statSync } from 'node:fs'
import { timingSafeEqual } from 'node:crypto'
import { elapsedOf, type Clock } from '../core/clock.ts'
import { fault } from '../core/errors.ts'
import type { Log } from '../define/definition.ts'
import { isOver, readKeys, type ApiKey, type ReadKeys } from './api-key.ts'

/** For so long what the file said holds without a look. */
const LOOK_MS = 1000
/** For so long it holds when the file cannot be read for now, as when this process has no more descriptors. */
const UNREAD_MS = 60_000
const FILE_MOST_BYTES = 1_048_576

export interface ApiKeysOptions {
  /**
   * The API keys of callers, one a line or with commas between, as `ballet key new` prints them:
   * `<name> <scope>+<scope> <SHA-256> [<when it is over, 2027-02-28T12:00:00Z>]`. Where there are some, or a file, nobody gets in
   * without a token or a key. Default, and when empty: none.
   */
  readonly apiKeys?: string | undefined
  /** A file of such lines, read anew when it has changed, a second later at most. Default, and when empty: none. */
  readonly apiKeysFile?: string | undefined
}

/** How often a key was borne; of two of one name, the beginning of the SHA-256 says which. */
export interface KeyUse {
  readonly name: string
  readonly sha256: string
  readonly count: number
}

/** Where they come from, as it is told to people. */
const GIVEN = 'BALLET_API_KEYS'

export class ApiKeys {
  readonly #given: readonly ApiKey[]
  readonly #path: string | null
  readonly #clock: Clock
  readonly #log: Log
  /** Those of the file, and what was given. */
  #all: readonly ApiKey[]
  /** How often each was borne, by its SHA-256. */
  readonly #uses = new Map<string, number>()
  /** What the file said last. */
  #text: string | null = null
  #lookedAt = 0
  #readAt = 0
  /** The last problem that was told. */
  #told = ''

  /** Keys of a server; null where it is given neither. @throws API_KEYS_INVALID */
  static of({ apiKeys = '', apiKeysFile = '' }: ApiKeysOptions, clock: Clock, log: Log): ApiKeys | null {
    if (apiKeys === '' && apiKeysFile === '') return null
    return new ApiKeys(sound(readKeys(apiKeys), GIVEN), apiKeysFile === '' ? null : apiKeysFile, clock, log)
  }

  private constructor(given: readonly ApiKey[], path: string | null, clock: Clock, log: Log) {
    this.#given = this.#all = given
    this.#path = path
    this.#clock = clock
    this.#log = log
    if (path === null) return
    this.#lookedAt = this.#readAt = elapsedOf(clock)
    try {
      this.#text = textOf(path)
    } catch (error) {
      throw fault('API_KEYS_INVALID', { where: path, problem: reasonOf(error) }, error)
    }
    this.#all = this.#with(sound(readKeys(this.#text), path))
  }

  /** Those that hold now. */
  get now(): readonly ApiKey[] {
    const at = this.#clock.now()
    this.#look()
    return this.#all.filter((key) => !isOver(key, at))
  }

  /** The key that a text is, also one that is over; null when it is none. Each is compared, so that it takes the same time. */
  find(digest: Buffer): ApiKey | null {
    this.#look()
    return this.#all.filter((key) => timingSafeEqual(digest, key.digest))[0] ?? null
  }

  /** A key was borne, or a session of it. */
  used({ digest }: ApiKey): void {
    const hash = digest.toString('hex')
    this.#uses.set(hash, (this.#uses.get(hash) ?? 0) + 1)
  }

  /** How often each key that there is was borne since this process began. */
  get uses(): readonly KeyUse[] {
    this.#look()
    const all = this.#all.map(({ name, digest }) => ({ name, hash: digest.toString('hex') }))
    // Of those that were taken out nothing is kept.
    for (const hash of this.#uses.keys()) if (!all.some((key) => key.hash === hash)) this.#uses.delete(hash)
    return all.map(({ name, hash }) => ({ name, sha256: hash.slice(0, 8), count: this.#uses.get(hash) ?? 0 }))
  }

  /** A key that stands in both is what was given. */
  #with(ofFile: readonly ApiKey[]): readonly ApiKey[] {
    const isGiven = ({ digest }: ApiKey): boolean => this.#given.some((key) => key.digest.equals(digest))
    return [...this.#given, ...ofFile.filter((key) => !isGiven(key))]
  }

  #look(): void {
    const now = elapsedOf(this.#clock)
    if (this.#path === null || now - this.#lookedAt < LOOK_MS) return
    this.#lookedAt = now
    try {
      const text = textOf(this.#path)
      this.#readAt = now
      if (text === this.#text) return
      const { keys, problems } = readKeys(text)
      this.#text = text
      this.#all = this.#with(keys)
      this.#tell(problems.join('; '))
    } catch (error) {
      // Gone is what somebody wants who takes it away; anything else may be over in a moment, and has a minute for that.
      const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT'
      if (isGone || now - this.#readAt > UNREAD_MS) {
        this.#all = this.#given
        this.#text = null
      }
      this.#tell(reasonOf(error))
    }
  }

  #tell(problem: string): void {
    if (problem !== '' && problem !== this.#told)
      this.#log.error(`API keys of ${this.#path} are not taken: ${problem}`, undefined, { code: 'API_KEYS_INVALID' })
    this.#told = problem
  }
}

/** @throws API_KEYS_INVALID */
function sound({ keys, problems }: ReadKeys, where: string): readonly ApiKey[] {
  if (problems.length > 0) throw fault('API_KEYS_INVALID', { where, problem: problems.join('; ') })
  return keys
}

/** What stands in a file. Small, and looked at once a second at most: to wait for it costs less than not to know. */
function textOf(path: string): string {
  const stats = statSync(path)
  if (!stats.isFile()) throw fault('API_KEYS_INVALID', { where: path, problem: 'it is no file' })
  if (stats.size > FILE_MOST_BYTES)
    throw fault('API_KEYS_INVALID', { where: path, problem: `it has more than ${FILE_MOST_BYTES} bytes` })
  return readFileSync(path, 'utf8')
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it cannot be read'
  return 'details' in error
    ? error.message
    : 'code' in error
      ? `it cannot be read (${String(error.code)})`
      : error.message
}
