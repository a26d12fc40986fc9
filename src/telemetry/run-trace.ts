// The spans of one run, folded from the rows of its journal: each is told when the turn is durable that ends it, and the run's own
// when it has ended. All that is in them stands in the rows, so whoever folds the same rows again makes the same spans.
// Kept by Tracing, one for each run that is told of.
import { callerIn, callerOf } from '../core/caller.ts'
import { parseText } from '../core/json-text.ts'
import { eventRef, runRef } from '../core/ids.ts'
import { parseCommands, parseTurn, type Delivered, type Note, type StoredCommand } from '../core/journal.ts'
import type { RunRow } from '../core/store.ts'
import { codeOf, linksTo, type Attributes, type Span, type SpanEvent, type SpanKind, type SpanLink } from './span.ts'
import { attemptSpanId, opSpanId, spanIdOf, type TraceSpace } from './trace-ids.ts'

/** What of a run's row its spans are made of. */
export type TracedRun = Pick<
  RunRow,
  'num' | 'id' | 'ns' | 'kind' | 'name' | 'call' | 'key' | 'root' | 'cause' | 'version' | 'created' | 'generation'
>

/** A row of a journal, decoded. */
export interface TracedRow {
  readonly seq: number
  readonly kind: 'turn' | 'note' | 'mail'
  readonly at: number
  readonly text: string
}

/** Something that a run waits for. */
interface Open {
  readonly op: string
  readonly name: string
  readonly kind: SpanKind
  readonly since: number
  readonly attributes: Attributes
  /** What a wait takes: `signal:approve`. */
  readonly names: readonly string[]
  /** What is called; null where no service is. */
  readonly call: string | null
  readonly isStep: boolean
}

/** The attempts at one call or step, as far as they are told. */
interface Attempts {
  /** Of the last one that failed. */
  failed: number
  round: number
  /** Whether the next one is not made before a person says so. */
  isStuck: boolean
}

/** Of notes, and of links, so many are kept for the run's span. */
const MOST_EVENTS = 128

export class RunTrace {
  readonly run: TracedRun
  /** Seq of the last row that it has taken. */
  last = -1
  /** Whether its end was told. */
  isOver = false
  readonly #trace: string
  readonly #space: TraceSpace
  readonly #span: string
  readonly #open = new Map<string, Open>()
  readonly #attempts = new Map<string, Attempts>()
  readonly #events: SpanEvent[] = []
  /** To those who sent what the run did not wait for yet. */
  readonly #links: SpanLink[] = []
  #generation: number
  #error: string | null = null

  /** @param run its generation is that with which the rows begin. */
  constructor(store: string, trace: string, run: TracedRun) {
    this.run = run
    this.#space = { store, ns: run.ns }
    this.#trace = trace
    this.#span = spanIdOf(this.#space, runRef(run.id))
    this.#generation = run.generation
  }

