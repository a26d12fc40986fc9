// The journal of a run, read for replay: its turns in order, and what its notes and mail say of what is still to do.
import { parseTurn, type Note, type Turn } from '../core/journal.ts'
import type { Delivered } from '../core/journal.ts'
import { parseText } from '../core/json-text.ts'
import type { JournalRow } from '../core/store.ts'
import type { ShardContext } from './shard-context.ts'

export interface HistoryTurn extends Turn {
  readonly seq: number
  readonly at: number
}

export interface History {
  readonly turns: readonly HistoryTurn[]
  /** Failed attempts of operations, by operation. */
  readonly attempts: ReadonlyMap<string, { readonly failed: number; readonly dueAt: number }>
  /** Operations that wait for a person. */
  readonly stuckOps: ReadonlySet<string>
  /** Signals that came while the run was frozen and were not delivered since. */
  readonly mail: readonly Delivered[]
  readonly nextSeq: number
}

const PAGE = 1000

/** Reads all rows of a run's journal that are durable. */
export async function readRows(context: ShardContext, run: { readonly num: number }): Promise<readonly JournalRow[]> {
  const rows: JournalRow[] = []
  for (;;) {
    const page = await context.store.journal(context.shard, run.num, rows.at(-1)?.seq ?? -1, PAGE)
    rows.push(...page)
    if (page.length < PAGE) return rows
  }
}

/** What the rows of a run say. Throws when one cannot be read: it was damaged, or encoded with a key that is gone. */
export function historyOf(context: ShardContext, run: { readonly id: string }, rows: readonly JournalRow[]): History {
  const turns: HistoryTurn[] = []
  const attempts = new Map<string, { failed: number; dueAt: number }>()
  const stuckOps = new Set<string>()
  const mail = new Map<number, Delivered>()
  for (const row of rows) {
    const text = context.decode(row.data, 'turn', run.id)
    if (row.kind === 'note') {
      const note = parseText(text) as Note
      if (note.kind === 'attempt') attempts.set(note.op, { failed: note.attempt, dueAt: note.next ?? 0 })
      // A call whose code was gone is tried again: it may be back.
      else if (note.kind === 'stuck' && note.op !== null && note.error.code !== 'CODE_MISSING') stuckOps.add(note.op)
      continue
    }
    const turn = parseTurn(text)
    const { delivered } = turn
    if (row.kind === 'mail') {
      if (delivered.kind === 'signal') mail.set(row.seq, { ...delivered, mail: row.seq })
      continue
    }
    if (delivered.kind === 'signal' && delivered.mail !== undefined) mail.delete(delivered.mail)
    turns.push({ ...turn, seq: row.seq, at: row.at })
  }
  context.notBefore(rows.at(-1)?.at ?? 0)
  return { turns, attempts, stuckOps, mail: [...mail.values()], nextSeq: (rows.at(-1)?.seq ?? -1) + 1 }
}
