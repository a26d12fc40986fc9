// Where the shop is to be found at the moment, if it is. Clients wait here while it is down instead of knocking at a
// door that is not there, and go on as soon as its next life takes orders.

export class Address {
  #next = Promise.withResolvers<string>()
  #isFound = false

  /** Resolves with the URL when there is a shop that takes orders. */
  current(): Promise<string> {
    return this.#next.promise
  }

  found(url: string): void {
    this.#isFound = true
    this.#next.resolve(url)
  }

  /** The shop is gone, or about to be. Whoever waits for one that was never found waits for the next. */
  lost(): void {
    if (this.#isFound) this.#next = Promise.withResolvers()
    this.#isFound = false
  }
}
