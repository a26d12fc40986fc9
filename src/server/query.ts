// The parameters of a request, strict: a name that a route does not take is refused with the nearest one that it
// does, because a filter that is silently ignored shows somebody the wrong runs.
import { toMs, type Duration } from '../core/duration.ts'
import { fault } from '../core/errors.ts'
import { keyOf, splitKey } from '../core/names.ts'
import { shown, unknownName } from './envelope.ts'

/** What was read last, which is mostly asked for again: a client says the same with each of its requests. */
let last: { readonly search: string; readonly names: readonly string[]; readonly values: URLSearchParams } | null = null

export class Query {
  readonly #values: URLSearchParams

  /** @throws QUERY_INVALID for a name that is not in `names` or has no value. */
  constructor(url: string, names: readonly string[]) {
    // The whole of a URL is dear to read.
    const search = /^[^?#]*(\?[^#]*)/.exec(url)?.[1] ?? ''
    if (last !== null && last.search === search && last.names === names) {
      this.#values = last.values
      return
    }
    this.#values = new URLSearchParams(search)
    for (const [name, value] of this.#values) {
      if (!names.includes(name)) throw invalid(shown(name), unknownName('parameter', name, names))
      if (value === '') throw invalid(name, 'it is empty')
      if (value.includes('\0')) throw invalid(name, 'it has a null character, which nothing that is kept has')
    }
    last = { search, names, values: this.#values }
  }

  /** @throws QUERY_INVALID when it is given twice. */
  text(name: string): string | undefined {
    const values = this.#values.getAll(name)
    if (values.length > 1) throw invalid(name, 'it is given more than once')
    return values[0]
  }

  /** Values separated by commas, or given more than once. */
  list(name: string): readonly string[] | undefined {
    const values = this.#values.getAll(name).flatMap((value) => value.split(','))
    return values.length === 0 ? undefined : values
  }

  /** One of a few words. */
  word<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const value = this.text(name)
    return value === undefined ? undefined : checkWord(name, value, words)
  }

  /** Several of a few words. */
  words<Word extends string>(name: string, words: readonly Word[]): readonly Word[] | undefined {
    return this.list(name)?.map((value) => checkWord(name, value, words))
  }

  flag(name: string): boolean | undefined {
    const value = this.word(name, ['true', 'false'])
    return value === undefined ? undefined : value === 'true'
  }

  /** A whole number from 1 to `most`. */
  count(name: string, most: number): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const count = /^[0-9]{1,9}$/.test(value) ? Number(value) : 0
    if (count < 1 || count > most) throw invalid(name, `it must be a whole number from 1 to ${most}`)
    return count
  }

  /** A length of time up to `most`, in milliseconds. */
  duration(name: string, most: Limit): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const ms = parseMs(value)
    if (ms === undefined) throw invalid(name, 'it must be a number with ms, s or m, for example 30s')
    if (ms > most.ms) throw invalid(name, `it must be at most ${most.words}`)
    return ms
  }

  /** A business key, `field:value`. @throws KEY_INVALID */
  key(name: string): string | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    if (!value.includes(':')) throw invalid(name, 'it must be field:value, for example orderId:8841')
    const key = splitKey(value)
    return keyOf(key.field, key.value)
  }
}

/** The longest that a length of time may be. */
export interface Limit {
  readonly words: Duration
  readonly ms: number
}

export const limitOf = (words: Duration): Limit => ({ words, ms: toMs(words) })

/** Milliseconds of a length of time; undefined for what is none. */
export function parseMs(value: string): number | undefined {
  try {
    return toMs(value)
  } catch {
    return undefined
  }
}

function checkWord<Word extends string>(name: string, value: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === value)
  if (found === undefined) throw invalid(name, `it must be one of ${words.join(', ')}`)
  return found
}

function invalid(name: string, problem: string): Error {
  return fault('QUERY_INVALID', { name, problem })
}
