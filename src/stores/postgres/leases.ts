// The leases of a store in PostgreSQL: a row for each node, on the server's clock. Only the owner of a row renews it, on a
// connection of its own, so that neither a slow batch nor another node holds a renewal up. Whoever takes a shard marks the
// row of the node that had it, under that row's lock: a renewal that comes at the same time is either before it, and then
// there is nothing to take, or finds the mark. Every call is tried once, with a deadline. Owned by PostgresStore.
import type { Clock } from '../../core/clock.ts'
import { fault, invariant } from '../../core/errors.ts'
import type {
  Held,
  LeaseLook,
  LeaseRow,
  Leases,
  NodeInfo,
  NodeRow,
  Survey,
  SurveyedShard,
  Taken,
} from '../../core/lease.ts'
import type { Value } from '../sql/tables.ts'
import type { PostgresAddress } from './address.ts'
import { failureOf, isPassing } from './failure.ts'
import type { Answer, Link } from './link.ts'
import { Links } from './links.ts'
import { scalarLiteral } from './literals.ts'
import type { Step } from './texts.ts'

export interface PostgresLeasesOptions {
  readonly address: PostgresAddress
  readonly clock: Clock
  readonly open: () => Promise<Link>
  /** The first statement of a transaction that writes. */
  readonly begin: () => Step
  /** Ends who holds up what is under way on a connection. */
  readonly unblock: (link: Link) => Promise<void>
  /** Throws while the store may not be written. */
  readonly check: () => void
}

/** A node that was not heard of for so long, and owns nothing, is forgotten. */
const FORGET_MS = 3_600_000
/** How long a take-over waits for whoever holds the shard's row; half of it, and that session is ended. */
const TAKE_MS = 2000

/** Milliseconds since the epoch by the clock of the server. */
export const NOW = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint'

/** `{s}` stands for the schema. Of every text the parameters stand in the order of its call. */
const texts = {
  join: `INSERT INTO {s}.nodes AS kept (id, app, version, ballet, address, began, beat, until)
    VALUES ($1, $2, $3, $4, $5, ${NOW}, ${NOW}, ${NOW} + $6::bigint) ON CONFLICT (id)
    DO UPDATE SET beat = excluded.beat, until = excluded.until, address = excluded.address, version = excluded.version`,
  sweep: `DELETE FROM {s}.nodes AS kept WHERE beat < ${NOW} - $1::bigint
    AND NOT EXISTS (SELECT FROM {s}.shards WHERE node = kept.id)`,
  look: `SELECT own.node, had.address, had.app, own.since, had.until,
      (own.owner IS NULL OR own.node IS NULL OR coalesce(had.until, 0) <= ${NOW})::int
    FROM {s}.shards AS own LEFT JOIN {s}.nodes AS had ON had.id = own.node AND own.owner IS NOT NULL WHERE own.id = $1::int`,
  survey: `SELECT own.id::text, CASE WHEN own.owner IS NOT NULL THEN own.node END, NULL, NULL, NULL, NULL,
      (own.owner IS NULL OR own.node IS NULL OR coalesce(had.until, 0) <= ${NOW})::int
    FROM {s}.shards AS own LEFT JOIN {s}.nodes AS had ON had.id = own.node
    UNION ALL SELECT NULL, id, app, version, ballet, address, 0 FROM {s}.nodes WHERE until > ${NOW}`,
  lock: 'SELECT node FROM {s}.shards WHERE id = ANY ($1::int[]) ORDER BY id FOR UPDATE',
  evict: `UPDATE {s}.nodes SET until = NULL
    WHERE id IN (SELECT node FROM {s}.shards WHERE id = ANY ($1::int[])) AND id <> $2 AND until <= ${NOW}`,
  take: `UPDATE {s}.shards AS own SET epoch = greatest(epoch + 1, ${NOW}), owner = $3, node = $2, since = ${NOW}, taking = NULL,
      crashes = CASE WHEN owner IS NULL OR node = $2 THEN crashes ELSE abs(crashes) + 1 END
    WHERE id = ANY ($1::int[]) AND (owner IS NULL OR node IS NULL OR node = $2
      OR NOT EXISTS (SELECT FROM {s}.nodes WHERE id = own.node AND until IS NOT NULL))
    RETURNING id, epoch, head, crashes`,
  begin: `UPDATE {s}.nodes SET beat = ${NOW}, until = ${NOW} + $2::bigint WHERE id = $1`,
  renew: `WITH alive AS (UPDATE {s}.nodes SET beat = ${NOW}, until = ${NOW} + $2::bigint
      WHERE id = $1 AND until IS NOT NULL RETURNING id)
    SELECT own.id, own.epoch, own.head FROM alive JOIN {s}.shards AS own ON own.node = alive.id AND own.owner IS NOT NULL`,
  leave: 'DELETE FROM {s}.nodes WHERE id = $1',
  nodes: `SELECT id, app, version, ballet, address, began, beat, until, (coalesce(until, 0) > ${NOW})::int
    FROM {s}.nodes ORDER BY began, id`,
  leases: `SELECT id, epoch, head, CASE WHEN owner IS NOT NULL THEN node END, since,
      (SELECT count(*) FROM (SELECT FROM {s}.inbox WHERE shard = own.id AND kind <> 'acted' LIMIT 1000) AS few)
    FROM {s}.shards AS own ORDER BY id`,
} as const

export class PostgresLeases implements Leases {
  readonly lengthMs: number
  readonly #options: PostgresLeasesOptions
  readonly #links: Links

  constructor(options: PostgresLeasesOptions) {
    this.#options = options
    this.lengthMs = options.address.leaseMs
    this.#links = new Links(1, options.open)
  }

