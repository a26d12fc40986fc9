// The trace of a story: everything that happened in it, in order, folded into one hash as it happens. Two stories with the
// same hash are the same story, to the last byte of every row that was committed. The lines for people are kept only when
// somebody asks for them, because making them costs more than the story.

/** What happened, in order. */
export class Trace {
  /** What a person reads, or null when nobody does. */
  readonly lines: string[] | null
  #low = 0x811c9dc5
  #high = 0x9747b28c
  #count = 0

  /** @param isTold whether lines are kept. */
  constructor(isTold: boolean) {
    this.lines = isTold ? [] : null
  }

  /** Things that have happened so far. */
  get count(): number {
    return this.#count
  }

  /** 64 bits that stand for all of it. */
  get hash(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
  }

  /**
   * Something happened.
   * @param more what else a person wants to know of it; not part of the hash.
   */
  note(at: number, text: string, more?: () => string): void {
    this.#count += 1
    this.fold(text)
    this.lines?.push(`${String(at).padStart(7)}  ${text}${more === undefined ? '' : `  ${more()}`}`)
  }

  /** Takes something into the hash that no line is needed for. */
  fold(text: string): void {
    let low = this.#low
    let high = this.#high
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index)
      low = Math.imul(low ^ unit, 0x01000193)
      high = Math.imul(high ^ unit, 0x5bd1e995)
      high ^= high >>> 15
    }
    this.#low = low
    this.#high = high
  }
}
