// How often a call was tried, from the rows of its journal. Its attempts have numbers, which begin anew when a person has
// it retried: that is seen by a number that is not higher than the one before.
import { word, type Part } from './journal-words.ts'

export class Attempts {
  /** Of the series before the present one. */
  #earlier = 0
  /** The number of the last one of the present series. */
  #last = 0

  /** Takes what a row says of an attempt: that it failed, or how the call came out. Whatever else it is about counts nothing. */
  count(row: Part): void {
    const number = Number(word(row, 'attempt'))
    if (!(number > 0)) return
    // That the call failed is told of an attempt that has been counted.
    const isToldAgain = word(row, 'kind') === 'failed' && number === this.#last
    if (number <= this.#last && !isToldAgain) this.#earlier += this.#last
    this.#last = number
  }

  /** How many there were; one that has told nothing yet is under way. */
  get total(): number {
    return Math.max(1, this.#earlier + this.#last)
  }
}
