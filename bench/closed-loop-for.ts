// A closed loop that runs for a time rather than for a number of orders: what is measured differs a hundredfold in speed.

export interface Ask {
  readonly inFlight: number
  /** Goes on for so long at least, */
  readonly seconds: number
  /** and until so many orders have begun, */
  readonly orders: number
  /** but begins none after so long. */
  readonly mostSeconds: number
}

export interface Drove {
  readonly orders: number
  /** From the beginning of the first order to the end of the last one. */
  readonly seconds: number
  /** Of every order, in the order of their ends. */
  readonly latenciesMs: readonly number[]
}

/** Keeps `inFlight` orders under way; those that have begun are waited for, and count. */
export function closedLoopFor(ask: Ask, order: () => Promise<unknown>): Promise<Drove> {
  return new Promise((resolve, reject) => {
    const since = performance.now()
    const latenciesMs: number[] = []
    let begun = 0
    const passed = (): number => (performance.now() - since) / 1000
    const goesOn = (): boolean => {
      const seconds = passed()
      return seconds < ask.mostSeconds && (seconds < ask.seconds || begun < ask.orders)
    }
    const begin = (): void => {
      begun += 1
      const at = performance.now()
      order().then(() => {
        latenciesMs.push(performance.now() - at)
        if (goesOn()) begin()
        else if (latenciesMs.length === begun) resolve({ orders: begun, seconds: passed(), latenciesMs })
      }, reject)
    }
    for (let index = 0; index < ask.inFlight; index++) begin()
  })
}
