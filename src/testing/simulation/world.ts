// The world of one story: its time, its dice, its disk and what is known about it. Everything random in a story comes from
// the streams of one seed, a stream for each part, so that what one part draws does not change what another does. The disk
// is the truth: what is on it survives every crash. Made anew for each story; nothing of it outlives that.
import { invariant } from '../../core/errors.ts'
import { hashOf } from '../../core/ids.ts'
import type { Batch, InboxItem, RunRow } from '../../core/store.ts'
import { Placement } from '../../core/placement.ts'
import { MemoryData } from '../../stores/memory/memory-data.ts'
import { Chance } from './chance.ts'
import { copyOf, type Ground } from './ground.ts'
import type { Medium } from './medium.ts'
import { ShardedDisk } from './sharded-disk.ts'
import { Trace } from './trace.ts'
import { VirtualClock, type StoryClock } from './virtual-clock.ts'
import { weatherOf, type Weather } from './weather.ts'

/** When stories begin, where they do not say so themselves: milliseconds since the epoch. */
const BEGIN_MS: number = Date.UTC(2030, 0, 1)

/** Something that must not be. */
export interface Finding {
  readonly rule: string
  readonly detail: string
}

/** Of a story with several shards: how many, and over how many nodes at a time. */
export interface Cluster {
  readonly shards: number
  readonly nodes: number
  /** Whether nodes that end, or hand something on, mostly wait for what is under way. */
  readonly waits?: boolean
}

/** How long leases run, milliseconds: each is tried. */
const LEASES_MS = [600, 1500, 3000]

export class World {
  readonly seed: number
  readonly clock: StoryClock
  /** Null where the disk is one in memory, and time is virtual. */
  readonly medium: Medium | null
  readonly place: Placement
  readonly nodes: number
  readonly trace: Trace
  readonly findings: Finding[] = []
  /** Called when a batch is on the disk. */
  readonly onCommit: ((batch: Batch) => void)[] = []
  /** What has gone wrong, by its kind. */
  readonly faults: Record<string, number> = {}
  /** How many processes have been started: the newest is the one that should have the disk. */
  processes = 0
  /** When its store was last put back from a backup: an age; below none where it never was. */
  restoredMs: number = Number.NEGATIVE_INFINITY
  /** When the backup was taken. */
  backedUpMs: number = Number.NEGATIVE_INFINITY
  #ground: Ground
  #backup: Ground | null = null
  readonly #weather: Weather
  readonly #root: Chance
  readonly #beganMs: number
  #isHealed = false

  /**
   * @param isTold whether the trace keeps lines for people.
   * @param medium what it stands on, where that is not a disk in memory.
   * @param beginMs what time it is at first, where that is virtual; milliseconds since the epoch.
   */
  constructor(
    seed: number,
    isTold: boolean,
    cluster: Cluster | null = null,
    medium: Medium | null = null,
    beginMs: number = BEGIN_MS,
  ) {
    this.seed = seed
    this.medium = medium
    this.clock = medium?.clock ?? new VirtualClock(beginMs)
    this.#beganMs = this.clock.now()
    this.trace = new Trace(isTold)
    this.#root = new Chance(seed)
    const id = `store-${seed}`
    const leaseMs = cluster === null ? 0 : this.chance('leases').pick(LEASES_MS)
    const isInMemory = cluster !== null && medium === null
    this.nodes = cluster?.nodes ?? 1
    const sharded = isInMemory ? new ShardedDisk(id, cluster.shards, this.clock, leaseMs) : null
    const disks = medium?.disks ?? sharded?.shards ?? [new MemoryData(id, () => this.clock.now())]
    this.#ground = { disks, sharded }
    this.place = new Placement({ ...this.disk.info, shards: this.disks.length })
    this.#weather = weatherOf(this.chance('weather'))
    medium?.watch(this)
  }

  /** The dice of one part of the world. */
  chance(part: string): Chance {
    return this.#root.part(hashOf(part))
  }

  /** What is there now; who stands on something else is of an earlier life. */
  get ground(): Ground {
    return this.#ground
  }

  /** Of all shards. */
  get disks(): readonly MemoryData[] {
    return this.#ground.disks
  }

  /** Of the first shard, and of the only one where there is one. */
  get disk(): MemoryData {
    return this.disks[0] as MemoryData
  }

  /** Null where there is one shard. */
  get sharded(): ShardedDisk | null {
    return this.#ground.sharded
  }

  /** The shard of a name, a run's id or a key. */
  diskOf(name: string, { disks }: Ground = this.#ground): MemoryData {
    return disks[this.place.shardOf(name)] as MemoryData
  }

  /** A backup is taken. */
  backUp(): void {
    this.#backup = copyOf(this.#ground)
    this.backedUpMs = this.ageMs
    this.note('a backup is taken')
  }

  /** The backup takes the place of what is there, and stays a backup. */
  restore(): void {
    invariant(this.#backup !== null, 'there is a backup')
    this.#ground = copyOf(this.#backup)
    this.restoredMs = this.ageMs
    this.note('the backup is restored')
    this.count('restored')
  }

  /** Somebody puts something into the inbox. Where that takes its time, it is there when it resolves. */
  post(item: InboxItem): Promise<void> | null {
    if (this.medium !== null) return this.medium.post(item)
    if (this.sharded === null) this.disk.post(0, [item])
    else this.sharded.post([item])
    return null
  }

  /** Whether shards are held by leases: who loses one goes on with the others. */
  get hasLeases(): boolean {
    return this.nodes > 1 || this.medium !== null
  }

  /** The id of the node that has a shard by its lease; null when nobody has. */
  nodeOf(shard: number, { sharded }: Ground = this.#ground): string | null {
    return this.medium?.nodeOf(shard) ?? sharded?.leases()[shard]?.node ?? null
  }

  /** @param tell called with every run that has ended, and the place in the trace at which it had not yet. */
  whenEnded(tell: (row: RunRow, from: number) => void): void {
    if (this.medium !== null) return void this.medium.onEnded.push(tell)
    this.onCommit.push(({ changes, shard }) => {
      for (const { num, ended } of changes) {
        const row = ended === null ? undefined : this.disks[shard]?.runs.get(num)
        if (row !== undefined) tell(row, this.trace.count)
      }
    })
  }

  /** What may go wrong now. */
  get weather(): Weather | null {
    return this.#isHealed ? null : this.#weather
  }

  /** Whether the clocks of the processes differ, so that what each says of a time is its own affair. */
  get isSkewed(): boolean {
    return this.#weather.isSkewed
  }

  /** Milliseconds since the story began. */
  get ageMs(): number {
    return this.clock.now() - this.#beganMs
  }

  /** Nothing goes wrong any more. */
  heal(): void {
    this.#isHealed = true
    this.note('the faults are over')
  }

  /** Something happened. */
  note(text: string, more?: () => string): void {
    this.trace.note(this.ageMs, text, more)
  }

  /** Something has gone wrong, as it may. */
  count(kind: string): void {
    this.faults[kind] = (this.faults[kind] ?? 0) + 1
  }

  /** Something must not be. */
  blame(rule: string, detail: string): void {
    if (this.findings.some((one) => one.rule === rule && one.detail === detail)) return
    this.findings.push({ rule, detail })
    this.note(`FOUND ${rule}: ${detail}`)
  }
}

/** Rounds of the event loop that something takes. */
export async function rounds(count: number): Promise<void> {
  for (let round = 0; round < count; round++) await new Promise((resolve) => setImmediate(resolve))
}
