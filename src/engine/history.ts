// The journal of a run, read for replay: its turns in order, and what its notes and mail say of what is still to do.
import { carriedOf } from '../core/carry.ts'
import { fault, isBalletError } from '../core/errors.ts'
import { parseText } from '../core/json-text.ts'
import { parseCommands, parseTurn, type Cancelled, type Note, type Turn } from '../core/journal.ts'
import type { Delivered } from '../core/journal.ts'
import { toFailure, type Failure } from '../core/failure.ts'
import type { JsonText } from '../core/json.ts'
import { seenOf, type SeenSignals } from '../core/mailbox.ts'
import { SCHEDULE } from '../core/names.ts'
import type { JournalRow, RunRow, StoreReader } from '../core/store.ts'
import type { Attempts } from './effect.ts'
import type { ShardContext } from './shard-context.ts'

export interface HistoryTurn extends Turn {
  readonly seq: number
  readonly at: number
}

export interface History {
  /** How many there are. */
  readonly turns: number
  /** Failed attempts of operations, by operation. */
  readonly attempts: ReadonlyMap<string, Attempts>
  /** Operations that wait for a person, and why. */
  readonly stuckOps: ReadonlyMap<string, Failure>
  /** Runs that took the place of a child, by operation. */
  readonly again: ReadonlyMap<string, string>
  /** What came while the run was frozen and was not delivered since: that it is to stop, then signals and answers in their order. */
  readonly mail: readonly Delivered[]
  /** The signals that were delivered to it, also by turns that its code does not repeat. */
  readonly seen: SeenSignals
  /** Who asked the run to stop, if anybody has. */
  readonly cancelled: Cancelled | null
  /** The last that it was told of. */
  readonly failure: Failure | null
  /** What the calls that failed would have brought, of a run that conducts; null when it could be anything. */
  readonly lost: ReadonlySet<string> | null
  readonly nextSeq: number
  /** What the generation before handed on. */
  readonly carry: JsonText | null
  /** Of the turns, as text. */
  readonly bytes: number
  /** Somebody has retried it since it was parked. */
  readonly isRetried: boolean
}

/** Rows of one read: more of them grow old before they are used, fewer cost a message to the store's thread each. */
const PAGE = 250

/** The rows of the present generation of a run that are durable, page by page: the next is read while one is used. */
export async function* pagesOf(
  { store, shard }: { readonly store: Pick<StoreReader, 'journal'>; readonly shard: number },
  { num, since }: Pick<RunRow, 'num' | 'since'>,
): AsyncGenerator<readonly JournalRow[]> {
  let next = store.journal(shard, num, since - 1, PAGE)
  for (;;) {
    const page = await next
    const last = page.at(-1)
    const isLast = last === undefined || page.length < PAGE
    if (!isLast) {
      next = store.journal(shard, num, last.seq, PAGE)
      // Whoever asks for it meets its failure.
      next.catch(() => {})
    }
    yield page
    if (isLast) return
  }
}

/** All of them. */
export async function readRows(...of: Parameters<typeof pagesOf>): Promise<readonly JournalRow[]> {
  const rows: JournalRow[] = []
  for await (const page of pagesOf(...of)) rows.push(...page)
  return rows
}

/**
 * A read that fails, fails alone: a damaged page is the fault of the runs whose rows are on it. What is written there may
 * meet it too, which would end the store. A store that has failed altogether says so at the next commit.
 * @throws whatever else the read failed with.
 */
export function sealedBy({ id }: Pick<RunRow, 'id'>, error: unknown): Error {
  if (!isBalletError(error) || error.code !== 'STORE_FAILED') throw error
  return fault('RUN_UNREADABLE', { run: `the run "${id}"`, problem: error.details['problem'] ?? '' }, error)
}

/**
 * Rows are there, and say nothing: they were damaged, or encoded with a key that the codec does not have. Nothing is written beside them, for
 * that would be encoded with the keys of this node: a codec that has the right ones again may not have these.
 */
export function unreadableRows({ id }: Pick<RunRow, 'id'>, error: unknown): Error {
  return fault('RUN_UNREADABLE', { run: `the run "${id}"`, problem: toFailure(error).message }, error)
}

