// Whether what clients were told can be put into one order in which every answer is right, and which keeps to the real
// time of those that did not overlap (linearizability; the search of Wing and Gong, 1993, with the memory of Lowe, 2017).
// An operation without an answer may have been done at any time after it was asked, or never.

/** One operation on one object. */
export interface Attempt<Input, Answer> {
  readonly input: Input
  /** Places on one line of time; `ended` is Infinity when no answer came. */
  readonly begun: number
  readonly ended: number
  /** Undefined when no answer came: then any is right. */
  readonly answer: Answer | undefined
}

/** What the object would do alone. */
export interface SequentialModel<State, Input, Answer> {
  readonly initial: State
  /** The state after the operation, or undefined when it cannot have been answered so. */
  readonly step: (state: State, input: Input, answer: Answer | undefined) => State | undefined
}

/** States that are looked at before the search is given up. */
const BUDGET = 200_000

/**
 * Whether there is such an order; null when the search was given up.
 * @param operations at most 52 or so: the search is exponential in those that overlap.
 */
export function isLinearizable<State, Input, Answer>(
  operations: readonly Attempt<Input, Answer>[],
  model: SequentialModel<State, Input, Answer>,
): boolean | null {
  const sorted = [...operations].sort((a, b) => a.begun - b.begun)
  const isDone = sorted.map(() => false)
  const seen = new Set<string>()
  let work = 0
  const search = (state: State, left: number): boolean | null => {
    if (left === 0) return true
    if (++work > BUDGET) return null
    // What was done only grows on the way, so a place is met again only once it has led nowhere: until then it needs no name.
    const place = (): string => `${isDone.map(Number).join('')} ${JSON.stringify(state)}`
    if (seen.size > 0 && seen.has(place())) return false
    let firstEnd = Number.POSITIVE_INFINITY
    for (let index = 0; index < sorted.length; index++)
      if (isDone[index] !== true) firstEnd = Math.min(firstEnd, (sorted[index] as Attempt<Input, Answer>).ended)
    for (let index = 0; index < sorted.length; index++) {
      if (isDone[index] === true) continue
      const { begun, ended, input, answer } = sorted[index] as Attempt<Input, Answer>
      if (begun > firstEnd) break
      const next = model.step(state, input, answer)
      // One that nobody was answered and that changes nothing may as well not have been done.
      if (next === undefined || (next === state && ended === Number.POSITIVE_INFINITY)) continue
      isDone[index] = true
      const found = search(next, ended === Number.POSITIVE_INFINITY ? left : left - 1)
      if (found !== false) return found
      isDone[index] = false
    }
    seen.add(place())
    return false
  }
  return search(model.initial, sorted.filter(({ ended }) => ended !== Number.POSITIVE_INFINITY).length)
}