  async join({ id, app, version, ballet, address }: NodeInfo): Promise<void> {
    const node = this.#step('join', id, app, version, ballet, address, this.lengthMs)
    await this.#write([node, this.#step('sweep', FORGET_MS)])
  }

  async look(shard: number): Promise<LeaseLook> {
    const [[node, address, app, since, until, isFree] = []] = await this.#read(this.#step('look', shard))
    const owner = { id: String(node), app: String(app), address: textOrNull(address) }
    return {
      owner: node === null || app === null ? null : owner,
      since: wholeOrNull(since),
      until: wholeOrNull(until),
      isFree: isFree === 1,
    }
  }

  async survey(): Promise<Survey> {
    const nodes: NodeInfo[] = []
    const shards: SurveyedShard[] = []
    for (const [shard, node, app, version, ballet, address, isFree] of await this.#read(this.#step('survey'))) {
      if (shard !== null) shards.push({ shard: Number(shard), node: textOrNull(node), isFree: isFree === 1 })
      else
        nodes.push({
          id: String(node),
          app: String(app),
          version: String(version),
          ballet: String(ballet),
          address: textOrNull(address),
        })
    }
    return { nodes, shards }
  }

  async take(shard: number, node: string, owner: string): Promise<Taken | null> {
    const [taken = null] = await this.takeAll([shard], node, owner)
    return taken
  }

  async takeAll(shards: readonly number[], node: string, owner: string): Promise<readonly Taken[]> {
    const ids = `{${shards.join(',')}}`
    const [, , taken = []] = await this.#write(
      [
        this.#step('lock', ids),
        this.#step('evict', ids, node),
        this.#step('take', ids, node, owner),
        this.#step('begin', node, this.lengthMs),
      ],
      TAKE_MS,
    )
    return taken.map(([shard, epoch, head, crashes]) => {
      return { shard: whole(shard), epoch: whole(epoch), head: whole(head), crashes: whole(crashes) }
    })
  }

  /** One statement, which is a transaction of its own: an idle node says little else. A session that is lent has to be told more. */
  async renew(node: string): Promise<readonly Held[]> {
    const step = this.#step('renew', node, this.lengthMs)
    const isOwn = this.#options.address.prepare
    const [rows = []] = await this.#write([step], this.lengthMs / 3, isOwn ? 'alone' : 'transaction')
    return rows.map(([shard, epoch, head]) => ({ shard: whole(shard), epoch: whole(epoch), head: whole(head) }))
  }

  async leave(node: string): Promise<void> {
    await this.#write([this.#step('leave', node)])
  }

  async nodes(): Promise<readonly NodeRow[]> {
    const rows = await this.#read(this.#step('nodes'))
    return rows.map(([id, app, version, ballet, address, began, beat, until, isAlive]) => ({
      id: String(id),
      app: String(app),
      version: String(version),
      ballet: String(ballet),
      address: textOrNull(address),
      began: whole(began),
      beat: whole(beat),
      until: wholeOrNull(until),
      isAlive: isAlive === 1,
    }))
  }

  async leases(): Promise<readonly LeaseRow[]> {
    const rows = await this.#read(this.#step('leases'))
    return rows.map(([shard, epoch, head, node, since, waiting]) => ({
      shard: whole(shard),
      epoch: whole(epoch),
      head: whole(head),
      node: textOrNull(node),
      since: wholeOrNull(since),
      waiting: whole(waiting),
    }))
  }

  /** Closes its connection; the caller has seen to it that nothing is in use. */
  close(): Promise<void> {
    return this.#links.close()
  }

  #step(name: keyof typeof texts, ...values: readonly (string | number | null)[]): Step {
    const text = texts[name].replaceAll('{s}', this.#options.address.schema)
    return { text, parameters: values.map(scalarLiteral) }
  }

  async #read(step: Step): Promise<Answer['rows']> {
    const { address } = this.#options
    return this.#links.use(async (link) => {
      const deadline = link.deadline(address.deadlineMs)
      try {
        return (await link.send(step)).rows
      } catch (error) {
        throw failureOf(error, address.name)
      } finally {
        deadline()
      }
    })
  }

  /** One transaction, sent at once. The rows of each step. @throws COMMIT_UNKNOWN for whatever passes */
  async #write(
    steps: readonly Step[],
    mostMs = Number.POSITIVE_INFINITY,
    form: 'alone' | 'transaction' = 'transaction',
  ): Promise<readonly Answer['rows'][]> {
    const { address, clock, begin, unblock, check } = this.#options
    check()
    const ms = Math.min(address.deadlineMs, mostMs)
    return this.#links.use(async (link) => {
      const deadline = link.deadline(ms)
      const impatience = clock.after(ms / 2, () => void unblock(link))
      try {
        const [first, last] = form === 'alone' ? [[], []] : [[begin()], [{ text: 'COMMIT', parameters: [] }]]
        const all = [...first, ...steps, ...last].map(async (step) => link.send(step))
        const answers = await Promise.allSettled(all)
        const refused = answers.find((one) => one.status === 'rejected')
        if (refused !== undefined) throw refused.reason
        return (await Promise.all(all)).slice(first.length, first.length + steps.length).map(({ rows }) => rows)
      } catch (error) {
        const failure = failureOf(error, address.name)
        throw isPassing(failure) ? fault('COMMIT_UNKNOWN', {}, failure) : failure
      } finally {
        deadline()
        impatience()
      }
    })
  }
}

function whole(value: Value | undefined): number {
  invariant(typeof value === 'number', 'a lease is numbers')
  return value
}

const wholeOrNull = (value: Value | undefined): number | null => (typeof value === 'number' ? value : null)
const textOrNull = (value: Value | undefined): string | null => (typeof value === 'string' ? value : null)
