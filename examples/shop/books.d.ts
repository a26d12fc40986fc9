import type { DatabaseSync } from 'node:sqlite'
import { type EventValue, type OperationContext } from 'ballet'
import type { Faults, ServiceName } from './faults.ts'
import { type LedgerRow } from './ledger.ts'
/** What a piece of work came to: it happened, or the service said no. */
export interface Effect<Answer> {
  readonly outcome: 'applied' | 'refused'
  readonly answer: Answer
  /** Cents that changed hands. */
  readonly amount?: number | undefined
}
/** The effect happened. */
export declare const applied: <Answer>(answer: Answer, amount?: number) => Effect<Answer>
/** The service said no, or had nothing to take back: nothing changed. */
export declare const refused: <Answer>(answer: Answer) => Effect<Answer>
/** Names a call in the ledger. */
export interface Entry {
  readonly orderId: string
  readonly operation: string
  /** The step of the order, when it is called otherwise than the operation. */
  readonly step?: string | undefined
  /** The item, when it is about one: `reserve#tutu`. */
  readonly item?: string | undefined
}
export declare class Books {
  #private
  readonly service: ServiceName
  /** @param folder where the database stands; null keeps it in memory. */
  constructor(service: ServiceName, schema: string, folder: string | null, faults: Faults)
  /** The database, opened when it is needed first. */
  get db(): DatabaseSync
  open(): DatabaseSync
  /** Whether the service was told to say no. */
  get declines(): boolean
  ledger(): LedgerRow[]
  close(): void
  /** Does `work` once for the key of the call, whatever becomes of the attempt, and answers every repeat alike. */
  once<Work extends Effect<EventValue>>(
    context: OperationContext,
    entry: Entry,
    work: () => Work,
  ): Promise<Work['answer']>
}
