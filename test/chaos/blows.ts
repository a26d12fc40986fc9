// What is done to a shop at the end of a round of a campaign. A fatal blow leaves no process behind; after the others the
// same process goes on. Each blow is a moment's work that begins at once when it is struck: the moment was chosen well.
import type { Chance } from '../../src/testing/simulation/chance.ts'
import type { SmallDisk } from '../disk/small-disk.ts'
import { pause } from './pause.ts'
import type { PowerDisk } from './power-disk.ts'
import type { Records } from './records.ts'
import type { ServicesProcess } from './services-process.ts'
import type { ShopProcess } from './shop-process.ts'

/** `overfill`: killed while its disk is full, and started again on it. */
export type BlowKind = 'kill' | 'term' | 'freeze' | 'kill-services' | ServiceBlowKind | 'cut' | 'fill' | 'overfill'
/** Of one service that is a process of its own. */
export type ServiceBlowKind = 'kill-service' | 'term-service' | 'freeze-service'

/** What a blow met that does not come to the shop itself. */
export interface Struck {
  readonly t: number
  /** The service. */
  readonly target: string
  /** Calls that it was carrying out. */
  readonly calls: number
}

export interface Blow {
  readonly kind: BlowKind
  readonly isFatal: boolean
  /** The process answers until it is over, and the clients have something to ask. */
  readonly isUnderLoad?: boolean
  /** Whoever asks hears nothing any more, whatever the process may still say. */
  readonly cutsLines?: boolean
  /** Resolves when it is over: when the process is gone, or goes on. */
  strike(shop: ShopProcess): Promise<Struck | void>
  /** What remains to be mended once a shop takes orders again, or waits for it. */
  readonly heal?: () => void
}

/** How long the services are away at most: an operation has more attempts than fit into it. */
const AWAY_MS = 800
/** How many orders a full disk has to refuse, and for how long at most they are waited for. */
const REFUSALS = 3
const REFUSALS_WITHIN_MS = 4_000

/** SIGKILL: the process writes nothing any more. */
export const kill: Blow = {
  kind: 'kill',
  isFatal: true,
  async strike(shop) {
    shop.kill()
    await shop.exit
  },
}

/** SIGTERM: it has to close, and well, in the middle of its work. */
export const term: Blow = {
  kind: 'term',
  isFatal: true,
  async strike(shop) {
    const { isReady } = shop
    shop.close()
    const code = await shop.exit
    // Before it listens to signals the system ends it.
    if (code !== 0 && (isReady || code !== null))
      throw new Error(`the shop did not close well (${code}):\n${shop.output}`)
  },
}

/** SIGSTOP, and SIGCONT after one of some times: the process cannot know that it was away. */
export const freeze = (chance: Chance, timesMs: readonly number[]): Blow => ({
  kind: 'freeze',
  isFatal: false,
  async strike(shop) {
    shop.freeze()
    await pause(chance.pick(timesMs))
    shop.thaw()
  },
})

/** SIGKILL of the services where they are a process of their own: the shop lives on, and asks in vain until they are back. */
export const killServices = (chance: Chance, services: ServicesProcess): Blow => ({
  kind: 'kill-services',
  isFatal: false,
  async strike() {
    await services.kill()
    await pause(chance.between(0, AWAY_MS))
    await services.start()
  },
})

/** The power of its disk and of the process fails; the disk comes back with what it had been told to keep. */
export const cut = (disk: PowerDisk): Blow => ({
  kind: 'cut',
  isFatal: true,
  // Between the two cuts below it lives on without a disk, as no process does whose machine is gone.
  cutsLines: true,
  async strike(shop) {
    disk.cut()
    shop.kill()
    await shop.exit
    await disk.restore()
  },
})

/** The disk of its store is filled up to the last block, until it has refused orders, and emptied again. */
export const fill = (disk: SmallDisk, records: Records): Blow => ({
  kind: 'fill',
  isFatal: false,
  isUnderLoad: true,
  async strike() {
    disk.fill()
    await refusals(records)
    disk.clear()
  },
})

/** As `fill`, but it is killed in it, and has to open its store on the full disk. */
export const overfill = (disk: SmallDisk, records: Records): Blow => ({
  kind: 'overfill',
  isFatal: true,
  isUnderLoad: true,
  async strike(shop) {
    disk.fill()
    await refusals(records)
    shop.kill()
    await shop.exit
  },
  heal: () => disk.clear(),
})

async function refusals(records: Records): Promise<void> {
  const enough = Promise.withResolvers<void>()
  let left = REFUSALS
  const forget = records.listen((row) => {
    if (row.type === 'nack') left -= 1
    if (left === 0) enough.resolve()
  })
  await Promise.race([enough.promise, pause(REFUSALS_WITHIN_MS)])
  forget()
}
