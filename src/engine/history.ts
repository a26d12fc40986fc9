// The journal of a run, read for replay: its turns in order, and what its notes and mail say of what is still to do.
import { fault, isBalletError } from '../core/errors.ts'
import { parseText } from '../core/json-text.ts'
import { parseCommands, parseTurn, type Cancelled, type Note, type Turn } from '../core/journal.ts'
import type { Delivered } from '../core/journal.ts'
import type { Failure } from '../core/failure.ts'
import type { JsonText } from '../core/json.ts'
import type { JournalRow, RunRow, StoreReader } from '../core/store.ts'
import type { ShardContext } from './shard-context.ts'

export interface HistoryTurn extends Turn {
  readonly seq: number
  readonly at: number
}

export interface History {
  readonly turns: readonly HistoryTurn[]
  /** Failed attempts of operations, by operation. */
  readonly attempts: ReadonlyMap<string, { readonly failed: number; readonly dueAt: number }>
  /** Operations that wait for a person, and why. */
  readonly stuckOps: ReadonlyMap<string, Failure>
  /** Signals that came while the run was frozen and were not delivered since. */
  readonly mail: readonly Delivered[]
  /** Who asked the run to stop, if anybody has. */
  readonly cancelled: Cancelled | null
  readonly nextSeq: number
  /** What the generation before handed on. */
  readonly carry: JsonText | null
  /** Of the turns, as text. */
  readonly bytes: number
  /** Somebody has retried it since it was parked. */
  readonly isRetried: boolean
}

const PAGE = 1000

/** Reads all rows of the present generation of a run that are durable. */
export async function readRows(
  context: { readonly store: Pick<StoreReader, 'journal'>; readonly shard: number },
  run: Pick<RunRow, 'num' | 'since'>,
): Promise<readonly JournalRow[]> {
  const rows: JournalRow[] = []
  for (;;) {
    const page = await context.store.journal(context.shard, run.num, rows.at(-1)?.seq ?? run.since - 1, PAGE)
    rows.push(...page)
    if (page.length < PAGE) return rows
  }
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

/** What the rows of a run say. Throws when one cannot be read: it was damaged, or encoded with a key that is gone. */
export function historyOf(
  context: Pick<ShardContext, 'decode' | 'notBefore'>,
  run: Pick<RunRow, 'id' | 'generation' | 'since'>,
  rows: readonly JournalRow[],
): History {
  const turns: HistoryTurn[] = []
  const attempts = new Map<string, { failed: number; dueAt: number }>()
  const stuckOps = new Map<string, Failure>()
  const mail = new Map<number, Delivered>()
  let cancelled: Cancelled | null = null
  let carry: JsonText | null = null
  let bytes = 0
  let isRetried = false
  for (const row of rows) {
    const text = context.decode(row.data, 'turn', run.id)
    if (row.kind === 'note') {
      const note = parseText(text) as Note
      if (note.kind === 'action' && note.action === 'retry' && note.op === null) isRetried = true
      else if (note.kind === 'stuck' && note.op === null) isRetried = false
      if (note.kind === 'attempt') attempts.set(note.op, { failed: note.attempt, dueAt: note.next ?? 0 })
      // A call whose code was gone is tried again: it may be back.
      else if (note.kind === 'stuck' && note.op !== null && note.error.code !== 'CODE_MISSING')
        stuckOps.set(note.op, note.error)
      else if (note.kind === 'action' && note.action === 'retry' && note.op !== null) {
        stuckOps.delete(note.op)
        attempts.delete(note.op)
      }
      continue
    }
    const turn = parseTurn(text)
    if (run.generation > 0 && row.seq === run.since) {
      carry = JSON.stringify(parseCommands(turn.commandsText).at(-1)?.['carry'])
      continue
    }
    bytes += text.length
    const { delivered } = turn
    if (row.kind === 'mail') {
      if (delivered.kind === 'signal' || delivered.kind === 'cancel') mail.set(row.seq, { ...delivered, mail: row.seq })
      continue
    }
    if ('mail' in delivered && delivered.mail !== undefined) mail.delete(delivered.mail)
    if (delivered.kind === 'cancel') cancelled ??= { by: delivered.by, why: delivered.why }
    if ('op' in delivered) stuckOps.delete(delivered.op)
    if (stuckOps.size > 0) for (const op of dropped(turn.commandsText)) stuckOps.delete(op)
    turns.push({ ...turn, seq: row.seq, at: row.at })
  }
  context.notBefore(rows.at(-1)?.at ?? 0)
  return {
    turns,
    attempts,
    stuckOps,
    mail: [...mail.values()],
    cancelled,
    nextSeq: (rows.at(-1)?.seq ?? -1) + 1,
    carry,
    bytes,
    isRetried,
  }
}

/** Operations that a turn has given up. */
function dropped(commandsText: string): readonly string[] {
  if (!commandsText.includes('"drop"')) return []
  return parseCommands(commandsText).flatMap(({ kind, op }) => (kind === 'drop' ? [String(op)] : []))
}
