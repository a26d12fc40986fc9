// The rows of a batch that is still being filled. While its store has nothing else to do, it gets what is there already, so that
// less is left for the commit. Filled and sealed by the writer (writer.ts).
import { countsOf, NO_ROWS, rowsBehind, sumOf, type Ahead } from '../core/ahead.ts'
import type {
  Claim,
  ClaimName,
  ClaimUntil,
  EventRow,
  FlowGone,
  FlowRow,
  InboxItem,
  JournalBefore,
  JournalRow,
  RunChange,
  RunContinued,
  RunRow,
  Store,
  SuspectRow,
  TimerRow,
} from '../core/store.ts'

/** As many rows as are worth a message of their own: of 24 to 150, and none, this made choreographed orders fastest (ADR 50). */
const PART_ROWS = 48
const NONE = countsOf(NO_ROWS)

/** Batches of this process of which a part was given ahead. */
let batches = 0

/** What was given ahead comes to nothing: a store keeps one batch, and hears of another. */
export function giveUpAhead(store: Pick<Store, 'takeAhead'>, shard: number): void {
  store.takeAhead?.(shard, { batch: ++batches, part: 0 }, NO_ROWS)
}

export class OpenBatch {
  readonly #lists: (readonly unknown[])[] = []
  readonly runs: RunRow[] = this.#list()
  readonly changes: RunChange[] = this.#list()
  readonly claims: Claim[] = this.#list()
  readonly journal: JournalRow[] = this.#list()
  readonly events: EventRow[] = this.#list()
  readonly timers: TimerRow[] = this.#list()
  readonly timersGone: TimerRow[] = this.#list()
  readonly posts: InboxItem[] = this.#list()
  readonly drained: number[] = this.#list()
  readonly continued: RunContinued[] = this.#list()
  /** By run, until the batch is sealed. */
  readonly marks: Map<number, SuspectRow> = new Map()
  suspects: readonly SuspectRow[] = []
  readonly suspectsGone: number[] = this.#list()
  readonly forgotten: number[] = this.#list()
  readonly journalGone: JournalBefore[] = this.#list()
  readonly eventsGone: number[] = this.#list()
  readonly claimsUntil: ClaimUntil[] = this.#list()
  readonly claimsGone: ClaimName[] = this.#list()
  readonly flows: FlowRow[] = this.#list()
  readonly flowsNew: FlowRow[] = this.#list()
  readonly flowsGone: FlowGone[] = this.#list()
  readonly durable: (() => void)[] = []
  /** What the store has of it already. */
  ahead: Ahead | undefined
  shard = 0
  epoch = 0
  base = 0
  urgent = false
  head = 0
  sealedAt = 0
  /** Whether `flowsNew` was left out, because one of these flows has a row (commits.ts). */
  areFlowsThere = false

  /** Rows of every kind. */
  get size(): number {
    let rows = this.marks.size
    for (const list of this.#lists) rows += list.length
    return rows
  }

  /** Whether all of its rows are of the kinds that may come ahead: those of the others are written in an order of their own. */
  get isSimple(): boolean {
    return this.size === sumOf(countsOf(this))
  }

  /** Gives a store the rows that it has not got, if it takes such and they are worth it. */
  giveAhead(store: Pick<Store, 'takeAhead'>, shard: number): void {
    if (store.takeAhead === undefined) return
    const { batch, parts, rows: given } = this.ahead ?? { batch: null, parts: 0, rows: NONE }
    const rows = countsOf(this)
    const has = sumOf(rows)
    if (has - sumOf(given) < PART_ROWS || has < this.size) return
    const number = batch ?? ++batches
    store.takeAhead(shard, { batch: number, part: parts }, rowsBehind(this, given))
    this.ahead = { batch: number, parts: parts + 1, rows }
  }

  /** Every list of rows is made here, so that none is left out of the size: what is of no size is never written. */
  #list<Row>(): Row[] {
    const list: Row[] = []
    this.#lists.push(list)
    return list
  }
}
