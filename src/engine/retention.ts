// Forgets what has ended long ago: runs with their journals, events that no open run may still read, generations that
// are over, and names whose time is up. A sweep goes on beside the work, in small steps with pauses that grow with what
// a commit takes. Each step is one batch, and a row goes with what becomes of its name: a process that dies between two
// leaves at most an ended run without the beginning of its journal, with which the next sweep goes on.
//
//   a run that has ended   --runs-->    forgotten, its name still taken   --dedupe-->   its name is free
//   a run started by another is forgotten when no open run may ask for it any more (ancestry.ts)
//   a run of a given name that follows from something else, when nothing younger of its graph is there
//   a flow that waits for nothing, since its last event  --runs-->  forgotten (flow-sweep.ts)
//   an event               --runs-->    forgotten, unless a run of its key is open, a flow of it stands, or one that reacted to it is there
//
// The names of runs that follow from others (children, reactions) go with the runs: nobody can ask for them, and what
// would bring them about again is itself known by its name.
import { elapsedOf, type Cancel } from '../core/clock.ts'
import { isBalletError, type BalletError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import { eventRef, runRef } from '../core/ids.ts'
import type { Aged, AgedEvent, Claim, RunRow } from '../core/store.ts'
import type { RetentionMs } from '../define/retention.ts'
import { Ancestry } from './ancestry.ts'
import { CautiousClock, newestAt } from './cautious-clock.ts'
import { mayBeFired } from './firing-names.ts'
import { PAGE, STEP, sweepFlows, sweepFlowsOf, type Sweep } from './flow-sweep.ts'
import { besideOf } from './heartbeats.ts'
import { isUnread, runRows, type UnreadRun } from './run-rows.ts'
import type { ShardContext } from './shard-context.ts'

/** Rows of one journal that go in one batch. */
const PIECE = 50
/** Sweeps within the time that runs are kept, and how far apart they are at least and at most. */
const SWEEPS = 20
const SOONEST_MS = 1000
const LATEST_MS = 600_000
/** How much longer than its commit a step is followed by nothing: that of a busy store takes long for other reasons. */
const REST = 8
const REST_LEAST_MS = 10
const REST_MOST_MS = 200
/** A name whose time is up, but from which something that is there still follows, is looked at again. */
const LATER_MS = 86_400_000
/** How long a clock has to be ahead to be believed, at most: as long as runs are kept, where that is less. */
const DOUBT_MS = 86_400_000

const OPEN = ['running', 'stuck'] as const

export class RetentionSweep {
  readonly #context: ShardContext
  readonly #retention: RetentionMs
  readonly #head: number
  readonly #time: CautiousClock
  #isFirst = true
  /** Whether a sweep has come past all flows. */
  #hasMetFlows = false
  #cancel: Cancel = () => {}
  #stopped = false

  /** @param head the last position that was durable when the shard was taken over. */
  constructor(context: ShardContext, retention: RetentionMs, head: number) {
    this.#context = context
    this.#retention = retention
    this.#head = head
    const { clock } = context
    // A new store has nothing to lose by the clock with which it begins.
    this.#time = new CautiousClock(clock, head === 0 ? clock.now() : 0, Math.min(retention.runsMs, DOUBT_MS))
  }

  /** Sweeps now and then, from a while after this on. */
  start(): void {
    const everyMs = Math.min(Math.max(this.#retention.runsMs / SWEEPS, SOONEST_MS), LATEST_MS)
    this.#cancel = this.#context.clock.after(everyMs, () => {
      this.#sweep().then(
        () => {
          if (!this.#stopped) this.start()
        },
        // A store that is being closed answers no more.
        (error: unknown) => {
          if (this.#stopped) return
          if (!isStoreFailed(error)) return this.#context.fail(error)
          // A read that fails, fails alone; a store that has failed altogether has stopped the shard.
          this.#context.log.error(`What has ended was not forgotten: ${toFailure(error).message}`)
          this.start()
        },
      )
    })
  }

  stop(): void {
    this.#stopped = true
    this.#cancel()
  }

  /** Everything that is due, once. */
  async #sweep(): Promise<void> {
    const { store, shard, ns } = this.#context
    const { runsMs, dedupeMs } = this.#retention
    if (this.#isFirst) this.#time.atLeast(await newestAt(store, shard, ns, this.#head))
    this.#isFirst = false
    const now = this.#time.now()
    const cutoff = now - runsMs
    const continued = await this.#runs(cutoff)
    for (const run of continued) await this.#generationsOf(run, cutoff)
    const sweep = { isStopped: () => this.#stopped, step: this.#step.bind(this) }
    const followed = await sweepFlows(this.#context, sweep, now, runsMs, !this.#hasMetFlows)
    this.#hasMetFlows = !this.#stopped
    await this.#events(cutoff, sweep, followed)
    if (dedupeMs !== null) await this.#names(now)
  }

  /** @returns open runs that have continued. */
  async #runs(cutoff: number): Promise<readonly Aged[]> {
    const { store, shard, ns, open } = this.#context
    const young = await this.#firstYoung(cutoff)
    const ancestry = new Ancestry((id) => open.numOf(id))
    const continued: Aged[] = []
    for (let after = 0; !this.#stopped;) {
      const page = await store.aged(shard, ns, after, PAGE)
      for (const run of page) {
        ancestry.pass(run)
        if (run.ended === null && run.since > 0) continued.push(run)
      }
      const isDue = ({ num, id, ended }: Aged): boolean =>
        num < young && ended !== null && ended <= cutoff && !ancestry.mayAskFor(id)
      // What followed from a run goes before it.
      const due = page.filter(isDue).toReversed()
      for (let at = 0; at < due.length && !this.#stopped; at += STEP) await this.#forget(due.slice(at, at + STEP))
      after = page.at(-1)?.num ?? after
      if (page.length < PAGE || after >= young) break
    }
    return continued
  }

  /** A number below which every run is older, and from which on none can have ended so long ago. */
  async #firstYoung(cutoff: number): Promise<number> {
    const { store, shard, ns } = this.#context
    const { head } = await store.tenure(shard)
    let [low, high] = [0, head + 1]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const [next] = await runRows(store, shard, { ns, after: middle, limit: 1 })
      // One that cannot be read is taken for old: then more is looked at than need be.
      if (next === undefined || (!isUnread(next) && next.created > cutoff)) high = middle
      else low = next.num
    }
    return high + 1
  }

  async #forget(due: readonly Aged[]): Promise<void> {
    const { ns } = this.#context
    const runs: { readonly run: Aged; readonly numbers: readonly number[] }[] = []
    for (const run of due) {
      const numbers = (await this.#isRoot(run)) ? null : await this.#legible(run)
      if (numbers !== null) runs.push({ run, numbers })
    }
    for (const { run } of runs) await this.#shorten(run.num)
    if (runs.length === 0) return
    await this.#step((rows) => {
      for (const { run, numbers } of runs) {
        const { id, ended } = run
        rows.forgotten.push(...numbers)
        const name = { ns, space: 'run', id } as const
        if (isDerived(run)) rows.claimsGone.push(name)
        else if (this.#retention.dedupeMs !== null)
          rows.claimsUntil.push({ ...name, until: (ended ?? 0) + this.#retention.dedupeMs })
      }
    })
  }

  /**
   * Whether names that are there follow from its own, which is to be free one day, and nothing but its row would tell: its
   * graph began elsewhere. What follows from a run is younger, and has its root.
   */
  async #isRoot(run: Aged): Promise<boolean> {
    const { store, shard, ns } = this.#context
    const { num, id, root } = run
    if (this.#retention.dedupeMs === null || isDerived(run) || root === runRef(id)) return false
    const [younger] = await runRows(store, shard, { ns, root, after: num, limit: 1 })
    return younger !== undefined || (await this.#hasYoungerElsewhere(run))
  }

  /** As above, in the other shards, where the number of a run says nothing of its age. Of two of one moment one goes first. */
  async #hasYoungerElsewhere({ num, id, root }: Aged): Promise<boolean> {
    const { store, shard, ns } = this.#context
    const others = (await this.#shardsOf(root)).filter((one) => one !== shard)
    const own = others.length === 0 ? null : await store.run(shard, num)
    if (own === null) return false
    const isYounger = (run: RunRow | UnreadRun): boolean =>
      isUnread(run) || run.created > own.created || (run.created === own.created && run.id > id)
    for (const other of others) {
      for (let after = 0; ;) {
        const page = await runRows(store, other, { ns, root, after, limit: STEP })
        if (page.some(isYounger)) return true
        after = page.at(-1)?.num ?? after
        if (page.length < STEP) break
      }
    }
    return false
  }

  /** The shards in which there may be something of a root: of those that follow from a run each is where its own name is. */
  async #shardsOf(root: string): Promise<readonly number[]> {
    const { store, shard, ns, place } = this.#context
    return place.shards === 1 ? [shard] : store.shardsOf(ns, { root })
  }

  /**
   * The numbers under which a run stands, where the store can read all of it: its own, and that of what another version of the
   * application or of Ballet has left beside it. What it cannot read, because a page is damaged, it could not delete
   * either, and a write that fails ends the store: such a run stays.
   */
  async #legible({ num, id }: Aged): Promise<readonly number[] | null> {
    const { store, shard, log } = this.#context
    try {
      await store.run(shard, num)
      for (let after = -1; !this.#stopped;) {
        const rows = await store.journal(shard, num, after, PIECE)
        if (rows.length < PIECE) break
        after = rows.at(-1)?.seq ?? after
      }
      if (this.#stopped) return null
      const beside = await store.journal(shard, besideOf(num), -1, 1)
      return beside.length === 0 ? [num] : [num, besideOf(num)]
    } catch (error) {
      if (!isStoreFailed(error)) throw error
      log.error(`The run "${id}" cannot be forgotten: ${error.message}`, undefined, { run: id, code: error.code })
      return null
    }
  }

  /** A long journal goes piece by piece. */
  async #shorten(run: number): Promise<void> {
    const { store, shard } = this.#context
    for (let [far] = await store.journal(shard, run, PIECE - 1, 1); far !== undefined && !this.#stopped;) {
      const before = far.seq
      await this.#step((rows) => void rows.journalGone.push({ run, before }))
      ;[far] = await store.journal(shard, run, before + PIECE - 1, 1)
    }
  }

  /** What an open run did before it continued. */
  async #generationsOf({ num, since }: Aged, cutoff: number): Promise<void> {
    const { store, shard } = this.#context
    for (;;) {
      const rows = await store.journal(shard, num, -1, STEP)
      const kept = rows.find(({ seq, at }) => seq >= since || at > cutoff)
      const before = kept?.seq ?? (rows.at(-1)?.seq ?? -1) + 1
      if (rows[0] === undefined || before === rows[0].seq || this.#stopped) return
      await this.#step((batch) => void batch.journalGone.push({ run: num, before }))
      if (kept !== undefined) return
    }
  }

  /** @param followed the names of choreographies of which flows may stand. */
  async #events(cutoff: number, sweep: Sweep, followed: ReadonlySet<string>): Promise<void> {
    const { store, shard, ns } = this.#context
    // A reaction that is open may yet start a workflow that reads from there on.
    const [oldest] = await runRows(store, shard, { ns, kind: 'reaction', status: OPEN, after: 0, limit: 1 })
    const end = oldest?.num ?? Number.POSITIVE_INFINITY
    for (let after = 0; !this.#stopped;) {
      const page = await store.agedEvents(shard, ns, after, STEP)
      const old = page.filter(({ at }) => at <= cutoff)
      const keys = [...new Set(old.map(({ key }) => key))]
      const standing = await sweepFlowsOf(this.#context, sweep, followed, keys, cutoff)
      const due: AgedEvent[] = []
      const read = new Map([...standing].map((key) => [key, true]))
      for (const event of old) {
        if (event.pos >= end || (await this.#isRead(event, read))) continue
        if (await this.#isEventLegible(event)) due.push(event)
      }
      if (due.length > 0) await this.#step((rows) => this.#forgetEvents(rows, due))
      const last = page.at(-1)
      if (last === undefined || page.length < STEP || last.at > cutoff) return
      // Behind it are flows at most.
      if (last.pos >= end && followed.size === 0) return
      after = last.pos
    }
  }

  /**
   * Whether an open run may still read an event, a flow stands on it, or a run that reacted to it is there.
   * @param read what is known of keys, and true for those of which a flow stands: many events may have the same.
   */
  async #isRead({ ns, key, pos, source, id }: AgedEvent, read: Map<string, boolean>): Promise<boolean> {
    const { store, shard } = this.#context
    const isKeyRead = read.get(key) ?? (await this.#isOpen(key))
    read.set(key, isKeyRead)
    if (isKeyRead) return true
    // They stand right behind it.
    const reactions = await runRows(store, shard, { ns, key, kind: 'reaction', after: pos, limit: STEP })
    return reactions.some((run) => isUnread(run) || run.cause === eventRef(source, id))
  }

  /** Whether a run of a key is open. */
  async #isOpen(key: string): Promise<boolean> {
    const { store, shard, ns } = this.#context
    const [open] = await runRows(store, shard, { ns, key, status: OPEN, limit: 1 })
    return open !== undefined
  }

  /** As with runs. */
  async #isEventLegible({ ns, pos, source, id }: AgedEvent): Promise<boolean> {
    const { store, shard, log } = this.#context
    try {
      await store.events(shard, { ns, after: pos - 1, limit: 1 })
      return true
    } catch (error) {
      if (!isStoreFailed(error)) throw error
      log.error(`The event "${id}" of "${source}" cannot be forgotten: ${error.message}`, undefined, {
        code: error.code,
      })
      return false
    }
  }

  #forgetEvents(rows: ShardContext['writer']['rows'], events: readonly AgedEvent[]): void {
    const { dedupeMs } = this.#retention
    for (const { ns, pos, source, id, at } of events) {
      rows.eventsGone.push(pos)
      if (dedupeMs !== null) rows.claimsUntil.push({ ns, space: 'event', id: `${source} ${id}`, until: at + dedupeMs })
    }
  }

  /** Names whose time is up are free. */
  async #names(now: number): Promise<void> {
    const { store, shard, ns } = this.#context
    for (;;) {
      const page = await store.agedClaims(shard, ns, now, STEP)
      const held = await Promise.all(page.map((claim) => this.#isHeld(claim)))
      if (page.length === 0 || this.#stopped) return
      await this.#step((rows) => {
        for (const [index, { space, id }] of page.entries()) {
          if (held[index] === true) rows.claimsUntil.push({ ns, space, id, until: now + LATER_MS })
          else rows.claimsGone.push({ ns, space, id })
        }
      })
    }
  }

  /**
   * Whether something that follows from a run or event is there still: it would meet what follows from the next of that
   * name. All of it has the root that began it. Nor is the name of a firing free that may be made once more.
   */
  async #isHeld({ space, id, num }: Claim): Promise<boolean> {
    const { store, shard, ns } = this.#context
    if (space === 'run' && (await mayBeFired(this.#context, id))) return true
    // The claim of an event names its source and its id, neither of which holds a space.
    const root = space === 'run' ? runRef(id) : eventRef(...(id.split(' ', 2) as [string, string]))
    const asked = (await this.#shardsOf(root)).map((one) => runRows(store, one, { ns, root, limit: 1 }))
    if (space === 'run') asked.push(runRows(store, shard, { ns, parent: num, limit: 1 }))
    return (await Promise.all(asked)).some((runs) => runs.length > 0)
  }

  /** One batch of its own, as far as nothing else is written, and the pause after it. */
  async #step(write: (rows: ShardContext['writer']['rows']) => void): Promise<void> {
    const { writer, clock } = this.#context
    // What is on its way is not made larger.
    await writer.barrier()
    if (this.#stopped) return
    const began = elapsedOf(clock)
    write(writer.rows)
    await writer.barrier()
    const restMs = Math.min(Math.max((elapsedOf(clock) - began) * REST, REST_LEAST_MS), REST_MOST_MS)
    await new Promise<void>((resolve) => {
      this.#cancel = clock.after(restMs, resolve)
    })
  }
}

/** Whether it got its name from what brought it about, and nobody outside could take it. */
function isDerived({ id, kind }: Aged): boolean {
  return kind === 'reaction' || id.includes('~')
}

function isStoreFailed(error: unknown): error is BalletError {
  return isBalletError(error) && error.code === 'STORE_FAILED'
}
