// The medium of a story on PostgreSQL: a schema of its own on a real server, time as it passes, and a way for each process with a proxy
// on it. What the judges read are copies, made in one moment over a connection that nothing is in the way of.
import { randomUUID } from 'node:crypto'
import postgresJs, { type Sql } from 'postgres'
import { shardOfSlot } from '../../../src/core/placement.ts'
import type { InboxItem, RunRow, Store } from '../../../src/core/store.ts'
import { systemClock } from '../../../src/engine/clock.ts'
import { postgres } from '../../../src/stores/postgres/postgres-store.ts'
import type { Medium, MediumWorld } from '../../../src/testing/simulation/medium.ts'
import type { SimulatedProcess } from '../../../src/testing/simulation/process.ts'
import { Proxy as Door } from '../../postgres/proxy.ts'
import { Mirror, readInto } from './mirror.ts'
import { WallClock } from './wall-clock.ts'
import { Way } from './way.ts'

/** Processes of one story; each has a door of its own, which has to be there before it is. */
const DOORS = 40
const LIMIT_MS = 90_000
/** Short, so that what hangs is known to within a story. */
const OPTIONS = '&pool=3&deadline=1&lease=1&patience=30'

export class PostgresMedium implements Medium {
  readonly clock: WallClock = new WallClock()
  readonly limitMs: number = LIMIT_MS
  readonly store: Store
  readonly disks: readonly Mirror[]
  readonly onEnded: ((row: RunRow, from: number) => void)[] = []
  readonly #sql: Sql
  readonly #schema: string
  readonly #url: string
  readonly #doors: Door[]
  readonly #ways = new Map<object, Way>()
  readonly #ended = new Set<string>()
  #world: MediumWorld | null = null
  /** The trace when the copies were asked for that are there now. */
  #seenAt = 0
  #reading: Promise<void> = Promise.resolve()
  #next: Promise<void> | null = null

  private constructor(own: Pick<PostgresMedium, 'store' | 'disks'>, sql: Sql, place: Place, doors: Door[]) {
    this.store = own.store
    this.disks = own.disks
    this.#sql = sql
    this.#schema = place.schema
    this.#url = place.url
    this.#doors = doors
  }

  /**
   * Makes a schema for one story.
   * @param server the URL of a database, without options.
   */
  static async on(server: string, shards: number): Promise<PostgresMedium> {
    const schema = `story_${randomUUID().replaceAll('-', '')}`
    const url = `${server}?schema=${schema}&shards=${shards}${OPTIONS}`
    const store = postgres({ url, clock: systemClock })
    const { id } = await store.open()
    // One connection: a copy is one transaction, sent at once.
    const sql = postgresJs(server, { max: 1, onnotice: () => undefined })
    const disks = Array.from(
      { length: shards },
      () => new Mirror(id, (item) => void store.post(shardOfSlot(item.slot, shards), [item])),
    )
    const doors = await Promise.all(Array.from({ length: DOORS }, () => Door.before(url)))
    return new PostgresMedium({ store, disks }, sql, { schema, url }, doors)
  }

  watch(world: MediumWorld): void {
    this.#world = world
  }

  storeOf(process: SimulatedProcess): Store {
    const door = this.#doors.pop()
    if (door === undefined) throw new Error(`a story has no more than ${DOORS} processes`)
    const way = new Way(process, door, this.#url)
    this.#ways.set(process, way)
    return way.store
  }

  cutOff(process: object): void {
    this.#ways.get(process)?.cutOff()
  }

  post(item: InboxItem): Promise<void> {
    return this.store.post(shardOfSlot(item.slot, this.disks.length), [item])
  }

  nodeOf(shard: number): string | null {
    return (this.disks[shard] as Mirror).node
  }

  since(shard: number): number | null {
    return (this.disks[shard] as Mirror).since
  }

  refresh(): Promise<void> {
    this.#next ??= this.#reading.then(() => {
      this.#next = null
      this.#reading = this.#read()
      return this.#reading
    })
    return this.#next
  }

  /** After the story: nothing of it is left on the server. */
  async end(): Promise<void> {
    for (const door of this.#doors) await door.close()
    for (const way of this.#ways.values()) await way.end()
    await this.store.close()
    await this.#sql.unsafe(`DROP SCHEMA ${this.#schema} CASCADE`)
    await this.#sql.end()
  }

  async #read(): Promise<void> {
    const from = this.#world?.trace.count ?? 0
    await readInto(this.disks, this.#sql, this.#schema)
    for (const { runs } of this.disks)
      for (const row of runs.values()) {
        if (row.ended === null || this.#ended.has(row.id)) continue
        this.#ended.add(row.id)
        this.#world?.note(`${row.id} is seen to be ${row.status}`)
        for (const tell of this.onEnded) tell(row, this.#seenAt)
      }
    this.#seenAt = from
  }
}

interface Place {
  readonly schema: string
  readonly url: string
}