/** What the rows of a run say, and its turns. Throws when one cannot be read, as `HistoryReader` does. */
export function historyOf(
  context: Pick<ShardContext, 'decode' | 'notBefore'>,
  run: Pick<RunRow, 'id' | 'name' | 'generation' | 'since'>,
  rows: readonly JournalRow[],
): { readonly history: History; readonly turns: readonly HistoryTurn[] } {
  const reader = new HistoryReader(context, run)
  const turns = reader.take(rows)
  return { history: reader.history, turns }
}

/** Makes out what the rows of a run say, some after the other. */
export class HistoryReader {
  readonly #context: Pick<ShardContext, 'decode' | 'notBefore'>
  readonly #run: Pick<RunRow, 'id' | 'name' | 'generation' | 'since'>
  readonly #attempts = new Map<string, Attempts>()
  readonly #stuckOps = new Map<string, Failure>()
  /** Operations that were stuck last, also those that are tried again by themselves. */
  readonly #parked = new Set<string>()
  readonly #again = new Map<string, string>()
  readonly #mail = new Map<number, Delivered>()
  readonly #seen = new Map<string, string | undefined>()
  /** Signals that were kept before their turn, and may have been kept again since: who sent them was told. */
  readonly #untold = new Map<string, number[]>()
  #turns = 0
  #cancelled: Cancelled | null = null
  #failure: Failure | null = null
  #lost: ReadonlySet<string> | null = new Set()
  #carry: JsonText | null = null
  #bytes = 0
  #isRetried = false
  #lastSeq = -1

  constructor(
    context: Pick<ShardContext, 'decode' | 'notBefore'>,
    run: Pick<RunRow, 'id' | 'name' | 'generation' | 'since'>,
  ) {
    this.#context = context
    this.#run = run
  }

