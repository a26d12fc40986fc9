// The figures of a campaign: what was asked, what was done to the shop, and how much of it met work under way. A blow that
// hit nothing and a step that was never asked for twice prove nothing, so these are what an audit looks at as well.
import type { LedgerRow } from '../../examples/shop/ledger.ts'
import type { FaultRow, OrderRow } from './records.ts'

/** What a campaign saw. */
export interface Figures {
  readonly orders: number
  /** Orders, requests and blows are counted once each. */
  readonly acks: number
  readonly unknown: number
  readonly nacks: number
  /**
   * Blows by their kind, and those that met work: a full disk when it refused some, one to a service when it was carrying out a call,
   * others when some was under way.
   */
  readonly blows: Readonly<Record<string, number>>
  readonly hits: Readonly<Record<string, number>>
  /** Blows that met an order which was being taken back: after the first no, and before the customer was told. */
  readonly inUndo: number
  /** Blows before the shop took orders again. */
  readonly inRecovery: number
  /** Steps that reached a service more than once, and of those the ones that two lives of the shop asked for. */
  readonly redelivered: number
  readonly acrossKills: number
  /** Lines of the ledgers by their outcome, and orders by their ending. */
  readonly outcomes: Readonly<Record<string, number>>
  readonly endings: Readonly<Record<string, number>>
  /** Cancellations by whether they came in time. */
  readonly cancellations: Readonly<Record<string, number>>
}

export function count({
  orders,
  effects,
  faults,
}: {
  readonly orders: readonly OrderRow[]
  readonly effects: readonly LedgerRow[]
  readonly faults: readonly FaultRow[]
}): Figures {
  const blows = faults.filter(({ moment }) => moment !== undefined)
  const hits = blows.filter(({ kind, open = 0, cut = 0, refused = 0, calls }) =>
    kind === 'fill' || kind === 'overfill' ? refused > 0 : (calls ?? open + cut) > 0,
  )
  const ids = (type: OrderRow['type']): number =>
    new Set(orders.flatMap((row) => (row.type === type ? [row.id] : []))).size
  const steps = [...Map.groupBy(effects, ({ run, step }) => `${run} ${step}`).values()].filter(
    ({ length }) => length > 1,
  )
  const undoing = [...Map.groupBy(effects, ({ run }) => run).values()].flatMap(spanOfUndo)
  const finals = new Map(orders.flatMap((row) => (row.type === 'final' ? [[row.id, row] as const] : [])))
  const ends = [...finals.values()]
  return {
    orders: ids('submit'),
    acks: ids('ack'),
    unknown: orders.filter(({ type }) => type === 'unknown').length,
    nacks: orders.filter(({ type }) => type === 'nack').length,
    blows: tally(blows.map(({ kind }) => kind)),
    hits: tally(hits.map(({ kind }) => kind)),
    inUndo: blows.filter(({ t }) => undoing.some(([begun, told]) => begun < t && t < told)).length,
    inRecovery: blows.filter(({ recovering }) => recovering).length,
    redelivered: steps.length,
    acrossKills: steps.filter((rows) => new Set(rows.map(({ epoch }) => epoch)).size > 1).length,
    outcomes: tally(effects.map(({ outcome }) => outcome)),
    endings: tally(ends.map(({ status }) => status)),
    cancellations: tally(ends.flatMap(({ cancellation }) => cancellation ?? [])),
  }
}

/** When an order began to be taken back, and when its customer was told; none for an order that stands. */
function spanOfUndo(effects: readonly LedgerRow[]): (readonly [begun: number, told: number])[] {
  const begun = effects.find(({ step, outcome }) => outcome === 'refused' || (step === 'stop' && outcome === 'applied'))
  const told = effects.find(({ step, outcome }) => step === 'apologise' && outcome === 'applied')
  return begun === undefined || told === undefined ? [] : [[begun.t, told.t]]
}

const tally = (words: readonly string[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(words, (word) => word)].map(([word, those]) => [word, those.length]))
