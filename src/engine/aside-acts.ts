// What a person does to what lies aside in a shard (aside.ts): has it looked at once more, now, or drops it for good. Done by the owner of
// the shard, in its commits. What is dropped leaves a receipt, in the batch that drops it, in the table of inboxes where no inbox is
// looked for: whoever asks again is told that it was, by whom and why. Kept by requests.ts; asked by doors.ts and far-actions.ts.
//
//   aside --retry--> inbox --looked at--> taken, or refused, or aside once more
//   aside --drop--> receipt --a month later, with the next drop--> forgotten
import type { AsideActed, AsideAction } from '../core/aside-views.ts'
import type { Payload } from '../core/codec.ts'
import { fault } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import { parseText } from '../core/json-text.ts'
import type { InboxRow, StoreReader } from '../core/store.ts'
import type { Reasoned } from '../define/reasoned.ts'
import { reasonOf } from './actions.ts'
import { asidePage, itemOf, type AsidePage } from './aside-rows.ts'
import { asidesOf, type Came } from './aside.ts'
import { refuseBegin } from './between-shards.ts'
import type { ShardContext } from './shard-context.ts'
import { payloadOf, sentOf } from './sent-payload.ts'
import type { Shard } from './shard.ts'

/** What is asked of things of one shard, by their names: at most as many as a page. */
export interface AsideAsked extends Reasoned {
  readonly action: AsideAction
  readonly items: readonly string[]
}

/** What came of each thing that was named and found. */
export interface AsideDone {
  readonly asides: readonly AsideActed[]
}

/** Who dropped something, when and why. */
export type Receipt = Required<AsideActed>['dropped']

/** What it was. Receipts of before do not have what it said. */
interface Was extends Pick<InboxRow, 'kind' | 'target'> {
  readonly since: string
  /** As it is sent to other nodes (sent-payload.ts). */
  readonly data?: string
}

/** What is kept of one that was dropped; `row` where that is all of it. */
export interface Kept {
  readonly item: string
  readonly receipt: Receipt
  readonly row: Omit<InboxRow, 'id' | 'ns' | 'slot'> | null
}

const PAGE = 200
/** So many are asked of a shard at once. */
export const ASKED = 100
const KEPT_MS = 30 * 24 * 3_600_000

/** A name that leads to a shard, as ids do that say their slot: that of its number. */
export const tagOfShard = (shard: number): string => `@aside~~${shard.toString(36)}`

/** Where receipts are in the table of inboxes: a namespace holds no space. Their kind is that of answers, which do not count as waiting. */
export const receiptsOf = (ns: string): string => `${ns} dropped`

/** Told of how it came out in the moment in which that is written. */
type Said = (done: AsideDone) => void

interface Found {
  readonly item: string
  readonly row: InboxRow
}

export class AsideActs {
  readonly #shard: Shard
  /** The last of what is under way: what is tried again has come out before the next is asked for. */
  #acting: Promise<unknown> = Promise.resolve()

  constructor(shard: Shard) {
    this.#shard = shard
  }

  /** @throws REQUEST_INVALID, what the codec does, and what the shard does that stops meanwhile */
  act(asked: AsideAsked, said: Said = () => {}): Promise<AsideDone> {
    const act = (): Promise<AsideDone> => (asked.action === 'drop' ? this.#drop(asked, said) : this.#retry(asked, said))
    const mine = this.#acting.then(act, act)
    this.#acting = mine
    return mine
  }

  async #retry(asked: AsideAsked, said: Said): Promise<AsideDone> {
    const { context, aside } = this.#shard
    const { by, why } = reasonOf(asked)
    const came = new Map<string, Came>()
    const watched: (() => void)[] = []
    let names: readonly string[] = []
    try {
      await aside.alone(async () => {
        const rows = await this.#find(asked.items)
        names = [...new Set(rows.map(({ item }) => item))]
        // Before it is durable: the inbox may be read in that moment.
        for (const item of names) watched.push(aside.watch(item, (how) => void came.set(item, how)))
        for (const { row } of rows) aside.leave(row, true)
        context.writer.flush()
        await context.writer.barrier()
      })
      await context.inbox.read()
      await context.writer.barrier()
    } finally {
      for (const leave of watched) leave()
    }
    // One that has stopped reads no inbox.
    this.#shard.check()
    const lying = await this.#lying(names)
    const done = {
      asides: names.map((item): AsideActed => {
        const { outcome = lying.has(item) ? 'waits' : 'taken', cause } = came.get(item) ?? {}
        return { item, action: 'retry', changed: true, outcome, ...(cause && { cause }) }
      }),
    }
    for (const { item, outcome } of done.asides)
      context.log.info(`${by} had ${item} looked at once more, which lay aside: ${outcome}${inWords(why)}`, {
        item,
        action: 'retry',
        outcome,
        by,
        why,
      })
    said(done)
    await context.writer.barrier()
    return done
  }

