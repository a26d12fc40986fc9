// What the journal of a run says of its present: what it waits for, its state, which attempts failed. Computed from
// committed rows alone, so a process that only reads the file sees the same as the one that runs the application.
import { parseCommands, parseTurn, type Note, type StoredCommand } from '../core/journal.ts'
import type { Failure } from '../core/failure.ts'
import { parseText } from '../core/json-text.ts'
import { splitKey } from '../core/names.ts'
import type { RunRow } from '../core/store.ts'
import type { WaitView } from '../core/views.ts'
import type { Json } from '../core/json.ts'

/** A journal row with its payload decoded. */
export interface DecodedRow {
  readonly pos: number
  readonly seq: number
  readonly kind: 'turn' | 'note' | 'mail'
  readonly at: number
  readonly text: string
}

export interface Present {
  readonly waits: readonly WaitView[]
  readonly state: Json | undefined
  readonly stuckOps: ReadonlySet<string>
}

interface Open {
  readonly command: StoredCommand
  readonly since: number
}
interface Attempt {
  readonly number: number
  readonly error: Failure
  readonly next: number | null
}

/** The present of a run, from its row and journal. */
export function presentOf(row: RunRow, rows: readonly DecodedRow[]): Present {
  const open = new Map<string, Open>()
  const attempts = new Map<string, Attempt>()
  const stuckOps = new Set<string>()
  let state: Json | undefined
  if (row.kind !== 'workflow' && row.call !== '')
    open.set(`${row.call}#0`, { command: { kind: 'call', op: `${row.call}#0`, call: row.call }, since: row.created })
  for (const { kind, text, at } of rows) {
    if (kind === 'note') {
      const note = parseText(text) as Note
      if (note.kind === 'attempt') attempts.set(note.op, { number: note.attempt, error: note.error, next: note.next })
      else if (note.kind === 'stuck' && note.op !== null) stuckOps.add(note.op)
    }
    if (kind !== 'turn') continue
    const { delivered, commandsText } = parseTurn(text)
    const commands = parseCommands(commandsText)
    if ('op' in delivered) open.delete(delivered.op)
    if (delivered.kind === 'signal') answer(open, `signal:${delivered.name}`)
    if (delivered.kind === 'event') answer(open, `event:${delivered.type}`)
    for (const command of commands) {
      if (command.kind === 'set') state = command['state'] as Json
      if (isWaiting(command)) open.set(String(command['op']), { command, since: at })
    }
  }
  const isOpen = row.ended === null
  return {
    waits: isOpen ? [...open.values()].map((one) => waitOf(one, attempts)) : [],
    state,
    stuckOps: isOpen ? stuckOps : new Set(),
  }
}

function isWaiting(command: StoredCommand): boolean {
  if (command.kind === 'child') return command['wait'] === true
  return ['call', 'step', 'sleep', 'wait', 'join'].includes(command.kind)
}

function answer(open: Map<string, Open>, name: string): void {
  for (const [op, { command }] of open)
    if (command.kind === 'wait' && (command['names'] as string[]).includes(name)) open.delete(op)
}

function waitOf({ command, since }: Open, attempts: ReadonlyMap<string, Attempt>): WaitView {
  const op = String(command['op'])
  const due = typeof command['due'] === 'number' ? new Date(command['due']).toISOString() : null
  const attempt = attempts.get(op)
  const failed = attempt && {
    number: attempt.number,
    error: attempt.error,
    next: attempt.next === null ? null : new Date(attempt.next).toISOString(),
  }
  return {
    op,
    ...wordsOf(command),
    since: new Date(since).toISOString(),
    until: due,
    ...(failed === undefined ? {} : { attempt: failed }),
  }
}

function wordsOf(command: StoredCommand): Pick<WaitView, 'kind' | 'for' | 'from'> {
  const text = (field: string): string => String(command[field])
  switch (command.kind) {
    case 'call':
      return { kind: 'call', for: text('call'), from: text('call').split('.')[0] ?? '' }
    case 'child':
    case 'join':
      return { kind: 'child', for: text('run'), from: text(command.kind === 'child' ? 'call' : 'run') }
    case 'sleep':
      return { kind: 'timer', for: 'timer', from: 'clock' }
    case 'wait': {
      const names = (command['names'] as string[]).map((name) => splitKey(name))
      const kinds = [...new Set(names.map((name) => name.field))]
      return { kind: 'receive', for: names.map((name) => name.value).join(' | '), from: kinds.join(' | ') }
    }
    default:
      return { kind: 'step', for: text('op').replace(/[#/].*$/, ''), from: 'the workflow' }
  }
}
