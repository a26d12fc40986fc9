// A store in a PostgreSQL database. A batch is one transaction on one connection, all its statements sent at once, so that
// it costs one wait for the network: the fence comes first and raises when it misses, which undoes whatever was sent behind
// it. The next batch of a shard may be sent behind it before it has answered. Every call has a deadline, after which its connection is cut; what became of a commit is then not known,
// and COMMIT_UNKNOWN says so. Reads, and what may be said twice, are said again while the server is away, for as long as the
// store has patience. Opened by the engine; safe with several processes, of which the fence lets one write a shard.
import { elapsedOf, type Clock } from '../../core/clock.ts'
import { fault, invariant, isBalletError, type BalletError } from '../../core/errors.ts'
import type { Leases } from '../../core/lease.ts'
import {
  type Batch,
  type Claim,
  type InboxItem,
  type InboxRow,
  type RunRow,
  type Store,
  type StoreInfo,
  type Tenure,
} from '../../core/store.ts'
import { checkBatch } from '../check-batch.ts'
import { SqlStore, tenureOf } from '../sql/sql-store.ts'
import {
  groupStatements,
  postsStatements,
  releaseStatement,
  type ShardItems,
  type Statement,
} from '../sql/statements.ts'
import type { Value } from '../sql/tables.ts'
import { readAddress, type PostgresAddress } from './address.ts'
import { loadDriver, type Driver } from './driver.ts'
import { failureOf, isMiss, isPassing, openingFailure, unreachable } from './failure.ts'
import { Gathered, ShardReads } from './gathered-reads.ts'
import { GroupCommit } from './group-commit.ts'
import { newest } from './newest.ts'
import { postIn, type Said } from './own-transaction.ts'
import { migrate, refuseUnread } from './layout.ts'
import { PostgresLeases } from './leases.ts'
import { LeftSessions } from './left-sessions.ts'
import { beginStep, openLink, type Link, type LinkUse } from './link.ts'
import { Links } from './links.ts'
import { endBlockers } from './sessions.ts'
import { settleStatement, standsStatement, takeStatement } from './tenures.ts'
import { sizeOf, Texts, type Step } from './texts.ts'

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?schema=ballet&pool=6&sslmode=verify-full ...` */
  readonly url: string
  readonly clock: Clock
  /** Opens an existing store for queries only, also while others write it. */
  readonly readOnly?: boolean | undefined
}

/** How long a disk that was full is taken to be so. */
const FULL_MS = 5000
/** The pause before something is said again: the first, and the longest. */
const PAUSE_MS = [20, 1000] as const
/** Commits of several shards go out in one order; no shard has this number. */
const GROUP = -1
/** What the network is taken to carry in a second at least: a large batch has more time. */
const BYTES_PER_MS = 1000

/**
 * A durable store in a schema of a PostgreSQL database (13 or newer).
 *
 * Errors of `open`: STORE_UNREACHABLE, STORE_REFUSED (by the server), STORE_FAILED, PACKAGE_MISSING (`postgres` is not installed),
 * STORE_FOREIGN and STORE_NEWER (the schema was left as it was), STORE_MISSING (only with `readOnly`).
 * @throws STORE_UNKNOWN for a URL that cannot be read
 */
export function postgres(options: PostgresOptions): Store & { readonly leases: Leases } {
  return new PostgresStore(options)
}

class PostgresStore extends SqlStore {
  readonly kind = 'postgres'
  readonly name: string
  readonly leases: PostgresLeases
  readonly #address: PostgresAddress
  readonly #clock: Clock
  readonly #readOnly: boolean
  readonly #texts: Texts
  #driver: Promise<Driver> | undefined
  readonly #readers: Links
  readonly #writers: Links
  readonly #left: LeftSessions
  #opening: Promise<StoreInfo> | undefined
  #isOpen = false
  #closing: Promise<void> | undefined
  /** Nothing is waited for any longer than until then, by time that passes, as below. */
  #patientUntil = Number.POSITIVE_INFINITY
  /** Why nobody is connected with any more, at the end: else each of many that have something to say would find out for itself, one after the other. */
  #lost: BalletError | null = null
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #writing = new Set<Promise<unknown>>()
  #fullUntil = Number.NEGATIVE_INFINITY
  readonly #group = new GroupCommit(async (batches) => {
    await this.#write(groupStatements(batches.map(newest), this.shards), GROUP)
  })
  readonly #posts = new Gathered<ShardItems, true>(async (asked) => {
    await this.#write(postsStatements(asked), GROUP)
    return asked.map(() => true)
  }, false)
  /** A node that ends gives back all that it has. */
  readonly #releases = new Gathered<Statement, true>(async (asked) => {
    await this.#again(async () => this.#write(asked, GROUP))
    return asked.map(() => true)
  })
  readonly #gathered: ShardReads

  constructor({ url, clock, readOnly = false }: PostgresOptions) {
    super()
    this.#address = readAddress(url)
    this.name = this.#address.name
    this.#clock = clock
    this.#readOnly = readOnly
    this.#texts = new Texts(this.#address.schema)
    const ask = (step: Step): Promise<readonly Value[]> => this.#readSteps([step])
    this.#gathered = new ShardReads(this.#address.schema, ask)
    this.#left = new LeftSessions(this.name, ask)
    const open = async (use?: LinkUse): Promise<Link> => {
      if (this.#lost !== null) throw this.#lost
      return openLink(await (this.#driver ??= loadDriver()), this.#address, clock, { ...use, onlyAsks: readOnly })
    }
    this.#readers = new Links(this.#address.readers, () => open())
    this.#writers = new Links(this.#address.writers, () => open())
    this.leases = new PostgresLeases({
      address: this.#address,
      clock,
      open: () => open({ renews: true }),
      begin: () => beginStep(this.#address),
      unblock: (link) => this.#unblock(link),
      check: () => this.#writable(),
    })
  }

  async open(): Promise<StoreInfo> {
    if (this.#closing !== undefined) throw closed()
    // An attempt that failed may be repeated: the server may be there by then.
    this.#opening ??= this.#open().catch(async (error: unknown) => {
      // A connection that is left open would keep the process alive.
      await this.#disconnect()
      this.#opening = undefined
      throw openingFailure(error, this.#address)
    })
    return this.#opening
  }

  ending(): void {
    this.#patientUntil = Math.min(this.#patientUntil, elapsedOf(this.#clock) + this.#address.deadlineMs)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Of several changes of one row in a batch the last one holds; a statement over all of them would take any. */
  override commit(batch: Batch): Promise<void> {
    if (this.shards === 1) return super.commit(newest(batch))
    checkBatch(batch)
    return this.#group.commit(batch)
  }

  /** What many ask of other shards at once is one transaction. */
  override async post(shard: number, items: readonly InboxItem[]): Promise<void> {
    this.#writable()
    await this.#left.check()
    if (this.shards === 1) return super.post(shard, items)
    if (items.length > 0) await this.#posts.answer({ shard, items })
  }

  override claims(...asked: Parameters<SqlStore['claims']>): Promise<readonly (Claim | null)[]> {
    return this.shards === 1 ? super.claims(...asked) : this.#gathered.claims(...asked)
  }

  override run(shard: number, num: number): Promise<RunRow | null> {
    return this.shards === 1 ? super.run(shard, num) : this.#gathered.run(shard, num)
  }

  /** Of several shards most have nothing there, which one question tells of all of them. */
  override async inbox(shard: number, ns: string, limit: number, after?: number): Promise<readonly InboxRow[]> {
    if (this.shards === 1 || after !== undefined) return super.inbox(shard, ns, limit, after)
    return this.#gathered.inbox(shard, ns, limit)
  }

  protected override async writeOfAll(statement: Statement): Promise<void> {
    await this.#again(async () => this.#write([statement], GROUP))
  }

  /** Taken once, however often it has to be said: whoever comes back finds that it was here. */
  override async acquire(shard: number, owner: string): Promise<Tenure> {
    const statement = takeStatement(shard, owner)
    const answer = await this.#again(async () => this.write([statement]))
    return answer.length > 0 ? tenureOf(shard, answer) : this.#again(async () => this.settle(shard))
  }

  /** Whoever ends is not told for ever, while a standby is away, that it is not known. */
  async settle(shard: number): Promise<Tenure> {
    const work = async (): Promise<Tenure> => tenureOf(shard, await this.write([settleStatement(shard)]))
    return elapsedOf(this.#clock) >= this.#patientUntil ? this.#again(work) : work()
  }

  async stands(shard: number): Promise<void> {
    await this.#left.check()
    await this.write([standsStatement(shard)])
  }

  override async release(shard: number, epoch: number, crashes = 0): Promise<void> {
    if (this.shards === 1) return this.#again(async () => super.release(shard, epoch, crashes))
    await this.#releases.answer(releaseStatement(shard, epoch, crashes))
  }

  /** Said again while a standby is away, it must not leave a session each time. */
  override steady(shard: number, epoch: number): Promise<void> {
    return this.#again(async () => {
      await this.#left.check()
      await super.steady(shard, epoch)
    })
  }

  async postIn(tx: object, shard: number, item: InboxItem, said: Said): Promise<boolean> {
    this.#writable()
    const { id } = await (this.#opening ?? this.info())
    return postIn(tx, { schema: this.#address.schema, name: this.name, id }, shard, item, said)
  }

  async hasRoom(): Promise<boolean> {
    this.#writable()
    return elapsedOf(this.#clock) >= this.#fullUntil
  }

  protected async read(statement: Statement): Promise<readonly Value[]> {
    return this.#readSteps(this.#texts.steps(statement))
  }

  async #readSteps(steps: readonly Step[]): Promise<readonly Value[]> {
    this.#usable()
    return this.#counted(
      this.#underWay,
      this.#patiently(async () => this.#read(steps)),
    )
  }

  protected async readAfterWrites(statement: Statement): Promise<readonly Value[]> {
    await Promise.allSettled(this.#writing)
    return this.read(statement)
  }

  /** Waits for a connection with patience; what was sent on it is sent once. @throws COMMIT_UNKNOWN and what `commit` may */
  protected async write(statements: readonly Statement[]): Promise<readonly Value[]> {
    if (statements.length === 0) return []
    const [shard] = statements[0]?.values ?? []
    invariant(typeof shard === 'number', 'a write does not begin with its shard')
    return this.#write(statements, shard)
  }

  /** @param chain what has the same one is sent in the order in which it comes. */
  async #write(statements: readonly Statement[], chain: number): Promise<readonly Value[]> {
    this.#writable()
    const steps = statements.flatMap((statement) => this.#texts.steps(statement).map((step) => ({ step, statement })))
    const work = this.#patiently(async () => this.#writers.inOrder(chain, (link) => this.#transaction(link, steps)))
    return this.#counted(this.#underWay, this.#counted(this.#writing, work))
  }

  /** All at once: begin, the statements, commit. The answers tell what became of it. */
  async #transaction(link: Link, steps: readonly { step: Step; statement: Statement }[]): Promise<readonly Value[]> {
    const bytes = steps.reduce((sum, { step }) => sum + sizeOf(step), 0)
    const ms = this.#address.deadlineMs + Math.ceil(bytes / BYTES_PER_MS)
    const deadline = link.deadline(ms)
    const impatience = this.#clock.after(ms / 2, () => void this.#unblock(link))
    try {
      link.together()
      const begun = link.send(beginStep(this.#address))
      const answers = steps.map(async ({ step }) => link.send(step))
      const committed = link.send({ text: 'COMMIT', parameters: [] })
      const [begin, commit, ...all] = await Promise.allSettled([begun, committed, ...answers])
      for (const [index, one] of all.entries()) {
        if (one.status === 'rejected') throw this.#refusal(one.reason, steps[index]?.statement)
      }
      if (begin.status === 'rejected') throw this.#refusal(begin.reason)
      if (commit.status === 'rejected') throw this.#refusal(commit.reason)
      invariant(commit.value.command === 'COMMIT', `a batch ended with ${commit.value.command}`)
      return all.flatMap((one, index) =>
        one.status === 'fulfilled' && steps[index]?.statement.expect === undefined ? one.value.rows.flat() : [],
      )
    } finally {
      deadline()
      impatience()
      if (!link.isOpen) this.#left.add(link.pid)
    }
  }

  /** What a transaction failed with. Whatever passes leaves it open whether it was committed. */
  #refusal(error: unknown, statement?: Statement): BalletError {
    if (isMiss(error) && statement?.expect !== undefined) return fault(statement.expect.code, statement.expect.details)
    const failure = failureOf(error, this.name)
    if (failure.code === 'STORE_FULL') this.#fullUntil = elapsedOf(this.#clock) + FULL_MS
    return isPassing(failure) ? fault('COMMIT_UNKNOWN', {}, failure) : failure
  }

  /** Ends the session of a process that is gone, or hangs, in the middle of a transaction that this one waits for. */
  async #unblock(link: Link): Promise<void> {
    if (link.pid === null) return
    try {
      await this.#read([endBlockers(link.pid)])
    } catch {
      // The deadline ends it all the same.
    }
  }

  async #read(steps: readonly Step[]): Promise<Value[]> {
    return this.#readers.use(async (link) => {
      const deadline = link.silence(this.#address.deadlineMs)
      try {
        const answers = await Promise.all(steps.map(async (step) => link.send(step)))
        return answers.flatMap(({ rows }) => rows.flat())
      } catch (error) {
        throw failureOf(error, this.name)
      } finally {
        deadline()
      }
    })
  }

  /** Says it again while the server is away. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    const [first, longest] = PAUSE_MS
    const until = elapsedOf(this.#clock) + this.#address.patienceMs
    for (let pause: number = first; ; pause = Math.min(pause * 2, longest)) {
      try {
        return await work()
      } catch (error) {
        const isOver =
          elapsedOf(this.#clock) + pause > Math.min(until, this.#patientUntil) || this.#closing !== undefined
        if (isBalletError(error) && isPassing(error) && isOver && this.#patientUntil < Infinity) this.#lost ??= error
        if (!isPassing(error) || isOver) throw error
        await new Promise<void>((resolve) => this.#clock.after(pause, resolve))
      }
    }
  }

  /** For what does no more when it is done twice. */
  #again<T>(work: () => Promise<T>): Promise<T> {
    return this.#patiently(async () => {
      try {
        return await work()
      } catch (error) {
        if (!isBalletError(error) || error.code !== 'COMMIT_UNKNOWN') throw error
        throw unreachable(this.name, 'the answer was lost')
      }
    })
  }

  #counted<T>(set: Set<Promise<unknown>>, work: Promise<T>): Promise<T> {
    const settled = work.catch(() => undefined).finally(() => set.delete(settled))
    set.add(settled)
    return work
  }

  #writable(): void {
    this.#usable()
    if (this.#readOnly) throw fault('STORE_READ_ONLY', { path: this.name })
  }

  #usable(): void {
    if (this.#closing !== undefined) throw closed()
    if (!this.#isOpen) throw fault('STORE_FAILED', { problem: 'it is not open' })
  }

  async #open(): Promise<StoreInfo> {
    const { schema } = this.#address
    const links = this.#readOnly ? this.#readers : this.#writers
    await links.use((link) =>
      this.#readOnly
        ? refuseUnread(link, { schema, store: this.name })
        : migrate(link, { schema, store: this.name, shards: this.#address.shards }),
    )
    this.#isOpen = true
    const info = await this.info()
    this.shards = info.shards
    return info
  }

  async #close(): Promise<void> {
    await this.#opening?.catch(() => undefined)
    // What was asked for earlier is answered first.
    await Promise.allSettled(this.#underWay)
    await this.#disconnect()
  }

  async #disconnect(): Promise<void> {
    await Promise.all([this.#readers.close(), this.#writers.close(), this.leases.close()])
  }
}

const closed = (): BalletError => fault('STORE_FAILED', { problem: 'it is closed' })
