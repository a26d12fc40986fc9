// The store of one process of a story on PostgreSQL: the real one, over a way on which things go wrong. Connections are cut at any time
// or around a COMMIT, the answer to a COMMIT is lost, a COMMIT never arrives while its transaction stays open, and for a while
// nothing is carried at all. When the process dies its connections end.
import type { Held, Leases } from '../../../src/core/lease.ts'
import type { Batch, Store } from '../../../src/core/store.ts'
import { postgres } from '../../../src/stores/postgres/postgres-store.ts'
import type { Chance } from '../../../src/testing/simulation/chance.ts'
import type { SimulatedProcess } from '../../../src/testing/simulation/process.ts'
import { batchWords } from '../../../src/testing/simulation/simulated-store.ts'
import type { Proxy as Door, Mishap } from '../../postgres/proxy.ts'

/** A story on a server has fewer commits and reads than one in memory: what goes wrong with one does so here so much more. */
const COMMIT_SHARE = 1.5
const READ_SHARE = 8
const PARTITION_SHARE = 150
const DEAF_MS = [200, 2500] as const
/** What a process that dies has sent goes its way as often as not. */
const SENT_MS = 5

export class Way {
  readonly store: Store
  readonly #raw: Store & { readonly leases: Leases }
  readonly #process: SimulatedProcess
  readonly #door: Door
  readonly #chance: Chance
  #isCut = false

  constructor(process: SimulatedProcess, door: Door, url: string) {
    this.#process = process
    this.#door = door
    this.#chance = process.world.chance(`${process.name} way`)
    this.#raw = postgres({ url: door.url(url), clock: process.clock })
    this.store = this.#storeOf()
    this.#partition()
  }

  /** The process has died. */
  cutOff(): void {
    if (this.#isCut) return
    this.#isCut = true
    const cut = (): void => void this.#door.close()
    if (this.#chance.is(0.5)) cut()
    else void this.#process.world.clock.after(SENT_MS, cut)
  }

  /** After the story. */
  async end(): Promise<void> {
    await this.#door.close()
    await this.#raw.close().catch(() => {})
    this.#process.forget()
  }

  #storeOf(): Store {
    const raw = this.#raw
    const leases = this.#leasesOf()
    return new Proxy(raw, {
      get: (_target, name) => {
        if (name === 'leases') return leases
        if (name === 'commit') return (batch: Batch) => this.#process.live(this.#commit(batch))
        // What is left of it when the story is over ends with the way.
        if (name === 'close') return () => this.#close()
        const own: unknown = Reflect.get(raw, name)
        if (typeof own !== 'function') return own
        // It asks the server nothing.
        if (name === 'ending') return own.bind(raw) as unknown
        return (...args: unknown[]) => {
          this.#mayCut()
          return this.#process.live(Reflect.apply(own, raw, args) as Promise<unknown>)
        }
      },
    })
  }

  async #close(): Promise<void> {
    if (!this.#process.isAlive) return
    try {
      await this.#process.live(this.#raw.close())
    } catch (error) {
      // The story was over in the middle of it.
      if (this.#process.isAlive) throw error
    }
  }

  #leasesOf(): Leases {
    const { leases } = this.#raw
    const call = async (name: string, work: () => Promise<unknown>): Promise<unknown> => {
      const process = this.#process
      process.cross(`before ${name}`)
      this.#mayCut()
      const answer = await work()
      if (name === 'takeAll') this.#took(answer as readonly Held[])
      if (name === 'take' && answer !== null) this.#took([answer as Held])
      process.cross(`after ${name}`)
      return answer
    }
    return new Proxy(leases, {
      get: (_target, name) => {
        const own: unknown = Reflect.get(leases, name)
        if (typeof own !== 'function') return own
        return (...args: unknown[]) =>
          this.#process.live(call(String(name), () => Reflect.apply(own, leases, args) as Promise<unknown>))
      },
    })
  }

  #took(taken: readonly Held[]): void {
    const { name, world, epochs } = this.#process
    for (const { shard, epoch } of taken) epochs.set(shard, epoch)
    if (taken.length > 0)
      world.note(`${name} has ${taken.map(({ shard, epoch }) => `${shard} in ${epoch}`).join(', ')}`)
  }

  async #commit(batch: Batch): Promise<void> {
    const { name, world } = this.#process
    this.#process.cross('before a commit')
    if (!this.#process.isAlive) return
    this.#mayMiss()
    const words = `${batch.base} to ${batch.head} in ${batch.shard}`
    try {
      await this.#raw.commit(batch)
    } catch (error) {
      world.note(`${name} does not hear of ${words}: ${String(error)}`, () => batchWords(batch))
      throw error
    }
    world.note(`${name} committed ${words}`, () => batchWords(batch))
    this.#process.cross('behind a commit')
  }

  /** Something may happen to the next COMMIT. */
  #mayMiss(): void {
    const { weather } = this.#process.world
    if (weather === null) return
    const { requestLost, replyLost, late, hung, failed } = weather.commit
    const dice = (share: number): boolean => this.#chance.is(share * COMMIT_SHARE)
    if (dice(replyLost)) this.#next('lose-reply')
    else if (dice(requestLost)) this.#next('cut-before')
    else if (dice((late + hung) / 4)) this.#next('hold')
    else if (dice(failed)) this.#cut()
  }

  #next(kind: Mishap): void {
    const { world, name } = this.#process
    void this.#door.next(kind).then(() => {
      world.count(kind)
      world.note(`${name} has a COMMIT that meets ${kind}`)
    })
  }

  #mayCut(): void {
    const { weather } = this.#process.world
    if (weather !== null && this.#chance.is(weather.readFailed * READ_SHARE)) this.#cut()
  }

  #cut(): void {
    const { world, name } = this.#process
    world.count('cut')
    world.note(`${name} loses ${this.#door.cut()} connections`)
  }

  /** In some stories nothing is carried for a while. */
  #partition(): void {
    const { world, name } = this.#process
    if (world.weather === null || !this.#chance.is(world.weather.readFailed * PARTITION_SHARE)) return
    void world.clock.after(this.#chance.between(100, 2000), () => {
      if (world.weather === null || this.#isCut) return
      world.count('partition')
      world.note(`${name} and the server do not reach each other`)
      this.#door.deafen(true)
      void world.clock.after(this.#chance.between(...DEAF_MS), () => {
        world.note(`${name} reaches the server again`)
        this.#door.deafen(false)
      })
    })
  }
}
