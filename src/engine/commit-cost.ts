// What a commit takes in the store: a part that is the same for each (the sync, the way there and back), and a part for each of its
// rows. Least squares over the last commits, of which an older one counts less than the one after it. Used by commits.ts.

/** About so many commits count. */
const COUNTED = 32
/** As many as this have to be known before one of them can be an exception. */
const KNOWN = 4
/** One that took so many times as long as the others tells of the disk (its log was emptied, somebody else wrote), and not of its rows. */
const EXCEPTION = 2
/** Sizes that are spread by less than this part of the middle one do not tell the two parts from one another. */
const SPREAD = 0.2

export class CommitCost {
  /** Sums, by weight: of commits, their rows, their milliseconds, the squares of the rows, the products of both. */
  #commits = 0
  #rows = 0
  #ms = 0
  #squares = 0
  #products = 0

  /** @param ms as long as the store took for nothing else */
  add(rows: number, ms: number): void {
    const most = this.#commits < KNOWN ? Infinity : (EXCEPTION * this.#ms) / this.#commits
    const counted = Math.min(ms, most)
    const kept = 1 - 1 / COUNTED
    this.#commits = this.#commits * kept + 1
    this.#rows = this.#rows * kept + rows
    this.#ms = this.#ms * kept + counted
    this.#squares = this.#squares * kept + rows * rows
    this.#products = this.#products * kept + rows * counted
  }

  /**
   * Milliseconds that a commit takes however few its rows are; infinite before the first one. Where all have about the same size,
   * half of what one takes: as soon as somebody acts on that, their sizes differ.
   */
  get fixedMs(): number {
    if (this.#commits === 0) return Infinity
    const rows = this.#rows / this.#commits
    const ms = this.#ms / this.#commits
    const variance = this.#squares / this.#commits - rows * rows
    if (variance < (SPREAD * rows) ** 2) return ms / 2
    const aRow = (this.#products / this.#commits - rows * ms) / variance
    return ms - Math.min(Math.max(aRow, 0), ms / rows) * rows
  }
}
