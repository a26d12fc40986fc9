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
import type { Faults, ServiceName } from './faults.ts'
import { continueLedger, ledgerTable, readLedger, writeLedger, type LedgerRow } from './ledger.ts'

/** What a piece of work came to: it happened, or the service said no. */
export interface Effect<Answer> {
  readonly outcome: 'applied' | 'refused'
  readonly answer: Answer
  /** Cents that changed hands. */
  readonly amount?: number | undefined
}

/** The effect happened. */
export const applied = <Answer>(answer: Answer, amount?: number): Effect<Answer> => ({
  outcome: 'applied',
  answer,
  amount,
})

/** The service said no, or had nothing to take back: nothing changed. */
export const refused = <Answer>(answer: Answer): Effect<Answer> => ({ outcome: 'refused', answer })

/** Names a call in the ledger. */
export interface Entry {
  readonly orderId: string
  readonly operation: string
  /** The step of the order, when it is called otherwise than the operation. */
  readonly step?: string | undefined
  /** The item, when it is about one: `reserve#tutu`. */
  readonly item?: string | undefined
}

const tables = `${ledgerTable}
  CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS taken_back (key TEXT PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS fences (
    store TEXT, shard INTEGER, incarnation INTEGER NOT NULL, epoch INTEGER NOT NULL, PRIMARY KEY (store, shard));
`
/** No operation declares this answer. */
const nonsense: EventValue = { kind: 'event', type: 'nonsense', data: {}, key: '' }
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
    const line = lineOf(context, entry)
    const problem = await this.#faults.before(this.service, entry.operation, context.signal)
    if (problem !== null) {
      writeLedger(this.db, { ...line, outcome: 'failed' })
      throw new Error(problem)
    }
    if (this.#faults.garbles(this.service, entry.operation)) {
      writeLedger(this.db, { ...line, outcome: 'failed' })
      return nonsense
    }
    const settled = transaction(this.db, () => this.#settle(context, line, work))
    if (settled.no !== undefined) throw new TerminalError(settled.no)
    if (this.#faults.losesAnswer(this.service, entry.operation))
      throw new Error(`the answer of ${this.service} was lost`)
    return settled.answer
  }

  #settle<Work extends Effect<EventValue>>(
    context: OperationContext,
    line: Line,
    work: () => Work,
  ): Settled<Work['answer']> {
    const { db } = this
    const no = this.#isZombie(context)
      ? 'another engine has taken over'
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

type Line = Omit<LedgerRow, 't' | 'outcome' | 'amount' | 'event'>
type Settled<Answer> = { readonly no: string } | { readonly no?: undefined; readonly answer: Answer }

function lineOf(context: OperationContext, { orderId, operation, step = operation, item }: Entry): Line {
  const { idempotencyKey: key, cause, root } = context
  return {
    run: orderId,
    step: item === undefined ? step : `${step}#${item}`,
    key,
    // Only events stand in the ledgers. A run that another run started has the event that began it all.
    cause: eventOf(cause) ?? eventOf(root),
    epoch: fenceOf(context).epoch,
  }
}

/** The id in `event:<source>:<id>`; undefined for a run. */
const eventOf = (cause: string | null): string | undefined => /^event:[^:]*:(.*)$/.exec(cause ?? '')?.[1]

/** Epochs count within one store; its random id begins every idempotency key. */
function fenceOf({ fence, idempotencyKey }: OperationContext) {
  const [incarnation = 0, shard = 0, epoch = 0] = fence.split('.').map(Number)
  return { store: idempotencyKey.slice(0, idempotencyKey.indexOf(':')), incarnation, shard, epoch }
}
