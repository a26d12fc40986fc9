// What the journal of a run says of its present: what it waits for, its state, which attempts failed. Computed from
// committed rows alone, so a process that only reads the file sees the same as the one that runs the application.
import { parseText } from '../core/json-text.ts'
import { parseCommands, parseTurn, type Delivered, type Note, type StoredCommand, type Turn } from '../core/journal.ts'
import type { Failure } from '../core/failure.ts'
import { idempotencyKey, type RunIdentity } from '../core/ids.ts'
import { splitKey } from '../core/names.ts'
import type { RunRow } from '../core/store.ts'
import type { StepView, WaitView } from '../core/views.ts'
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
  /** Whether it has been asked to stop. */
  readonly isCancelled: boolean
  /** Whether its body has failed, and it takes back what it did. */
  readonly isFailing?: boolean
  readonly steps?: readonly StepView[]
  /** Why nothing of this is known. */
  readonly unread?: Failure
}

interface Open {
  readonly command: StoredCommand
  /** Where it stands, and when it was asked for. */
  readonly pos: number
  readonly since: number
  readonly givenUp: boolean
}
interface Attempt {
  readonly number: number
  readonly error: Failure
  readonly next: number | null
}

/** The calls of a run that conducts a flow, from its journal. */
function stepsOf(rows: readonly DecodedRow[]): readonly StepView[] {
  const steps = new Map<string, StepView>()
  for (const { kind, text, at } of rows) {
    if (kind !== 'turn') continue
    const { delivered, commandsText } = parseTurn(text)
    const ended = new Date(at).toISOString()
    const known = 'op' in delivered ? steps.get(delivered.op) : undefined
    if (known !== undefined && delivered.kind === 'done') {
      const type: unknown = delivered.payload === undefined ? null : parseText(delivered.payload)
      steps.set(known.op, { ...known, status: 'done', ...(typeof type === 'string' ? { outcome: type } : {}), ended })
    } else if (known !== undefined && delivered.kind === 'failed')
      steps.set(known.op, { ...known, status: 'failed', error: delivered.error, ended })
    for (const command of parseCommands(commandsText)) {
      if (command.kind !== 'child') continue
      const [op, run, call] = [String(command['op']), String(command['run']), String(command['call'])]
      const step = op.slice(op.indexOf(':') + 1, op.lastIndexOf('/'))
      steps.set(op, { op, step, run, call, status: 'open', since: ended, ended: null })
    }
  }
  return [...steps.values()]
}

/** What is told of a run beside its rows. */
interface Around {
  /** The id of the store, which is part of the keys of calls. */
  readonly store: string
  /** Up to where the rows are of processes before this one, where this one carries the run. */
  readonly before?: number | undefined
}

/** The present of a run, from its row and journal. */
export function presentOf(row: RunRow, rows: readonly DecodedRow[], { store, before = -1 }: Around): Present {
  const folding: Folding = {
    open: new Map(),
    attempts: new Map(),
    stuckOps: new Set(),
    state: undefined,
    isCancelled: false,
    isFailing: false,
  }
  if ((row.kind === 'operation' || row.kind === 'reaction') && row.call !== '') {
    const op = `${row.call}#0`
    folding.open.set(op, {
      command: { kind: 'call', op, call: row.call },
      pos: row.num,
      since: row.created,
      givenUp: false,
    })
  }
  // Of a workflow that has ended only what it said last of itself is left to tell.
  const told = row.ended !== null && row.kind === 'workflow' ? rows.filter(({ text }) => text.includes(SETS)) : rows
  for (const { kind, text, at, pos } of told) {
    if (kind === 'note') foldNote(folding, parseText(text) as Note)
    else if (kind === 'turn') foldTurn(folding, parseTurn(text), { at, pos })
    else foldMail(folding, parseTurn(text).delivered)
  }
  const { open, attempts, stuckOps, state } = folding
  const isOpen = row.ended === null
  return {
    waits: isOpen ? [...open.values()].map((one) => waitOf(one, attempts, { ...row, store }, before)) : [],
    state,
    stuckOps: isOpen ? stuckOps : new Set(),
    isCancelled: folding.isCancelled,
    isFailing: isOpen && folding.isFailing,
    ...(row.kind === 'choreography' ? { steps: stepsOf(rows) } : {}),
  }
}

