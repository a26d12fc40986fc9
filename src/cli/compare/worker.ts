// One style of a comparison, played in a process of its own, so that it can be killed: opens the application on a store in
// a folder, places the orders, a fixed number of them under way at once, and reads what the journal and the ledgers say when
// all are over. Started again on the same folder it goes on. It speaks by messages to the command that started it.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { elapsedOf } from '../../core/clock.ts'
import { isRecord } from '../../core/json.ts'
import { parseText } from '../../core/json-text.ts'
import type { Batch, Store } from '../../core/store.ts'
import type { Application } from '../../define/application.ts'
import type { ComparedApplication, Comparison } from '../../define/comparison.ts'
import { systemClock } from '../../engine/clock.ts'
import { silentLog } from '../../engine/log.ts'
import { openOn } from '../../engine/open.ts'
import { storeOf } from '../../stores/store-of.ts'
import { oneLine } from '../printable.ts'
import { isLeft, whyLeft } from './left.ts'
import { loadComparison } from './load.ts'
import { fieldAndValue, figuresOf, type StyleFigures } from './figures.ts'
import type { Counters, PlayNews, PlayOrder } from './plan.ts'

/** For so many orders is asked where they are. */
const ASKED = 100
/** What has been quiet for so long is asked whether it goes on at all. */
const QUIET_MS = 1000

const elapsed = (): number => elapsedOf(systemClock)

class Play {
  readonly #order: PlayOrder
  readonly #comparison: Comparison
  readonly #subject: ComparedApplication
  readonly #file: string
  #commits = 0
  #rows = 0
  #ended = 0
  #left = 0

  constructor(order: PlayOrder, comparison: Comparison) {
    this.#order = order
    this.#comparison = comparison
    this.#subject = comparison.make(join(order.folder, 'services'))
    this.#file = join(order.folder, 'store.db')
  }

  async run(): Promise<StyleFigures> {
    const { fault, orders, inFlight } = this.#order
    const subject = this.#subject
    const definition = { ...subject.definition, schedules: [] }
    const app = await openOn(definition, this.#counted(), { log: silentLog, traces: false })
    if (fault.kind === 'slow') subject.fault(fault.service, { slowMs: fault.ms })
    let next = 0
    const work = async (): Promise<void> => {
      for (let order = next++; order < orders; order = next++) await this.#carry(app, order)
    }
    await Promise.all(Array.from({ length: inFlight }, work))
    await atRest(app)
    const { views, answersMs } = await this.#read(app)
    await app.close()
    const ledger = await subject.ledger()
    await subject.close()
    return figuresOf({
      definition: subject.definition,
      comparison: this.#comparison,
      views,
      ledger,
      answersMs,
      storeBytes: statSync(this.#file).size,
    })
  }

  counters(): Counters {
    const { user, system } = process.cpuUsage()
    return { commits: this.#commits, rows: this.#rows, cpuMs: (user + system) / 1000 }
  }

  /** The store, with its commits counted when they are durable. */
  #counted(): Store {
    const store = storeOf(`file:${this.#file}`, systemClock)
    const commit = store.commit.bind(store)
    store.commit = async (batch: Batch) => {
      await commit(batch)
      this.#commits += 1
      this.#rows += batch.journal.length + batch.events.length + batch.runs.length
    }
    return store
  }

  /** Places an order and waits for its last event, or until it goes on no more. */
  async #carry(app: Application, order: number): Promise<void> {
    const key = this.#subject.key(order)
    await this.#subject.place(app, this.#order.style, order)
    const query = { key, types: this.#comparison.last, limit: 1 }
    const isOver = await until(app, key, async () => (await app.events(query)).items.length > 0)
    if (!isOver) await this.#leave(app, key)
    this.#ended += 1
    const { fault, orders } = this.#order
    if (fault.kind === 'down' && this.#ended === Math.ceil(orders / 5))
      this.#subject.fault(fault.service, { downMs: fault.ms })
    void say({ kind: 'ended', counters: this.counters() })
  }

  /** The first tells what is wrong; the figures, how many there are. */
  async #leave(app: Application, key: string): Promise<void> {
    this.#left += 1
    if (this.#left > 1) return
    const why = oneLine(await whyLeft(app, key, systemClock.now()))
    process.stderr.write(`${this.#order.style}: an order goes on no more: ${why}\n`)
  }

  async #read(app: Application) {
    const views = []
    const answersMs: number[] = []
    for (let order = 0; order < this.#order.orders; order++) {
      const began = elapsed()
      const view = await app.key(...fieldAndValue(this.#subject.key(order)))
      const ending = this.#subject.ending(view)
      if (order < ASKED) answersMs.push(elapsed() - began)
      views.push({ view, ending })
    }
    return { views, answersMs }
  }
}

/**
 * Resolves with true when something holds of a key, which is asked after every commit that concerns it, and with false when
 * that goes on no more.
 */
async function until(app: Application, key: string | null, holds: () => Promise<boolean>): Promise<boolean> {
  for (;;) {
    const change = Promise.withResolvers<'changed' | 'quiet'>()
    const unwatch = app.watch(key, () => change.resolve('changed'))
    const cancel = systemClock.after(QUIET_MS, () => change.resolve('quiet'))
    const isSo = await holds()
    const isOver = isSo || ((await change.promise) === 'quiet' && (await isLeft(app, key)))
    cancel()
    unwatch()
    if (isOver) return isSo || (await holds())
  }
}

/** Resolves when no run is under way: the last event of an order may not be the last row. */
const atRest = (app: Application): Promise<boolean> =>
  until(app, null, async () => (await app.runs({ status: ['running'], limit: 1 })).items.length === 0)

/** Resolves when the news is on its way. */
function say(news: PlayNews<StyleFigures>): Promise<void> {
  return new Promise((resolve) => void process.send?.(news, () => resolve()))
}

async function main(): Promise<void> {
  const order = parseText(process.argv[2] ?? 'null')
  if (!isRecord(order)) return
  const playOrder = order as unknown as PlayOrder
  const play = new Play(playOrder, (await loadComparison(playOrder.file, '/')).comparison)
  const figures = await play.run()
  await say({ kind: 'over', figures, counters: play.counters() })
}

// Whoever started it is gone: nobody will hear how it ends.
process.once('disconnect', () => process.exit())
try {
  await main()
} catch (error) {
  await say({ kind: 'failed', problem: error instanceof Error ? error.message : String(error) })
}
// A connection or a timer of the application's own does not keep the process.
process.exit()
