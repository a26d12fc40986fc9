// One scene, played by a real shop and a real client: once to see which calls it makes, and once for every point, at
// which it is killed. After a kill the shop is started again, has to carry everything to its end, to answer once more for
// what is asked again, and to close; then the audit looks at it.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Address } from '../chaos/address.ts'
import { openOrders, readEffects, type Evidence } from '../chaos/campaign.ts'
import { Clients, PATIENCE_MS } from '../chaos/clients.ts'
import { Records } from '../chaos/records.ts'
import { ShopProcess } from '../chaos/shop-process.ts'
import type { Scene } from './scenes.ts'
import { counted, dyingAt, placesBetween, recording, type Place } from './trace.ts'

/** So that there is time to cancel. */
const SLOW_SHIPPING = { service: 'shipping', slowMs: 150 }
/** A call of an earlier life that was given up has failed when its time is over, which is a minute. */
const LONGEST_MS = 150_000

/** What became of a scene. */
export interface Played {
  /** Whether it came to the point. */
  readonly isKilled: boolean
  /** Orders at work, and requests without an answer, when it was killed. */
  readonly met: number
  readonly evidence: Evidence
}

/** The points of a scene. @param base a shop that was made, or whatever when the scene is of a new one. */
export async function pointsOf(scene: Scene, base: string): Promise<Place[]> {
  const stage = new Stage(scene, base)
  const log = join(stage.place, 'log')
  let before: ReadonlyMap<string, number> = new Map()
  try {
    // Opening an old store is the same in all scenes: the first of them has those points.
    const onReady = (): void => void (scene.isNew || (before = counted(log, stage.folder)))
    await stage.live(recording(stage.folder, log), onReady)
    return placesBetween(before, counted(log, stage.folder))
  } finally {
    await stage.clear()
  }
}

/** Plays a scene and kills the shop at a point. */
export async function playAt(scene: Scene, base: string, point: Place): Promise<Played> {
  const stage = new Stage(scene, base)
  try {
    const isKilled = await stage.live(dyingAt(stage.folder, point))
    const met = isKilled ? stage.fault(point) : 0
    if (isKilled) await stage.live([], () => {}, true)
    return { isKilled, met, evidence: stage.evidence }
  } finally {
    await stage.clear()
  }
}

/** A shop in a folder of its own, its client and what he was told. */
class Stage {
  readonly place: string
  readonly folder: string
  readonly #scene: Scene
  readonly #records = new Records()
  readonly #address = new Address()
  readonly #stop = new AbortController()
  readonly #trouble = Promise.withResolvers<never>()
  readonly #clients: Clients
  readonly #timer: NodeJS.Timeout
  #shop: ShopProcess | null = null
  #asking = 0

  constructor(scene: Scene, base: string) {
    this.#scene = scene
    this.place = mkdtempSync(join(tmpdir(), 'ballet-point-'))
    this.folder = join(this.place, 'shop')
    if (!scene.isNew) cpSync(base, this.folder, { recursive: true })
    this.#clients = new Clients({
      address: this.#address,
      records: this.#records,
      chance: null,
      signal: this.#stop.signal,
      patienceMs: PATIENCE_MS,
      onTrouble: (error) => this.#trouble.reject(error),
    })
    this.#trouble.promise.catch(() => {})
    const late = (): void =>
      this.#trouble.reject(new Error(`no end after ${LONGEST_MS} ms; the shop says:\n${this.#shop?.output}`))
    this.#timer = setTimeout(late, LONGEST_MS)
    this.#clients.release(scene.orders)
  }

  get evidence(): Evidence {
    const own = new Set(this.#scene.orders.map(({ id }) => id))
    return { records: this.#records, effects: readEffects(join(this.folder)).filter(({ run }) => own.has(run)) }
  }

  /** One life of the shop, until it was killed or has closed after the end. True when it was killed. */
  async live(under: readonly string[], onReady: () => void = () => {}, again = false): Promise<boolean> {
    const shop = new ShopProcess(this.folder, { under })
    this.#shop = shop
    const gone = shop.exit.then((code) => {
      this.#asking = this.#clients.asking.length
      this.#address.lost()
      if (code === null || (shop.wasAsked && code === 0)) return
      throw new Error(`the shop ended with ${code}:\n${shop.output}`)
    })
    const done = this.#untilDone(shop, onReady, again)
    await Promise.race([gone, done, this.#trouble.promise])
    shop.close()
    await gone
    return (await shop.exit) === null
  }

  /** Writes down that it was killed; returns what that met. */
  fault({ file, call, k }: Place): number {
    const open = openOrders(this.#records, this.evidence.effects).size
    const moment = `${file} ${call} ${k}`
    const seen = { moment, recovering: false, open, cut: this.#asking }
    this.#records.fault({ t: Date.now(), type: 'fault', kind: 'kill', target: 'shop', ...seen })
    return open + this.#asking
  }

  /** Nothing of it remains. */
  async clear(): Promise<void> {
    clearTimeout(this.#timer)
    this.#stop.abort()
    this.#shop?.kill()
    await this.#shop?.exit
    rmSync(this.place, { recursive: true })
  }

  async #untilDone(shop: ShopProcess, onReady: () => void, again: boolean): Promise<void> {
    const url = await shop.ready
    // Who asked hears of its end from the process.
    if (url === null) return new Promise(() => {})
    onReady()
    if (this.#scene.orders.some(({ cancel }) => cancel === 'while shipping')) await this.#slow(url)
    this.#address.found(url)
    if (this.#scene.isNew && !again) await shop.welcomed
    await this.#clients.idle
    if (again) await this.#clients.again()
  }

  async #slow(url: string): Promise<void> {
    const headers = { 'content-type': 'application/json' }
    await fetch(`${url}/shop/faults`, { method: 'POST', headers, body: JSON.stringify(SLOW_SHIPPING) }).catch(() => {})
  }
}
