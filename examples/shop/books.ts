// The books of one service: its business tables, the answers it gave and its ledger, in one database. The invariant:
// the effect of a call, its answer and its line in the ledger are committed together, once for each idempotency key.
// This is what makes it safe to ask a service again, whoever asks. Every operation of the shop goes through `once`.
//
//   the key was taken back before        refused, for ever
//   an answer is stored under the key    the same answer again (deduped)
//   the asking engine was replaced       refused: it is a zombie
//   otherwise                            the work, its answer and its line in one transaction
import type { DatabaseSync } from 'node:sqlite'
import { TerminalError, type EventValue, type OperationContext } from 'ballet'
import { z } from 'zod'
import { openDatabase, transaction } from './database.ts'
import { fenceOf, lineOf, REPLACED, type Effect, type Entry, type Line } from './effects.ts'
import type { Faults, ServiceName } from './faults.ts'
import { continueLedger, ledgerTable, readLedger, writeLedger, type LedgerRow } from './ledger.ts'

const tables = `${ledgerTable}
  CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS taken_back (key TEXT PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS fences (
    store TEXT, shard INTEGER, incarnation INTEGER NOT NULL, epoch INTEGER NOT NULL, PRIMARY KEY (store, shard));
`
const StoredAnswer = z.object({ answer: z.string() })
const StoredFence = z.object({ incarnation: z.number(), epoch: z.number() })

export class Books {
  readonly service: ServiceName
  readonly #folder: string | null
  readonly #schema: string
  readonly #faults: Faults
  #db: DatabaseSync | undefined

  /** @param folder where the database stands; null keeps it in memory. */
  constructor(service: ServiceName, schema: string, folder: string | null, faults: Faults) {
    this.service = service
    this.#schema = schema
    this.#folder = folder
    this.#faults = faults
  }

  /** The database, opened when it is needed first. */
  get db(): DatabaseSync {
    return this.#db ?? this.open()
  }

  open(): DatabaseSync {
    this.#db ??= openDatabase(this.#folder, this.service, tables + this.#schema)
    continueLedger(this.#db)
    return this.#db
  }

  /** Whether the service was told to say no. */
  get declines(): boolean {
    return this.#faults.declines(this.service)
  }

  ledger(): LedgerRow[] {
    return readLedger(this.db)
  }

  close(): void {
    this.#db?.close()
    this.#db = undefined
  }

  /** Does `work` once for the key of the call, whatever becomes of the attempt, and answers every repeat alike. */
  async once<Work extends Effect<EventValue>>(
    context: OperationContext,
    entry: Entry,
    work: () => Work,
  ): Promise<Work['answer']> {
    const { service } = this
    const line = lineOf(context, entry)
    return this.#faults.attempt(
      { service, operation: entry.operation, signal: context.signal },
      () => {
        const settled = transaction(this.db, () => this.#settle(context, line, work))
        if (settled.no !== undefined) throw new TerminalError(settled.no)
        return settled.answer
      },
      () => writeLedger(this.db, { ...line, outcome: 'failed' }),
    )
  }

  #settle<Work extends Effect<EventValue>>(
    context: OperationContext,
    line: Line,
    work: () => Work,
  ): Settled<Work['answer']> {
    const { db } = this
    const no = this.#isZombie(context)
      ? REPLACED
      : db.prepare('SELECT 1 FROM taken_back WHERE key = ?').get(context.idempotencyKey) && 'this call was taken back'
    if (no !== undefined) {
      writeLedger(db, { ...line, outcome: 'refused' })
      return { no }
    }
    const stored = db.prepare('SELECT answer FROM answers WHERE key = ?').get(context.idempotencyKey)
    if (stored !== undefined) {
      writeLedger(db, { ...line, outcome: 'deduped' })
      return { answer: JSON.parse(StoredAnswer.parse(stored).answer) as Work['answer'] }
    }
    // From here on the call that is being taken back can never happen any more, not even if it comes late.
    if (context.undoes !== null) db.prepare('INSERT OR IGNORE INTO taken_back VALUES (?)').run(context.undoes)
    const { outcome, answer, amount } = work()
    db.prepare('INSERT INTO answers VALUES (?, ?)').run(context.idempotencyKey, JSON.stringify(answer))
    // The event of an answer has the key of its call as its id.
    writeLedger(db, { ...line, outcome, amount, event: context.idempotencyKey })
    return { answer }
  }

  /** Remembers the newest engine of a shard, and tells whether an older one is asking. */
  #isZombie(context: OperationContext): boolean {
    const { store, incarnation, shard, epoch } = fenceOf(context)
    const row = this.db.prepare('SELECT incarnation, epoch FROM fences WHERE store = ? AND shard = ?').get(store, shard)
    const seen = row === undefined ? { incarnation: -1, epoch: -1 } : StoredFence.parse(row)
    if (incarnation === seen.incarnation && epoch === seen.epoch) return false
    if (incarnation < seen.incarnation || (incarnation === seen.incarnation && epoch < seen.epoch)) return true
    this.db.prepare('INSERT OR REPLACE INTO fences VALUES (?, ?, ?, ?)').run(store, shard, incarnation, epoch)
    return false
  }
}

type Settled<Answer> = { readonly no: string } | { readonly no?: undefined; readonly answer: Answer }
