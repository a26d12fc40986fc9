// The store of a process in a story: the disk of the world, reached over a way on which things go wrong. A commit succeeds,
// fails cleanly, is written and its reply is lost, is written later (perhaps when another process has taken over), or
// hangs. What has left the process goes its way whatever becomes of the process. Reads are as old as the moment in which
// the disk gave them.
import { fault, isBalletError } from '../../core/errors.ts'
import type { Leases } from '../../core/lease.ts'
import type { Batch, Store, Tenure } from '../../core/store.ts'
import { memory } from '../../stores/memory/memory-store.ts'
import type { Chance } from './chance.ts'
import { commitTo, type Ground } from './ground.ts'
import type { Life } from './life.ts'
import type { CommitWeather, Weather } from './weather.ts'
import { shardedStore } from './sharded-store.ts'
import { simulatedLeases } from './simulated-leases.ts'
import { rounds, type World } from './world.ts'

type Outcome = keyof CommitWeather
/** A function of a store. */
type Door = (...args: unknown[]) => Promise<unknown>
/** Calls one of the store that was reached when it was asked for. */
type Call = (args: unknown[], target: Store) => Promise<unknown>

const CHANGES = new Set(['open', 'close', 'belongsTo', 'acquire', 'release', 'steady', 'commit', 'post', 'hasRoom'])
const COMMIT = 'a commit'
/** What a commit may be refused with that comes after others: nobody hears of it any more. */
const REFUSALS: ReadonlySet<string> = new Set(['SHARD_FENCED', 'FLOW_THERE'])
const SOON_MS = 40
const LATE_MS = 4000
const FULL_MS = 1500

/** The store as `process` reaches it. */
export function simulatedStore(process: Life): Store {
  const access = new Access(process)
  const { nodes } = process.world
  const parts = new Map<Ground, Store>()
  /** Its connections go to where the store is now. */
  const inner = (): Store => {
    const { ground } = process
    const known = parts.get(ground)
    if (known !== undefined) return known
    const { disks, sharded } = ground
    const store = sharded === null ? memory(disks[0]) : shardedStore(sharded, nodes > 1)
    if (parts.size > 0) store.open().catch(() => {})
    parts.set(ground, store)
    return store
  }
  const first = inner()
  const leases = first.leases === undefined ? undefined : simulatedLeases(process, () => inner().leases as Leases)
  const doors = new Map<string | symbol, unknown>([
    ['leases', leases],
    ['commit', (batch: Batch) => process.live(access.commit(batch))],
    ['hasRoom', () => process.live(access.hasRoom())],
  ])
  return new Proxy(first, {
    get(_first, name) {
      const target = inner()
      if (doors.has(name)) return doors.get(name)
      const own: unknown = Reflect.get(target, name)
      if (typeof own !== 'function') return own
      const door = doorOf(String(name), access, inner, process)
      doors.set(name, door)
      return door
    },
  })
}

/** A function of the store as the process reaches it: where it is asked is where the store is by then. */
function doorOf(name: string, access: Access, inner: () => Store, process: Life): Door {
  const call = (args: unknown[], target = inner()): Promise<unknown> =>
    Reflect.apply(Reflect.get(target, name) as Door, target, args)
  if (name === 'open' || name === 'close') return (...args) => call(args)
  if (!CHANGES.has(name)) return (...args) => process.live(access.read(name, call, args, inner()))
  return (...args) => process.live(access.change(name, call, args, inner()))
}

class Access {
  readonly #process: Life
  readonly #world: World
  readonly #chance: Chance
  /** How long a read takes at most on its way there, and back: rounds of the event loop. */
  readonly #slowness: number
  #fullUntil = 0
  #chances: readonly (readonly [number, Outcome])[] | null = null

  constructor(process: Life) {
    this.#process = process
    this.#world = process.world
    this.#chance = process.world.chance(`${process.name} store`)
    this.#slowness = this.#chance.pick([0, 0, 1, 3])
  }