  /** What the rows say that it was given. */
  get history(): History {
    return {
      turns: this.#turns,
      attempts: this.#attempts,
      stuckOps: this.#stuckOps,
      again: this.#again,
      mail: stopFirst([...this.#mail.values()]),
      seen: this.#seen,
      cancelled: this.#cancelled,
      failure: this.#failure,
      lost: this.#lost,
      nextSeq: this.#lastSeq + 1,
      carry: this.#carry,
      bytes: this.#bytes,
      isRetried: this.#isRetried,
    }
  }

  /** What the generation before handed on: the first row says so. */
  get carry(): JsonText | null {
    return this.#carry
  }

  /**
   * The turns among the next rows. Throws when a row cannot be read: it was damaged, or encoded with a key that is gone; how
   * far the rows go is known all the same.
   */
  take(rows: readonly JournalRow[]): readonly HistoryTurn[] {
    const last = rows.at(-1)
    if (last === undefined) return []
    this.#lastSeq = last.seq
    const turns: HistoryTurn[] = []
    for (const row of rows) {
      const turn = this.#row(row)
      if (turn !== null) turns.push(turn)
    }
    this.#turns += turns.length
    this.#context.notBefore(last.at)
    return turns
  }

  #row({ kind, seq, at, data }: JournalRow): HistoryTurn | null {
    const { id, generation, since } = this.#run
    const text = this.#context.decode(data, 'turn', id)
    if (kind === 'note') {
      this.#note(parseText(text) as Note)
      return null
    }
    const { delivered, commandsText } = parseTurn(text)
    if (generation > 0 && seq === since) {
      this.#carry = JSON.stringify(parseCommands(commandsText).at(-1)?.['carry'])
      for (const [signal, hash] of seenOf(carriedOf(this.#carry).mail)) this.#seen.set(signal, hash)
      return null
    }
    this.#bytes += text.length
    if (kind === 'mail') {
      if (isMail(delivered)) this.#keep(delivered, seq)
      return null
    }
    if ('mail' in delivered && delivered.mail !== undefined) this.#mail.delete(delivered.mail)
    if (delivered.kind === 'signal') this.#seen.set(delivered.id, delivered.hash)
    if (delivered.kind === 'cancel') this.#cancelled ??= { by: delivered.by, why: delivered.why }
    if (delivered.kind === 'failed') {
      this.#failure = delivered.error
      this.#lost = withLost(this.#lost, delivered.lost)
    }
    const stuckOps = this.#stuckOps
    if (stuckOps.size > 0) {
      if ('op' in delivered) stuckOps.delete(delivered.op)
      for (const op of dropped(commandsText)) stuckOps.delete(op)
    }
    return { delivered, commandsText, seq, at }
  }

  #keep(mail: Mail, seq: number): void {
    // Whoever was not told of his has it not kept beside that of somebody who was.
    if (mail.kind === 'cancel' && mail.untold !== true) this.#forgetStop()
    this.#mail.set(seq, { ...mail, mail: seq })
    if (mail.kind !== 'signal') return
    const untold = this.#untold.get(mail.id) ?? []
    if (mail.untold === true) this.#untold.set(mail.id, [...untold, seq])
    // All of them: whoever sent it twice had it kept as often, and one that stayed would come before what came before it.
    else for (const one of untold) this.#mail.delete(one)
  }

  #note(note: Note): void {
    if (note.kind === 'action' && note.action === 'retry' && note.op === null) this.#isRetried = true
    else if (note.kind === 'action' && note.tooLate === true) this.#forgetStop()
    else if (note.kind === 'stuck' && note.op === null) this.#isRetried = false
    if (note.kind === 'attempt') {
      const { op, attempt, next, askedMs } = note
      // Where the code was gone nobody was asked, which counts as no attempt.
      const failed = note.error.code === 'CODE_MISSING' ? attempt - 1 : attempt
      this.#attempts.set(op, { failed, dueAt: next ?? 0, askedMs, round: this.#attempts.get(op)?.round })
      this.#parked.delete(op)
    } else if (note.kind === 'stuck' && note.op !== null) {
      this.#parked.add(note.op)
      // A call whose code was gone is tried again: it may be back. So is a schedule, all of whose steps ask the code, and which may be mended.
      if (note.error.code !== 'CODE_MISSING' && this.#run.name !== SCHEDULE) this.#stuckOps.set(note.op, note.error)
    } else if (note.kind === 'action' && note.action === 'retry' && note.op !== null) {
      this.#anew(note.op)
      if (note.run !== undefined) this.#again.set(note.op, note.run)
    }
  }

  /** Nobody waits for one that is kept: it was refused, as by one that has failed, or there is another. */
  #forgetStop(): void {
    for (const [seq, { kind }] of this.#mail) if (kind === 'cancel') this.#mail.delete(seq)
  }

  /** A person has it tried again: where it was stuck attempts are counted anew, and where it waited the next one is due. */
  #anew(op: string): void {
    this.#stuckOps.delete(op)
    const { failed = 0, round = 0 } = this.#attempts.get(op) ?? {}
    const isAnew = this.#parked.delete(op)
    this.#attempts.set(op, { failed: isAnew ? 0 : failed, dueAt: 0, round: isAnew ? round + 1 : round })
  }
}

/** What is lost with one call more. */
export function withLost(
  before: ReadonlySet<string> | null,
  lost: readonly string[] | undefined,
): ReadonlySet<string> | null {
  return before === null || lost === undefined ? null : new Set([...before, ...lost])
}

/** What can be kept for a run. */
export type Mail = Extract<Delivered, { readonly kind: 'signal' | 'cancel' | 'done' | 'failed' }>

function isMail(delivered: Delivered): delivered is Mail {
  return ['signal', 'cancel', 'done', 'failed'].includes(delivered.kind)
}

/** Who asks a run to stop wants that whatever else was kept for it before: with that it might go on, and end as if nobody had asked. */
function stopFirst(mail: readonly Delivered[]): readonly Delivered[] {
  const isStop = ({ kind }: Delivered): boolean => kind === 'cancel'
  return mail.some(isStop) ? [...mail.filter(isStop), ...mail.filter((one) => !isStop(one))] : mail
}

/** That it is to stop, when that is kept for the run. */
export function keptStop({ mail }: Pick<History, 'mail'>): Extract<Delivered, { readonly kind: 'cancel' }> | undefined {
  return mail.find((one) => one.kind === 'cancel')
}

/** Operations whose answers are kept for the run. */
export function answeredByMail({ mail }: Pick<History, 'mail'>): ReadonlySet<string> {
  return new Set(mail.flatMap((one) => ('op' in one ? [one.op] : [])))
}

/** Operations that a turn has given up. */
function dropped(commandsText: string): readonly string[] {
  if (!commandsText.includes('"drop"')) return []
  return parseCommands(commandsText).flatMap(({ kind, op }) => (kind === 'drop' ? [String(op)] : []))
}
