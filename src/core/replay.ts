// Verification: a replayed turn must do again what its journal says it did. Compared is what has an effect: which
// operations, children, waits and events, under which ids, with which input. A duration, a state or a log line may
// change with the code; what was recorded of them stands. A mismatch is never guessed away: it becomes a diff.
import { canonicalText } from './json.ts'
import { commandsText, parseCommands, revive, type Command, type StoredCommand } from './journal.ts'

export type Verdict =
  | { readonly kind: 'same' }
  /** The same in effect, but not as text: `commands` are the recorded ones, and they hold. */
  | { readonly kind: 'recorded'; readonly commands: readonly Command[] }
  | { readonly kind: 'different'; readonly diff: string }

/** Compares what a replayed turn produced with what was recorded. */
export function verify(produced: readonly Command[], recordedText: string): Verdict {
  if (commandsText(produced) === recordedText) return { kind: 'same' }
  const recorded = parseCommands(recordedText)
  const mine = produced.map((command) => meaning(parseCommands(commandsText([command]))[0] as StoredCommand))
  const theirs = recorded.map(meaning)
  const left = theirs.filter((line) => line !== '')
  const right = mine.filter((line) => line !== '')
  if (sameInAnyOrder(left, right)) {
    return { kind: 'recorded', commands: recorded.map(revive) }
  }
  return { kind: 'different', diff: diffLines(left, right) }
}

/**
 * Two branches that take their step in one turn may do so in another order once somewhere an `await` was added. Their
 * commands go by their ids and have all been carried out, so that order means nothing.
 */
function sameInAnyOrder(left: readonly string[], right: readonly string[]): boolean {
  const sorted = [...right].sort()
  return left.length === right.length && [...left].sort().every((line, index) => line === sorted[index])
}

const NAMED = ['op', 'call', 'run', 'type', 'name', 'names', 'key', 'wait', 'settles', 'source', 'id'] as const

/** What of a command must be the same in a replay, as one line; empty for what need not be. */
function meaning(command: StoredCommand): string {
  const { kind } = command
  if (kind === 'set' || kind === 'patch' || kind === 'phase') return ''
  const parts: string[] = [kind]
  for (const field of NAMED) {
    if (field in command) parts.push(canonicalText(command[field]))
  }
  const payload = 'raw' in command ? command['raw'] : kind === 'end' ? (command['output'] ?? null) : command['input']
  if (payload !== undefined) parts.push(canonicalText(payload))
  return parts.join(' ')
}

/** A person reads the first difference: what stands before it, how much is compared (quadratic), shown, and of a line. */
const CONTEXT_LINES = 3
const DIFF_LIMIT = 200
const DIFF_LINES = 40
const LINE_LIMIT = 200

/** Lines of two lists: `=` in both, `-` recorded only, `+` produced only, by their longest common subsequence. */
function diffLines(allRecorded: readonly string[], allProduced: readonly string[]): string {
  let first = 0
  while (first < allRecorded.length && allRecorded[first] === allProduced[first]) first++
  const from = Math.max(0, first - CONTEXT_LINES)
  const recorded = allRecorded.slice(from, from + DIFF_LIMIT)
  const produced = allProduced.slice(from, from + DIFF_LIMIT)
  const rows = recorded.length
  const columns = produced.length
  const length: number[][] = Array.from({ length: rows + 1 }, () => Array.from({ length: columns + 1 }, () => 0))
  const at = (row: number, column: number): number => (length[row] as number[])[column] as number
  for (let row = rows - 1; row >= 0; row--) {
    for (let column = columns - 1; column >= 0; column--) {
      const same = recorded[row] === produced[column]
      ;(length[row] as number[])[column] = same
        ? at(row + 1, column + 1) + 1
        : Math.max(at(row + 1, column), at(row, column + 1))
    }
  }
  const lines: string[] = from === 0 ? [] : [`  … ${from} the same`]
  let row = 0
  let column = 0
  while (row < rows || column < columns) {
    if (row < rows && column < columns && recorded[row] === produced[column]) {
      lines.push(`  = ${part(recorded[row++] as string, produced[column++])}`)
    } else if (row < rows && (column === columns || at(row + 1, column) >= at(row, column + 1))) {
      lines.push(`  - recorded ${part(recorded[row++] as string, produced[column])}`)
    } else {
      lines.push(`  + produced ${part(produced[column++] as string, recorded[row - 1])}`)
    }
  }
  return lines.length > DIFF_LINES ? [...lines.slice(0, DIFF_LINES), '  …'].join('\n') : lines.join('\n')
}

/** A line; of a long one its beginning, and where it begins to differ from `other`. */
function part(line: string, other: string | undefined): string {
  if (line.length <= LINE_LIMIT) return line
  let same = 0
  while (same < line.length && line[same] === other?.[same]) same++
  const half = LINE_LIMIT / 2
  if (same < half || same === line.length) return `${line.slice(0, LINE_LIMIT)}…`
  return `${line.slice(0, half)}…${line.slice(same - half / 2, same + half)}${same + half < line.length ? '…' : ''}`
}
