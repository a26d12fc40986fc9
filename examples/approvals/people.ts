// The company: who approves whose claims, and up to which amount nobody has to. In yours this is a directory.

const managers: Readonly<Record<string, string>> = {
  ann: 'bob',
  bob: 'directors',
  carol: 'directors',
  dave: 'directors',
}
const groups: Readonly<Record<string, readonly string[]>> = { directors: ['carol', 'dave'] }

/** In cents. */
const SMALL = 5_000

export const isKnown = (person: string): boolean => Object.hasOwn(managers, person)

/** Under which names a person is asked: their own, and those of their groups. */
export const namesOf = (person: string): readonly string[] => [
  person,
  ...Object.keys(groups).filter((group) => groups[group]?.includes(person)),
]

/** Who decides about a claim, one after the other: the manager, then the manager's manager, up to the directors. */
export function lineOf(person: string, amount: number): string[] {
  if (amount <= SMALL) return []
  const line: string[] = []
  for (let next = managers[person]; next !== undefined; next = managers[next]) line.push(next)
  return line
}
