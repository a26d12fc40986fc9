// Which runs that have ended may still be asked for: those that an open run started, it or what it started, for that one
// may ask how they ended, now or when a person has brought it back. Only the generation that started a run can: its
// names are not known to the next, and it has not gone on while it waited for one. Built anew by each sweep of the
// retention, which tells it of open runs as it comes past them: whoever started a run has a lower number.
import type { Aged } from '../core/store.ts'

/** What an id holds between two marks when a generation after the first has given it: a number, where names have a letter. */
const GENERATION = /^(\d+)~/

export class Ancestry {
  readonly #numOf: (id: string) => number | undefined
  /** Of open runs that have continued, by number. */
  readonly #generations = new Map<number, number>()
  /** Open runs that nobody here knows of, because their rows cannot be read: they may be, one day. */
  readonly #unread = new Map<string, number>()

  /** @param numOf the number of an open run. */
  constructor(numOf: (id: string) => number | undefined) {
    this.#numOf = numOf
  }

  /** There is this run. */
  pass({ num, id, ended, generation }: Aged): void {
    if (ended === null && this.#numOf(id) === undefined) this.#unread.set(id, num)
    if (ended === null && generation > 0) this.#generations.set(num, generation)
  }

  /** Whether an open run may still ask for the run of this id. Only ids that are derived have a mark in them. */
  mayAskFor(id: string): boolean {
    for (let end = id.indexOf('~'); end > 0; end = id.indexOf('~', end + 1)) {
      const owner = id.slice(0, end)
      const num = this.#numOf(owner) ?? this.#unread.get(owner)
      if (num === undefined) continue
      const given = Number(GENERATION.exec(id.slice(end + 1))?.[1] ?? 0)
      if (given >= (this.#generations.get(num) ?? 0)) return true
    }
    return false
  }
}