  async read(name: string, read: Call, args: unknown[], target: Store): Promise<unknown> {
    const { weather } = this.#world
    if (weather !== null) {
      if (this.#chance.is(weather.readHung)) return this.#hang(name)
      if (this.#chance.is(weather.readFailed)) throw this.#failed(name)
    }
    if (this.#slowness > 0) await rounds(this.#chance.between(0, this.#slowness))
    const answer = await read(args, target)
    if (this.#slowness > 0) await rounds(this.#chance.between(0, this.#slowness))
    return answer
  }

  async change(name: string, change: Call, args: unknown[], target: Store): Promise<unknown> {
    const { weather } = this.#world
    this.#process.cross(`before ${name}`)
    if (weather !== null && this.#chance.is(weather.readFailed)) throw this.#failed(name)
    await rounds(this.#chance.between(0, 1))
    if (!this.#process.isAlive) return undefined
    const answer = await change(args, target)
    this.#world.note(`${this.#process.name} ${name}`)
    if (name === 'acquire') {
      const { shard, epoch } = answer as Tenure
      this.#process.epochs.set(shard, epoch)
    }
    this.#process.cross(`after ${name}`)
    if (weather !== null && name === 'acquire' && this.#chance.is(weather.readFailed)) throw this.#failed(name)
    return answer
  }

  /** What commits come to in this weather, which stays as it is until there is none. */
  #outcomes({ commit }: Weather): readonly (readonly [number, Outcome])[] {
    return (this.#chances ??= (Object.entries(commit) as [Outcome, number][]).map(([name, share]) => [share, name]))
  }

  async hasRoom(): Promise<boolean> {
    return this.#world.weather === null || this.#world.clock.now() >= this.#fullUntil
  }

  async commit(batch: Batch): Promise<void> {
    const { weather } = this.#world
    const outcome = weather === null ? 'fine' : this.#chance.weighted(this.#outcomes(weather))
    if (outcome !== 'fine') this.#world.count(outcome)
    this.#process.cross('before a commit')
    const { ground } = this.#process
    await this.#way()
    // The connection went to where the store was before.
    if (ground !== this.#process.ground) throw fault('COMMIT_UNKNOWN')
    // It had left, or had not.
    if (!this.#process.isAlive && this.#chance.is(0.5)) return
    switch (outcome) {
      case 'fine':
        return this.#fine(batch)
      case 'full':
        return this.#full(batch)
      case 'failed':
        throw this.#failed(COMMIT)
      case 'requestLost':
        this.#note('a commit does not arrive')
        break
      case 'replyLost':
        this.#write(batch)
        this.#note('the reply to a commit is lost')
        break
      case 'late':
        this.#writeLater(batch)
        this.#note('a commit is late')
        break
      case 'hung':
        this.#chance.pick([() => this.#write(batch), () => this.#writeLater(batch), () => {}])()
        return this.#hang(COMMIT)
    }
    await this.#way()
    throw fault('COMMIT_UNKNOWN')
  }

  async #fine(batch: Batch): Promise<void> {
    const { ground } = this.#process
    this.#write(batch)
    this.#process.cross('behind a commit')
    await this.#way()
    if (ground !== this.#process.ground) throw fault('COMMIT_UNKNOWN')
  }

  #full(batch: Batch): Promise<void> {
    if (batch.urgent) return this.#fine(batch)
    this.#fullUntil = this.#world.clock.now() + this.#chance.between(1, FULL_MS)
    this.#note('the disk is full')
    throw fault('STORE_FULL', { problem: 'no space left' })
  }

  /** Mostly so short that no time passes. */
  async #way(): Promise<void> {
    if (this.#chance.is(0.25)) await this.#world.clock.wait(this.#chance.between(1, 4))
    else await rounds(this.#chance.between(0, 2))
  }

  #write(batch: Batch, ground = this.#process.ground): void {
    const { trace, onCommit } = this.#world
    commitTo(ground, batch)
    for (const { data } of batch.journal) trace.fold(String(data))
    for (const { data } of batch.events) trace.fold(String(data))
    const isOld = ground !== this.#world.ground
    const where = `${this.#world.disks.length === 1 ? '' : ` in ${batch.shard}`}${isOld ? ' of the old store' : ''}`
    this.#note(`committed ${batch.base} to ${batch.head}${where}`, () => batchWords(batch))
    if (!isOld) for (const tell of onCommit) tell(batch)
  }

  #writeLater(batch: Batch): void {
    const { clock } = this.#world
    const { ground } = this.#process
    const afterMs = this.#chance.is(0.6) ? this.#chance.between(0, SOON_MS) : this.#chance.between(SOON_MS, LATE_MS)
    void clock.after(afterMs, () => {
      try {
        this.#write(batch, ground)
      } catch (error) {
        if (!isBalletError(error) || !REFUSALS.has(error.code)) throw error
        this.#note('a late commit is refused')
      }
    })
  }

  #hang(what: string): Promise<never> {
    this.#note(`${what} is not answered`)
    if (what !== COMMIT) this.#world.count('readHung')
    this.#process.hungSince ??= this.#world.clock.now()
    return new Promise(() => {})
  }

  #failed(what: string): Error {
    this.#note(`${what} fails`)
    if (what !== COMMIT) this.#world.count('readFailed')
    this.#process.isExcused = true
    return fault('STORE_FAILED', { problem: `${what} failed` })
  }

  #note(words: string, more?: () => string): void {
    this.#world.note(`${this.#process.name} ${words}`, more)
  }
}

/** What a batch holds, for whoever reads the story. */
export function batchWords({ runs, changes, journal, events, timers, drained, posts }: Batch): string {
  return [
    ...runs.map(({ num, id }) => `run ${num} ${id}`),
    ...journal.map(({ run, seq, data }) => `${run}.${seq} ${String(data).replaceAll('\n', ' ')}`),
    ...events.map(({ type, id }) => `event ${type} ${id}`),
    ...timers.map(({ op, due }) => `timer ${op} ${due % 1e7}`),
    ...changes.map(({ num, status }) => `${num} ${status}`),
    ...(drained.length > 0 ? [`drained ${drained.join(' ')}`] : []),
    ...posts.map(({ kind, target }) => `posted ${kind} ${target}`),
  ].join('; ')
}
