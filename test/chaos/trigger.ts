// Sees when a moment has come: counts the writes to the databases of the shop, as the file system tells them, and the
// acknowledgements, as the clients record them. It looks from outside, so that the shop does not know when it dies.
import { watch, type FSWatcher } from 'node:fs'
import type { Moment } from './rounds.ts'
import type { Records } from './records.ts'
import { servicesOf } from './shop-process.ts'

export class Trigger {
  readonly #moment: Moment
  readonly #fire: () => void
  readonly #watcher: FSWatcher | null
  readonly #forget: () => void
  #timer: NodeJS.Timeout | undefined
  #armed = false
  #left: number

  /** Counts as soon as the shop starts, or not before `ready`. Calls `fire` once. */
  constructor(moment: Moment, folder: string, records: Records, fire: () => void) {
    this.#moment = moment
    this.#fire = fire
    this.#left = moment.count
    const { of } = moment
    const [place, name] = of === 'store' ? [folder, 'shop'] : [servicesOf(folder), of]
    this.#watcher =
      of === 'ack' || of === 'time'
        ? null
        : watch(place, (_event, file) => (file === `${name}.db-wal` ? this.#happened() : undefined))
    this.#forget = records.listen((row) => (of === 'ack' && row.type === 'ack' ? this.#happened() : undefined))
    if (moment.since === 'start') this.#arm()
  }

  /** The shop takes orders. */
  ready(): void {
    if (this.#moment.since === 'ready') this.#arm()
  }

  stop(): void {
    this.#watcher?.close()
    this.#forget()
    clearTimeout(this.#timer)
    this.#armed = false
  }

  #arm(): void {
    this.#armed = true
    if (this.#moment.of === 'time') this.#come()
  }

  #happened(): void {
    if (!this.#armed) return
    this.#left -= 1
    if (this.#left === 0) this.#come()
  }

  #come(): void {
    if (this.#moment.delayMs === 0) this.#fire()
    else this.#timer = setTimeout(this.#fire, this.#moment.delayMs)
  }
}