  /** The spans that a row ends. */
  take({ seq, kind, at, text }: TracedRow): readonly Span[] {
    if (seq <= this.last) return []
    this.last = seq
    if (kind === 'note') return this.#note(parseText(text) as Note, at)
    const { delivered, commandsText } = parseTurn(text)
    if (kind === 'mail') return this.#attemptOf(delivered, at)
    const spans = 'mail' in delivered && delivered.mail !== undefined ? [] : [...this.#attemptOf(delivered, at)]
    spans.push(...this.#answered(delivered, at))
    if (delivered.kind === 'cancel') this.#event('cancel', at)
    const commands = parseCommands(commandsText)
    const last = commands.at(-1)?.kind ?? ''
    // What is asked for in the last turn of a run is not begun.
    const isLast = last === 'end' || last === 'fail' || last === 'continue'
    for (const command of commands) spans.push(...this.#command(command, at, isLast))
    return spans
  }

  /** The run has ended: its own span, and those of what it had not waited for. */
  end({ status, ended }: { readonly status: string; readonly ended: number }): readonly Span[] {
    if (this.isOver) return []
    this.isOver = true
    const { run } = this
    const spans = this.#dropAll(ended)
    const isReaction = run.kind === 'reaction'
    const isRoot = run.root === runRef(run.id)
    spans.push({
      ...this.#under(isRoot ? null : spanIdOf(this.#space, run.cause ?? run.root)),
      id: this.#span,
      name: `${run.kind} ${run.name}`,
      kind: isReaction ? 'consumer' : 'internal',
      start: run.created,
      end: ended,
      attributes: {
        'ballet.run': run.id,
        'ballet.kind': run.kind,
        'ballet.name': run.name,
        'ballet.call': run.call === run.name || run.call === '' ? null : run.call,
        'ballet.key': run.key,
        'ballet.status': status,
        'ballet.version': run.version,
        'ballet.namespace': run.ns,
        'ballet.store': this.#space.store,
        'error.type': status === 'failed' ? (this.#error ?? 'unknown') : null,
        'messaging.system': isReaction ? 'ballet' : null,
        'messaging.operation.type': isReaction ? 'process' : null,
      },
      events: [...this.#events],
      links: [...(isRoot ? linksTo(callerOf(run.cause)) : []), ...this.#links],
      error: status === 'failed' ? (this.#error ?? 'unknown') : null,
    })
    return spans
  }

  #under(parent: string | null): Pick<Span, 'trace' | 'parent'> {
    return { trace: this.#trace, parent }
  }

  #command(command: StoredCommand, at: number, isLast: boolean): readonly Span[] {
    const op = String(command['op'])
    switch (command.kind) {
      case 'drop':
        return command['settles'] === true ? [] : this.#drop(op, at)
      case 'fail':
        this.#error = codeOf(command['error'])
        return []
      case 'continue': {
        const spans = this.#dropAll(at)
        this.#generation += 1
        this.#attempts.clear()
        this.#event('continue', at, { 'ballet.generation': this.#generation })
        return spans
      }
      case 'phase':
        if (typeof command['phase'] === 'string') this.#event(command['phase'], at)
        return []
      default: {
        const open = isLast ? null : openOf(command, at)
        if (open !== null) this.#open.set(op, open)
        return []
      }
    }
  }

  /** What a delivery answers. */
  #answered(delivered: Delivered, at: number): readonly Span[] {
    if ('op' in delivered) {
      const open = this.#open.get(delivered.op)
      if (open === undefined) return []
      const byHand = 'by' in delivered && delivered.by !== undefined ? { 'ballet.answered': 'by hand' } : {}
      const error = delivered.kind === 'failed' ? codeOf(delivered.error) : null
      return [this.#ended(open, at, error, byHand)]
    }
    if (delivered.kind !== 'signal' && delivered.kind !== 'event') return []
    const isEvent = delivered.kind === 'event'
    const name = isEvent ? `event:${delivered.type}` : `signal:${delivered.name}`
    const received = { 'ballet.received': name }
    const brought = isEvent ? { 'ballet.event': eventRef(delivered.source, delivered.id) } : {}
    const links =
      isEvent || delivered.traceparent === undefined ? [] : linksTo(callerIn(delivered.traceparent), received)
    const open = [...this.#open.values()].filter(({ names }) => names.includes(name))
    if (open.length === 0 && this.#links.length < MOST_EVENTS) this.#links.push(...links)
    return open.map((one) => ({ ...this.#ended(one, at, null, { ...received, ...brought }), links }))
  }

  #ended({ op, name, kind, since, attributes }: Open, at: number, error: string | null, more: Attributes): Span {
    this.#open.delete(op)
    this.#attempts.delete(op)
    return {
      ...this.#under(this.#span),
      id: this.#opId(op),
      name,
      kind,
      start: since,
      end: at,
      attributes: { 'ballet.run': this.run.id, 'ballet.op': op, 'error.type': error, ...attributes, ...more },
      events: [],
      error,
    }
  }

  #dropAll(at: number): Span[] {
    return [...this.#open.keys()].flatMap((op) => this.#drop(op, at))
  }

  /** Something is given up. An attempt at it may have been under way, and what its service told is under that. */
  #drop(op: string, at: number): readonly Span[] {
    const open = this.#open.get(op)
    if (open === undefined) return []
    const { failed, isStuck } = this.#attemptsAt(op)
    const spans: Span[] = []
    if ((open.isStep || open.call !== null) && !isStuck)
      spans.push(this.#attempt({ op, attempt: failed + 1, at, ms: at - open.since, error: null, isGivenUp: true }))
    return [...spans, this.#ended(open, at, null, { 'ballet.given_up': true })]
  }

  #attemptOf(delivered: Delivered, at: number): readonly Span[] {
    if (delivered.kind !== 'done' || delivered.attempt === undefined || delivered.ms === undefined) return []
    const { op, attempt, ms } = delivered
    return [this.#attempt({ op, attempt, at, ms, error: null })]
  }

  #attempt(made: {
    readonly op: string
    readonly attempt: number
    readonly at: number
    readonly ms: number
    readonly error: string | null
    readonly isGivenUp?: boolean
  }): Span {
    const { op, attempt, at, ms, error, isGivenUp = false } = made
    const open = this.#open.get(op)
    const { round } = this.#attemptsAt(op)
    const { id: run } = this.run
    const isStep = open?.isStep === true
    const what = isStep ? op.replace(/[#/].*$/, '') : (open?.call ?? this.run.call)
    return {
      ...this.#under(open === undefined ? this.#span : this.#opId(op)),
      id: attemptSpanId(this.#space, { run, generation: this.#generation, op, round, attempt }),
      name: `attempt ${what}`,
      kind: isStep ? 'internal' : 'client',
      // By the clock of the machine, which may have been set meanwhile.
      start: Math.max(at - ms, open?.since ?? this.run.created),
      end: at,
      attributes: {
        'ballet.run': run,
        'ballet.op': op,
        'ballet.attempt': attempt,
        'peer.service': isStep ? null : what.replace(/\..*$/, ''),
        'error.type': error,
        'ballet.given_up': isGivenUp ? true : null,
      },
      events: error === null ? [] : [{ name: 'exception', at, attributes: { 'exception.type': error } }],
      error,
    }
  }

  #attemptsAt(op: string): Attempts {
    const known = this.#attempts.get(op)
    if (known !== undefined) return known
    const none: Attempts = { failed: 0, round: 0, isStuck: false }
    this.#attempts.set(op, none)
    return none
  }

  #note(note: Note, at: number): readonly Span[] {
    switch (note.kind) {
      case 'attempt': {
        const { op, attempt, ms, error } = note
        const span = this.#attempt({ op, attempt, at, ms, error: codeOf(error) })
        Object.assign(this.#attemptsAt(op), { failed: attempt, isStuck: false })
        return [span]
      }
      case 'stuck':
        if (note.op !== null) this.#attemptsAt(note.op).isStuck = true
        this.#event('stuck', at, {
          'ballet.op': note.op,
          'ballet.reason': note.reason,
          'error.type': codeOf(note.error),
        })
        return []
      case 'freed':
        this.#event('freed', at)
        return []
      case 'late':
        this.#event('late answer', at, { 'ballet.op': note.op, 'ballet.attempt': note.attempt })
        return []
      case 'action':
        if (note.action === 'retry' && note.op !== null && note.run === undefined) this.#again(note.op)
        this.#event(`${note.action} by hand`, at, { 'ballet.op': note.op })
        return []
    }
  }

  /** A person has it tried again. As the engine counts attempts from then on (history.ts). */
  #again(op: string): void {
    const about = this.#attemptsAt(op)
    if (about.isStuck) Object.assign(about, { failed: 0, round: about.round + 1, isStuck: false })
  }

  #event(name: string, at: number, attributes: Attributes = {}): void {
    if (this.#events.length < MOST_EVENTS) this.#events.push({ name, at, attributes })
  }

  #opId(op: string): string {
    return opSpanId(this.#space, { run: this.run.id, generation: this.#generation, op })
  }
}

/** What a command waits for; null for one that waits for nothing, and for a child, whose run has a span of its own. */
function openOf(command: StoredCommand, at: number): Open | null {
  const op = String(command['op'])
  const plain = { op, kind: 'internal', since: at, attributes: {}, names: [], call: null, isStep: false } as const
  switch (command.kind) {
    case 'call': {
      const undoes = typeof command['undoes'] === 'string' ? command['undoes'] : null
      const call = String(command['call'])
      const name = `${undoes === null ? 'call' : 'undo'} ${call}`
      return { ...plain, name, attributes: { 'ballet.call': call, 'ballet.undoes': undoes }, call }
    }
    case 'step':
      return { ...plain, name: `step ${op.replace(/[#/].*$/, '')}`, isStep: true }
    case 'sleep':
      return { ...plain, name: 'sleep' }
    case 'wait': {
      const names = command['names'] as readonly string[]
      return { ...plain, name: `wait ${names.join(' | ')}`, names }
    }
    case 'join':
      return { ...plain, name: 'wait run', attributes: { 'ballet.waits_for': String(command['run']) } }
    default:
      return null
  }
}