  /** Which of them lie in the inbox still: their run takes them when it can, say. */
  async #lying(names: readonly string[]): Promise<ReadonlySet<string>> {
    const { store, shard, ns } = this.#shard.context
    const found = new Set<string>()
    for (let after: number | null = names.length === 0 ? null : 0; after !== null;) {
      const page: AsidePage = await asidePage(store, shard, ns, PAGE, after)
      for (const row of page.rows) found.add(itemOf(shard, row))
      after = page.next
    }
    return found
  }

  async #drop(asked: AsideAsked, said: Said): Promise<AsideDone> {
    const { context, aside } = this.#shard
    const { by, why } = reasonOf(asked)
    return aside.alone(async () => {
      const found = await this.#find(asked.items)
      const names = new Map(found.map(({ item, row }) => [item, row]))
      const before = await receipts(context, context.shard, context.ns, asked.items)
      const dropped: Receipt = { by, why, at: new Date(context.now()).toISOString() }
      // What cannot be written down is not dropped.
      const written = [...names].map(([item, row]) => ({ item, row, data: this.#receipt(item, row, dropped) }))
      const old = written.length === 0 ? [] : await this.#oldReceipts()
      for (const { row } of found) this.#takeAway(row, by)
      for (const { item, row, data } of written) this.#write(item, row, data, dropped)
      context.writer.rows.drained.push(...old)
      const isAgain = ({ item }: { readonly item: string }): boolean => !names.has(item)
      const done = {
        asides: [
          ...written.map(({ item }): AsideActed => ({
            item,
            action: 'drop',
            outcome: 'dropped',
            changed: true,
            dropped,
          })),
          ...before.filter(isAgain).map(({ item, receipt }): AsideActed => {
            return { item, action: 'drop', outcome: 'dropped', changed: false, dropped: receipt }
          }),
        ],
      }
      said(done)
      context.writer.flush()
      await context.writer.barrier()
      return done
    })
  }

  /** The rows of these names, wherever they lie aside. */
  async #find(items: readonly string[]): Promise<readonly Found[]> {
    const { context } = this.#shard
    const { store, shard, ns, writer } = context
    const sought = new Set(items)
    // What was set aside just now is there when it is durable.
    await writer.barrier()
    this.#shard.check()
    const found: Found[] = []
    for (const inbox of asidesOf(ns))
      for (let after: number | null = 0; after !== null;) {
        const { rows, next }: AsidePage = await asidePage(store, shard, inbox, PAGE, after)
        for (const row of rows) {
          const item = itemOf(shard, row)
          if (sought.has(item)) found.push({ item, row })
        }
        after = next
      }
    this.#shard.check()
    return found
  }

  /** A reaction that waits for its workflow is stuck with that: it would wait for ever. */
  #takeAway(row: InboxRow, by: string): void {
    const { context, aside } = this.#shard
    aside.leave(row, false)
    if (row.kind !== 'begin') return
    try {
      const text = context.decode(row.data, 'turn', row.target)
      refuseBegin(
        context,
        text,
        toFailure(fault('ASIDE_DROPPED', { item: itemOf(context.shard, row), by: ` by ${by}` })),
      )
    } catch (error) {
      const { code, message } = toFailure(error)
      context.log.error(
        `Which reaction waits for "${row.target}" cannot be read, so that it goes on waiting: ${message}`,
        undefined,
        { code },
      )
    }
  }

  /** With all that it says, as it stood: whoever wants it after all sends it again. */
  #receipt(item: string, { kind, target, at, data }: InboxRow, dropped: Receipt): Payload {
    const was: Was = { kind, target, since: new Date(at).toISOString(), data: sentOf(data) }
    return this.#shard.context.encodeAsked(JSON.stringify({ ...dropped, was }), 'turn', item)
  }

  #write(item: string, { slot, kind, target, at }: InboxRow, data: Payload, { by, why }: Receipt): void {
    const { context } = this.#shard
    const { writer, ns, log, counts } = context
    writer.rows.posts.push({ ns: receiptsOf(ns), slot, kind: 'acted', target: item, data, at: context.now() })
    const since = new Date(at).toISOString()
    writer.onDurable(() => {
      counts.dropped += 1
      const told = `${by} dropped ${item}, which lay aside: what came for ${target} (${kind}) at ${since}`
      log.warn(`${told}${inWords(why)}`, { item, action: 'drop', by, why })
    })
  }

  /** Ids of receipts that have had their time. */
  async #oldReceipts(): Promise<readonly number[]> {
    const { store, shard, ns, clock } = this.#shard.context
    const { rows } = await asidePage(store, shard, receiptsOf(ns), PAGE)
    return rows.filter(({ at }) => at <= clock.now() - KEPT_MS).map(({ id }) => id)
  }
}

const inWords = (why: string): string => (why === '' ? '' : `: ${why}`)

/** What is kept of drops of these names. One that cannot be read says that there was one. */
export async function receipts(
  { store, decode }: Pick<ShardContext, 'decode'> & { readonly store: StoreReader },
  shard: number,
  ns: string,
  items: readonly string[],
): Promise<readonly Kept[]> {
  const sought = new Set(items)
  const found = new Map<string, Kept>()
  for (let after: number | null = 0; after !== null;) {
    const { rows, next }: AsidePage = await asidePage(store, shard, receiptsOf(ns), PAGE, after)
    for (const { target: item, data, at } of rows) {
      if (!sought.has(item)) continue
      try {
        const { by, why, at: when, was } = parseText(decode(data, 'turn', item)) as Receipt & { readonly was: Was }
        found.set(item, { item, receipt: { by, why, at: when }, row: rowOf(was) })
      } catch {
        const receipt = { by: 'unknown', why: '', at: new Date(at).toISOString() }
        found.set(item, { item, receipt, row: null })
      }
    }
    after = next
  }
  return [...found.values()]
}

function rowOf({ kind, target, since, data }: Was): Kept['row'] {
  if (data === undefined) return null
  return { kind, target, at: Date.parse(since), data: payloadOf(data) }
}
