// Where the shop is to be found at the moment, if it is. Clients wait here while it is down instead of knocking at a
// door that is not there, and go on as soon as its next life takes orders.

export class Address {
  #next = Promise.withResolvers<string>()

  /** Resolves with the URL when there is a shop that takes orders. */
  current(): Promise<string> {
    return this.#next.promise
  }

  found(url: string): void {
    this.#next.resolve(url)
  }

  /** The shop that was found is gone, or about to be. */
  lost(): void {
    this.#next = Promise.withResolvers()
  }
}