/** As it stands in a turn that has such a command. */
const SETS = '"kind":"set"'

interface Folding {
  readonly open: Map<string, Open>
  readonly attempts: Map<string, Attempt>
  readonly stuckOps: Set<string>
  state: Json | undefined
  isCancelled: boolean
  isFailing: boolean
}

function foldNote({ open, attempts, stuckOps }: Folding, note: Note): void {
  if (note.kind === 'attempt') attempts.set(note.op, { number: note.attempt, error: note.error, next: note.next })
  else if (note.kind === 'stuck' && note.op !== null) stuckOps.add(note.op)
  else if (note.kind === 'action' && note.action === 'retry' && note.op !== null) {
    stuckOps.delete(note.op)
    attempts.delete(note.op)
    const waiting = open.get(note.op)
    if (note.run !== undefined && waiting !== undefined)
      open.set(note.op, { ...waiting, command: { ...waiting.command, run: note.run } })
  }
}

/** What was kept for a run that is frozen: its calls have been answered, though it does not know that yet. */
function foldMail(folding: Folding, delivered: Delivered): void {
  if (delivered.kind === 'cancel') folding.isCancelled = true
  if ('op' in delivered) folding.open.delete(delivered.op)
}

function foldTurn(
  folding: Folding,
  { delivered, commandsText }: Turn,
  { at, pos }: Pick<DecodedRow, 'at' | 'pos'>,
): void {
  const { open, stuckOps } = folding
  if ('op' in delivered) {
    open.delete(delivered.op)
    stuckOps.delete(delivered.op)
  }
  if (delivered.kind === 'cancel') {
    folding.isCancelled = true
    // Its code is run no more, and whoever stopped it so decides how it ends.
    if (delivered.forced === true) folding.isFailing = false
  }
  if (delivered.kind === 'signal') answer(open, `signal:${delivered.name}`)
  if (delivered.kind === 'event') answer(open, `event:${delivered.type}`)
  for (const command of parseCommands(commandsText)) {
    const op = String(command['op'])
    if (command.kind === 'set') folding.state = command['state'] as Json
    else if (command.kind === 'phase' && command['failed'] === true) folding.isFailing = true
    else if (command.kind === 'drop') {
      stuckOps.delete(op)
      const dropped = open.get(op)
      if (dropped !== undefined && command['settles'] === true) open.set(op, { ...dropped, givenUp: true })
      else open.delete(op)
    } else if (command.kind === 'continue') {
      open.clear()
      folding.state = (command['carry'] as { readonly state?: Json }).state
    } else if (isWaiting(command)) open.set(op, { command, pos, since: at, givenUp: false })
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

function waitOf(
  { command, pos, since, givenUp }: Open,
  attempts: ReadonlyMap<string, Attempt>,
  identity: RunIdentity,
  before: number,
): WaitView {
  const op = String(command['op'])
  const due = typeof command['due'] === 'number' ? new Date(command['due']).toISOString() : null
  const attempt = attempts.get(op)
  const failed = attempt && {
    number: attempt.number,
    error: attempt.error,
    next: attempt.next === null ? null : new Date(attempt.next).toISOString(),
  }
  const isEffect = command.kind === 'call' || command.kind === 'step'
  return {
    op,
    ...wordsOf(command),
    since: new Date(since).toISOString(),
    until: due,
    ...(isEffect && pos <= before && attempt === undefined ? { asked: 'before' } : {}),
    ...(isEffect ? { idempotencyKey: idempotencyKey(identity, op) } : {}),
    ...(givenUp ? { givenUp } : {}),
    ...(typeof command['undoes'] === 'string' ? { undoes: command['undoes'] } : {}),
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
