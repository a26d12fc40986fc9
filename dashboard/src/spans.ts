// The timeline as numbers: for every run, and every call, step and wait of it, when it was asked for, when it was tried, when it
// ended. Read from journals alone, as `ballet show` is; pure, drawn by timeline-view.tsx. Milliseconds since the epoch.
import { errorWords, part, word, type JournalView, type Part, type RunView } from './shown.ts'

/** One stretch of a row. `wait` is time in which nothing is done: before an attempt, or for something from outside. */
export interface Span {
  readonly from: number
  /** Null: it goes on. */
  readonly to: number | null
  readonly kind: 'done' | 'failed' | 'wait' | 'open' | 'stuck' | 'whole'
  readonly words: string
}

export interface Row {
  readonly id: string
  readonly run: string
  readonly label: string
  /** The service, the kind of a run, or what is waited for. */
  readonly detail: string
  readonly depth: 0 | 1
  readonly undoes: boolean
  /** It stands for a run with all that is in it. */
  readonly isWhole: boolean
  readonly spans: readonly Span[]
}

interface Op {
  readonly op: string
  readonly kind: string
  readonly what: string
  readonly undoes: boolean
  readonly asked: number
  spans: Span[]
  /** The end of what is known of it so far. */
  known: number
  isOver: boolean
}

/** The rows of runs, the oldest run first, each with what it asked for in the order in which it did. */
export function rowsOf(
  runs: readonly RunView[],
  journals: ReadonlyMap<string, readonly JournalView[]>,
): readonly Row[] {
  return runs
    .toSorted((one, other) => Date.parse(one.created) - Date.parse(other.created))
    .flatMap((run) => rowsOfRun(run, journals.get(run.id) ?? []))
}

const isSolo = ({ kind }: RunView): boolean => kind === 'operation' || kind === 'reaction'

function rowsOfRun(run: RunView, journal: readonly JournalView[]): readonly Row[] {
  const ops = new Map<string, Op>()
  const begun = Date.parse(run.at ?? run.created)
  if (isSolo(run)) {
    const name = run.waits[0]?.op ?? journal.map((row) => word(told(row), 'op')).find((op) => op !== '') ?? ''
    if (name !== '') ops.set(name, begin(name, 'call', run.call ?? run.name, begun))
  }
  for (const row of journal) read(row, ops)
  for (const op of ops.values()) close(op, run)
  const rows = [...ops.values()]
    // Whatever a run of one call does is said in its own row.
    .map((op) => rowOf(op, run, isSolo(run) ? 0 : 1))
    .filter(({ spans }) => spans.length > 0)
  if (isSolo(run) && rows.length > 0) return rows
  return [ownRow(run, begun), ...rows]
}

/** The run as a whole. */
function ownRow(run: RunView, begun: number): Row {
  const to = run.ended === null ? null : Date.parse(run.ended)
  const spans: Span[] = [{ from: begun, to, kind: 'whole', words: run.status }]
  return { id: run.id, run: run.id, label: run.name, detail: run.kind, depth: 0, undoes: false, isWhole: true, spans }
}

function rowOf({ op, kind, what, undoes, spans }: Op, run: RunView, depth: Row['depth']): Row {
  const isReaction = run.kind === 'reaction'
  const label = depth === 0 || kind === 'receive' ? what : op
  const detail = isReaction
    ? `reacts to ${run.name.replace(/^[^:]*:/, '')}`
    : kind === 'call'
      ? ''
      : kind === 'receive'
        ? 'awaited'
        : kind
  return { id: `${run.id} ${op}`, run: run.id, label, detail, depth, undoes, isWhole: false, spans }
}

const told = (row: JournalView): Part => part(row.kind === 'note' ? row.note : row.delivered)

function begin(op: string, kind: string, what: string, asked: number, undoes = false): Op {
  return { op, kind, what, undoes, asked, spans: [], known: asked, isOver: false }
}

function read(row: JournalView, ops: Map<string, Op>): void {
  // What was kept for later is told again when it comes to the run.
  if (row.kind === 'mail') return
  const at = Date.parse(row.at)
  const what = told(row)
  const op = ops.get(word(what, 'op'))
  if (op !== undefined) tell(op, what, at)
  if (row.kind === 'note') return
  for (const command of (row.commands ?? []).map(part)) {
    const [kind, name] = [word(command, 'kind'), word(command, 'op')]
    if (kind === 'drop') giveUp(ops.get(name), at, command['settles'] === true)
    else if (name !== '' && KINDS[kind] !== undefined)
      ops.set(name, begin(name, KINDS[kind], whatOf(command) || name, at, command['undoes'] !== undefined))
  }
}

/** Commands that ask for something. */
const KINDS: Readonly<Record<string, string>> = {
  call: 'call',
  step: 'step',
  sleep: 'timer',
  wait: 'receive',
  child: 'run',
  join: 'run',
}

/** What is asked for, where that says more than the name of the operation. */
function whatOf(command: Part): string {
  const names = command['names']
  if (Array.isArray(names)) return names.map((name) => String(name).replace(/^(?:signal|event):/, '')).join(' | ')
  return word(command, 'call') || word(command, 'run')
}

const isTried = ({ kind }: Op): boolean => kind === 'call' || kind === 'step'

