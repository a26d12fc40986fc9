// The three kinds of campaign: where each has its shop, and with which blows it strikes. All else is the same for them.
//
//   chaos        a folder: SIGKILL, SIGTERM, SIGSTOP
//   power-cuts   a disk of its own, whose power is cut
//   disk-full    a small disk for the store alone, which is filled; the services have their books elsewhere
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { mountSmallDisk } from '../disk/small-disk.ts'
import * as blows from './blows.ts'
import type { CampaignOptions } from './campaign.ts'
import { PowerDisk } from './power-disk.ts'
import { ServiceProcesses } from './service-processes.ts'
import { ServicesProcess } from './services-process.ts'
import { prepareShop, servicesOf, type ShopSettings } from './shop-process.ts'

/** Longer than the clients, the server and the payment service wait, and now and then longer than all calls. */
const FREEZES_MS: readonly number[] = [...Array.from({ length: 9 }, () => 11_000), 61_000]
const POWER_DISK_MIB = 128
const SMALL_DISK_MIB = 64

/** A folder for a shop, and what may happen to it. */
export interface Site extends Pick<CampaignOptions, 'folder' | 'arsenal' | 'services'> {
  readonly shop: ShopSettings
  /** What is `spent` goes; where something was found the store stays, and it is said where. */
  readonly remove: (isSpent: boolean) => void
}

export interface Place {
  /** The option that says how many blows there are to be, and the kind of blow that it counts. */
  readonly option: 'kills' | 'cuts' | 'fills'
  readonly counted: blows.BlowKind
  /** Of other kinds of blows: how many have to hit for each one that is counted. */
  readonly others?: Readonly<Partial<Record<blows.BlowKind, number>>>
  /** How many orders there are for each blow that is counted, unless it is said otherwise. */
  readonly ordersPerBlow: number
  /** The store is less durable than it is, and has to lose something. */
  readonly isWeak: boolean
  /** Or says why it cannot be had here. */
  readonly make: () => Promise<Site | string>
}

const weakSync: ShopSettings = {
  env: { NODE_OPTIONS: `--import=${pathToFileURL(fileURLToPath(new URL('weak-sync.mjs', import.meta.url))).href}` },
}

/**
 * @param synchronous `full`, or `normal` for a store that syncs too little.
 * @param freezesMs the lengths of a freeze in a folder; a campaign has to have more patience than the longest.
 */
export function places(synchronous: string, freezesMs: readonly number[] = FREEZES_MS) {
  if (synchronous !== 'full' && synchronous !== 'normal')
    throw new RangeError(`--synchronous is "${synchronous}"; it must be full or normal`)
  const isWeak = synchronous === 'normal'
  const onDisk = (): Promise<Site | string> => Promise.resolve(onPowerDisk(isWeak ? weakSync : {}))
  return {
    chaos: {
      option: 'kills',
      counted: 'kill',
      ordersPerBlow: 8,
      isWeak: false,
      make: () => Promise.resolve(inFolder(freezesMs)),
    },
    /** As `chaos`, with the services in a process of their own, which is killed as well. */
    apart: { option: 'kills', counted: 'kill', ordersPerBlow: 8, isWeak: false, make: () => apart(freezesMs) },
    /** Each service in one of its own: they are killed, ended and frozen as well, while they are carrying out calls. */
    each: {
      option: 'kills',
      counted: 'kill',
      others: { 'kill-service': 1 / 4, 'term-service': 1 / 12, 'freeze-service': 1 / 20 },
      ordersPerBlow: 20,
      isWeak: false,
      make: () => each(freezesMs),
    },
    powerCuts: { option: 'cuts', counted: 'cut', ordersPerBlow: 8, isWeak, make: onDisk },
    diskFull: { option: 'fills', counted: 'fill', ordersPerBlow: 20, isWeak: false, make: onSmallDisk },
  } as const satisfies Record<string, Place>
}

function inFolder(freezesMs: readonly number[]): Site {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-chaos-'))
  return {
    folder,
    shop: {},
    arsenal: (chance) => [
      [20, blows.kill],
      [2, blows.term],
      [1, blows.freeze(chance, freezesMs)],
    ],
    remove: (isSpent) => (isSpent ? rmSync(folder, { recursive: true }) : tell(folder)),
  }
}

/** Services that are no part of the shop's process. */
type Beside = NonNullable<Site['services']> & { start(): Promise<void>; readonly shop: ShopSettings }

/** In a folder, with services beside the shop, on which blows fall as well. */
async function beside<Services extends Beside>(
  freezesMs: readonly number[],
  Made: new (folder: string, onTrouble: (error: Error) => void) => Services,
  more: (services: Services, ...of: Parameters<Site['arsenal']>) => ReturnType<Site['arsenal']>,
  end: (services: Services) => unknown,
): Promise<Site> {
  const { folder, arsenal, remove } = inFolder(freezesMs)
  const services = new Made(folder, (error) => {
    throw error
  })
  await services.start()
  return {
    folder,
    services,
    shop: services.shop,
    arsenal: (...of) => [...arsenal(...of), ...more(services, ...of)],
    remove: (isSpent) => {
      void end(services)
      remove(isSpent)
    },
  }
}

const apart = (freezesMs: readonly number[]): Promise<Site> =>
  beside(
    freezesMs,
    ServicesProcess,
    (services, chance) => [[8, blows.killServices(chance, services)]],
    (services) => services.kill(),
  )

const each = (freezesMs: readonly number[]): Promise<Site> =>
  beside(
    freezesMs,
    ServiceProcesses,
    (services, chance) => [
      [12, services.kill(chance)],
      [4, services.term(chance)],
      [3, services.freeze(chance, freezesMs)],
    ],
    (services) => services.close(),
  )

function onPowerDisk(shop: ShopSettings): Site | string {
  const disk = PowerDisk.make(POWER_DISK_MIB)
  if (typeof disk === 'string') return disk
  return {
    folder: join(disk.folder, 'shop'),
    shop,
    arsenal: () => [[1, blows.cut(disk)]],
    remove: () => disk.remove(),
  }
}

async function onSmallDisk(): Promise<Site | string> {
  const disk = mountSmallDisk(SMALL_DISK_MIB)
  if (disk === undefined) return 'a small disk (tmpfs) cannot be mounted here: that needs root'
  const services = mkdtempSync(join(tmpdir(), 'ballet-services-'))
  const folder = join(disk.folder, 'shop')
  mkdirSync(folder)
  symlinkSync(services, servicesOf(folder))
  process.once('exit', () => disk.isMounted && disk.unmount())
  // A new shop places two orders itself, and has to have the space for them.
  await prepareShop(folder)
  return {
    folder,
    shop: {},
    arsenal: (_chance, records) => [
      [3, blows.fill(disk, records)],
      [1, blows.overfill(disk, records)],
    ],
    remove: (isSpent) => {
      disk.unmount()
      if (isSpent) rmSync(services, { recursive: true })
      else tell(services)
    },
  }
}

const tell = (folder: string): void => console.log(`what it left is kept in ${folder}`)
