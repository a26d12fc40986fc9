// The three services: accounting, the bank and the mail. Each has a database of its own, and none knows the others, or who
// asks. A claim has one booking and one payment, so the row of the claim is what makes a repeat harmless: the first call has
// written it, and every other one is answered by what it says, also one that comes late, behind its own undo.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { operation, service } from 'ballet'
import { z } from 'zod'
import {
  About,
  BookingReversed,
  ClaimBooked,
  Payable,
  PaymentMade,
  PaymentRefused,
  PaymentStopped,
  StopTooLate,
  Why,
} from './contracts.ts'

/** The database of one service, opened when it is needed first. */
class Books {
  readonly #open: () => DatabaseSync
  #db: DatabaseSync | undefined

  /** @param folder where it stands; null keeps it in memory. */
  constructor(folder: string | null, name: string, table: string) {
    this.#open = () => {
      if (folder !== null) mkdirSync(folder, { recursive: true })
      const db = new DatabaseSync(folder === null ? ':memory:' : join(folder, `${name}.db`))
      db.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
      db.exec(`CREATE TABLE IF NOT EXISTS ${table}`)
      return db
    }
  }

  prepare(sql: string): StatementSync {
    return (this.#db ??= this.#open()).prepare(sql)
  }

  close(): void {
    this.#db?.close()
  }
}

const accountingService = (db: Books) =>
  service('accounting', {
    book: operation({
      input: Payable,
      outcomes: [ClaimBooked],
      run: (claim) => {
        db.prepare('INSERT OR IGNORE INTO bookings VALUES (?, ?, 0)').run(claim.claimId, claim.amount)
        return ClaimBooked(claim)
      },
    }),
    reverse: operation({
      input: About.extend({ why: Why }),
      undoes: 'book',
      outcomes: [BookingReversed],
      run: ({ claimId, why }) => {
        // There may be nothing to reverse yet: then what comes behind is reversed from the start.
        db.prepare('INSERT INTO bookings VALUES (?, 0, 1) ON CONFLICT DO UPDATE SET reversed = 1').run(claimId)
        return BookingReversed({ claimId, why })
      },
    }),
  })

const Payment = z.object({ state: z.enum(['paid', ...Why.options]) })

/** What leaves the bank does not come back, so it is here that a payment and a withdrawal are told which of them was first. */
const bankService = (db: Books) => {
  const firstOf = (claimId: string, state: z.infer<typeof Payment>['state'], amount: number) => {
    db.prepare('INSERT OR IGNORE INTO payments VALUES (?, ?, ?)').run(claimId, state, amount)
    return Payment.parse(db.prepare('SELECT state FROM payments WHERE claim_id = ?').get(claimId)).state
  }
  return service('bank', {
    pay: operation({
      input: Payable,
      outcomes: [PaymentMade, PaymentRefused],
      run: ({ claimId, amount, account }) => {
        const state = firstOf(claimId, account === 'closed' ? 'bounced' : 'paid', amount)
        return state === 'paid' ? PaymentMade({ claimId }) : PaymentRefused({ claimId, why: state })
      },
    }),
    stop: operation({
      input: About,
      undoes: 'pay',
      outcomes: [PaymentStopped, StopTooLate],
      run: ({ claimId }) =>
        firstOf(claimId, 'withdrawn', 0) === 'withdrawn' ? PaymentStopped({ claimId }) : StopTooLate({ claimId }),
    }),
  })
}

/** A message to somebody. */
export const Message = z.object({ to: z.string(), text: z.string() })
export type Message = z.infer<typeof Message>

const mailService = (db: Books, delivered: (message: Message) => void) =>
  service('mail', {
    send: operation({
      input: Message,
      run: ({ to, text }, { idempotencyKey }) => {
        const sent = db.prepare('INSERT OR IGNORE INTO messages VALUES (?, ?, ?)').run(idempotencyKey, to, text)
        if (sent.changes > 0) delivered({ to, text })
      },
    }),
  })

/**
 * @param folder where the services keep their databases; null keeps them in memory.
 * @param delivered called with every message, once.
 */
export function openServices(folder: string | null, delivered: (message: Message) => void) {
  const books = {
    accounting: new Books(
      folder,
      'accounting',
      'bookings (claim_id TEXT PRIMARY KEY, amount INTEGER, reversed INTEGER)',
    ),
    bank: new Books(folder, 'bank', 'payments (claim_id TEXT PRIMARY KEY, state TEXT, amount INTEGER)'),
    mail: new Books(folder, 'mail', 'messages (key TEXT PRIMARY KEY, recipient TEXT, text TEXT)'),
  }
  const services = {
    accounting: accountingService(books.accounting),
    bank: bankService(books.bank),
    mail: mailService(books.mail, delivered),
  }
  const close = (): void => Object.values(books).forEach((db) => db.close())
  return { services, books, close }
}
export type Services = ReturnType<typeof openServices>['services']
