import { TerminalError } from 'ballet'
import { z } from 'zod'
import { openDatabase, transaction } from './database.js'
import { continueLedger, ledgerTable, readLedger, writeLedger } from './ledger.js'
/** The effect happened. */
export const applied = (answer, amount) => ({
  outcome: 'applied',
  answer,
  amount,
})
/** The service said no, or had nothing to take back: nothing changed. */
export const refused = (answer) => ({ outcome: 'refused', answer })
const tables = `${ledgerTable}
  CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS taken_back (key TEXT PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS fences (
    store TEXT, shard INTEGER, incarnation INTEGER NOT NULL, epoch INTEGER NOT NULL, PRIMARY KEY (store, shard));
`
/** No operation declares this answer. */
const nonsense = { kind: 'event', type: 'nonsense', data: {}, key: '' }
const StoredAnswer = z.object({ answer: z.string() })
const StoredFence = z.object({ incarnation: z.number(), epoch: z.number() })
export class Books {
  service
  #folder
  #schema
  #faults
  #db
  /** @param folder where the database stands; null keeps it in memory. */
  constructor(service, schema, folder, faults) {
    this.service = service
    this.#schema = schema
    this.#folder = folder
    this.#faults = faults
  }
  /** The database, opened when it is needed first. */
  get db() {
    return this.#db ?? this.open()
  }
  open() {
    this.#db ??= openDatabase(this.#folder, this.service, tables + this.#schema)
    continueLedger(this.#db)
    return this.#db
  }
  /** Whether the service was told to say no. */
  get declines() {
    return this.#faults.declines(this.service)
  }
  ledger() {
    return readLedger(this.db)
  }
  close() {
    this.#db?.close()
    this.#db = undefined
  }
  /** Does `work` once for the key of the call, whatever becomes of the attempt, and answers every repeat alike. */
  async once(context, entry, work) {
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
  #settle(context, line, work) {
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
      return { answer: JSON.parse(StoredAnswer.parse(stored).answer) }
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
  #isZombie(context) {
    const { store, incarnation, shard, epoch } = fenceOf(context)
    const row = this.db.prepare('SELECT incarnation, epoch FROM fences WHERE store = ? AND shard = ?').get(store, shard)
    const seen = row === undefined ? { incarnation: -1, epoch: -1 } : StoredFence.parse(row)
    if (incarnation === seen.incarnation && epoch === seen.epoch) return false
    if (incarnation < seen.incarnation || (incarnation === seen.incarnation && epoch < seen.epoch)) return true
    this.db.prepare('INSERT OR REPLACE INTO fences VALUES (?, ?, ?, ?)').run(store, shard, incarnation, epoch)
    return false
  }
}
function lineOf(context, { orderId, operation, step = operation, item }) {
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
const eventOf = (cause) => /^event:[^:]*:(.*)$/.exec(cause ?? '')?.[1]
/** Epochs count within one store; its random id begins every idempotency key. */
function fenceOf({ fence, idempotencyKey }) {
  const [incarnation = 0, shard = 0, epoch = 0] = fence.split('.').map(Number)
  return { store: idempotencyKey.slice(0, idempotencyKey.indexOf(':')), incarnation, shard, epoch }
}
