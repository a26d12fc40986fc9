// Compares what writers have committed with the log, and the log with what was delivered. It knows nothing of the engine.

/** One thing that a writer does: its `nth`, for a key. */
export interface Move {
  readonly writer: string
  readonly key: string
  readonly nth: number
}

export interface Account {
  /** In the order in which the commits were answered; those of one writer are in the order of its commits. */
  readonly committed: (Move & { readonly way: 'publish' | 'start' })[]
  /** Ids of transactions that were rolled back. */
  readonly withdrawn: Set<string>
  /** What reactions, and what runs were given. */
  readonly noted: Move[]
  readonly marked: Move[]
}

export interface Logged extends Move {
  readonly id: string
}

const nameOf = ({ writer, key, nth }: Move): string => `${writer}, ${nth}, for ${key}`

/** What is wrong, in words; at most a few of each kind. */
export function judge({ committed, withdrawn, noted, marked }: Account, log: readonly Logged[]): string[] {
  const published = committed.filter(({ way }) => way === 'publish').map(nameOf)
  const started = committed.filter(({ way }) => way === 'start').map(nameOf)
  return [
    ...log.filter(({ id }) => withdrawn.has(id)).map((row) => `PHANTOM: ${nameOf(row)} was rolled back`),
    ...compare('the log', published, log),
    ...compare('the reactions', published, noted),
    ...compare('the runs', started, marked),
    ...inversions('the log', log),
    ...inversions('the reactions', noted),
    ...differences(log, noted),
  ].slice(0, 20)
}

/** Everything exactly once. */
function compare(where: string, expected: readonly string[], moves: readonly Move[]): string[] {
  const found = new Map<string, number>()
  for (const name of moves.map(nameOf)) found.set(name, (found.get(name) ?? 0) + 1)
  const known = new Set(expected)
  return [
    ...expected.filter((name) => !found.has(name)).map((name) => `LOST: ${name} is not in ${where}`),
    ...[...found].flatMap(([name, count]) => (count > 1 ? [`TWICE: ${name} is ${count} times in ${where}`] : [])),
    ...[...found.keys()].filter((name) => !known.has(name)).map((name) => `PHANTOM: ${name} is in ${where}`),
  ]
}

/** The moves of one writer for one key are in the order of its commits. */
function inversions(where: string, moves: readonly Move[]): string[] {
  const last = new Map<string, number>()
  return moves.flatMap((move) => {
    const lane = `${move.writer} ${move.key}`
    const before = last.get(lane) ?? 0
    last.set(lane, move.nth)
    return move.nth > before ? [] : [`ORDER: ${nameOf(move)} comes after ${before} in ${where}`]
  })
}

/** Reactions have the order of the log, key by key. */
function differences(log: readonly Move[], noted: readonly Move[]): string[] {
  const delivered = Map.groupBy(noted, ({ key }) => key)
  return [...Map.groupBy(log, ({ key }) => key)].flatMap(([key, rows]) => {
    const given = delivered.get(key) ?? []
    const at = rows.findIndex((row, index) => given[index] === undefined || nameOf(row) !== nameOf(given[index]))
    return at === -1 ? [] : [`ORDER: for ${key} the reactions differ from the log at ${at}`]
  })
}
