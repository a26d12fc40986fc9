// Two virtual clocks in one process would wait for each other: what has one comes in turn. Called by all of src/testing that
// makes such a clock for somebody else.

let last: Promise<unknown> = Promise.resolve()

/** Begins work when everything that was begun before has ended. */
export function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  const turn = last.then(work)
  last = turn.catch(() => {})
  return turn
}