/** What a row says of an operation. */
function tell(op: Op, what: Part, at: number): void {
  switch (word(what, 'kind')) {
    case 'attempt': {
      const words = `attempt ${word(what, 'attempt')} failed: ${failure(what)}`
      return tried(op, at, Number(what['ms'] ?? 0), 'failed', words)
    }
    case 'done': {
      const by = word(what, 'by')
      const attempt = Number(what['attempt'] ?? 1)
      const words = by === '' ? `answered${attempt > 1 ? `, attempt ${attempt}` : ''}` : `answered by ${by}`
      tried(op, at, Number(what['ms'] ?? at - op.known), isTried(op) && by === '' ? 'done' : 'wait', words)
      op.isOver = true
      return
    }
    case 'failed':
      // That an attempt has failed was told before.
      if (op.spans.at(-1)?.kind !== 'failed' || word(what, 'by') !== '')
        tried(op, at, Number(what['ms'] ?? at - op.known), 'failed', `failed: ${failure(what)}`)
      op.isOver = true
      return
    case 'timer':
    case 'signal':
    case 'event':
      tried(op, at, at - op.known, 'wait', word(what, 'kind') === 'timer' ? 'its time has come' : 'has come')
      op.isOver = true
      return
    case 'stuck':
      op.spans.push({ from: op.known, to: at, kind: 'wait', words: 'waits' })
      op.known = at
      return
    default:
  }
}

/** An attempt of so many milliseconds that ended then, and what passed before it. */
function tried(op: Op, at: number, ms: number, kind: Span['kind'], words: string): void {
  const from = Math.max(op.known, at - Math.max(0, ms))
  if (from > op.known) op.spans.push({ from: op.known, to: from, kind: 'wait', words: 'waits for its turn' })
  op.spans.push({ from, to: at, kind, words })
  op.known = at
}

function giveUp(op: Op | undefined, at: number, settles: boolean): void {
  if (op === undefined || op.isOver || settles) return
  op.spans.push({ from: op.known, to: at, kind: 'wait', words: 'given up' })
  op.isOver = true
}

/** What is still under way goes on. */
function close(op: Op, run: RunView): void {
  if (op.isOver) return
  const wait = run.waits.find((one) => one.op === op.op)
  if (wait === undefined) {
    const to = run.ended === null ? op.known : Date.parse(run.ended)
    if (to > op.known) op.spans.push({ from: op.known, to, kind: 'wait', words: 'not awaited any more' })
    return
  }
  const isStuck = run.status === 'stuck' && run.choices.some((choice) => choice.op === op.op)
  // A call that waits for its place has not been made.
  const isMade = wait.attempt === undefined && wait.place === undefined && isTried(op)
  const kind = isStuck ? 'stuck' : isMade ? 'open' : 'wait'
  const why = wait.attempt === undefined ? '' : `: ${errorWords(wait.attempt.error)}`
  op.spans.push({
    from: op.known,
    to: null,
    kind,
    words: `${isStuck ? 'stuck' : wait.place === undefined ? 'goes on' : 'waits for a place'}${why}`,
  })
}

function failure(what: Part): string {
  const error = part(what['error'] as never)
  return errorWords({ code: word(error, 'code'), message: word(error, 'message') })
}

/** A stretch of the scale: real time, and the place from 0 to 1 that it takes. */
interface Stretch {
  readonly from: number
  readonly to: number
  readonly left: number
  readonly width: number
  readonly isIdle: boolean
}

export interface Scale {
  readonly origin: number
  readonly end: number
  /** Where idle time is drawn short, and how long it was. */
  readonly gaps: readonly { readonly left: number; readonly width: number; readonly ms: number }[]
  /** From 0 to 1. */
  readonly at: (time: number) => number
}

/** Idle time longer than this share of everything is drawn short, and takes this share then. */
const LONG = 0.15
const SHORT = 0.04

/** Where a time stands. Long stretches in which nothing was tried are drawn short, if that is asked for. */
export function scaleOf(rows: readonly Row[], now: number, isShort: boolean): Scale {
  const times = rows.flatMap(({ spans }) => spans.flatMap(({ from, to }) => [from, to ?? now]))
  const origin = times.length === 0 ? now : Math.min(...times)
  const end = Math.max(origin + 1, ...times)
  const idle = isShort ? idleOf(rows, origin, end, now).filter(({ from, to }) => to - from > (end - origin) * LONG) : []
  const rest = end - origin - idle.reduce((sum, { from, to }) => sum + to - from, 0)
  const room = 1 - idle.length * SHORT
  const stretches: Stretch[] = []
  let [at, left] = [origin, 0]
  for (const gap of [...idle, { from: end, to: end }]) {
    const width = rest <= 0 ? 0 : ((gap.from - at) / rest) * room
    stretches.push({ from: at, to: gap.from, left, width, isIdle: false })
    left += width
    if (gap.to > gap.from) stretches.push({ from: gap.from, to: gap.to, left, width: SHORT, isIdle: true })
    left += gap.to > gap.from ? SHORT : 0
    at = gap.to
  }
  return {
    origin,
    end,
    gaps: stretches.filter(({ isIdle }) => isIdle).map((gap) => ({ ...gap, ms: gap.to - gap.from })),
    at(time) {
      const one = stretches.find(({ to }) => time <= to) ?? stretches.at(-1)
      if (one === undefined || one.to === one.from) return one?.left ?? 0
      return Math.min(1, one.left + (Math.max(0, time - one.from) / (one.to - one.from)) * one.width)
    },
  }
}

/** The stretches in which every row waits. */
function idleOf(rows: readonly Row[], origin: number, end: number, now: number) {
  const busy = rows
    .filter(({ isWhole }) => !isWhole)
    .flatMap(({ spans }) => spans)
    .filter(({ kind }) => kind !== 'wait' && kind !== 'stuck')
    .map(({ from, to }) => ({ from, to: to ?? now }))
    .toSorted((one, other) => one.from - other.from)
  const idle: { from: number; to: number }[] = []
  let at = origin
  for (const { from, to } of busy) {
    if (from > at) idle.push({ from: at, to: from })
    at = Math.max(at, to)
  }
  if (at < end) idle.push({ from: at, to: end })
  return idle
}
