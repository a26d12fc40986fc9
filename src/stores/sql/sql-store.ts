// The half of a store that is the same over every SQL database: the operations of the contract as statements, and
// rows from what they answer. A store extends it with its life (open, close) and with the way in which statements
// reach the database: `read` in one snapshot, `write` in one transaction that holds altogether or not at all.
import { invariant } from '../../core/errors.ts'
import type {
  Aged,
  AgedEvent,
  Batch,
  Claim,
  EventRow,
  FlowRow,
  InboxItem,
  InboxRow,
  JournalRow,
  Kin,
  RunCount,
  RunName,
  RunRow,
  Store,
  StoreInfo,
  SuspectRow,
  Tenure,
  TimerRow,
} from '../../core/store.ts'
import type { EventQuery, FlowQuery, RunQuery, RunStatus } from '../../core/store-queries.ts'
import { checkBatch } from '../check-batch.ts'
import {
  agedClaimsQuery,
  agedEventsQuery,
  agedQuery,
  belongsQuery,
  claimsQuery,
  eventsQuery,
  choreographyQuery,
  flowsOfQuery,
  flowsQuery,
  inboxIdsQuery,
  inboxQuery,
  infoQuery,
  journalQuery,
  namespacesQuery,
  runQuery,
  runCountsQuery,
  runNamesQuery,
  runsQuery,
  shardsOfQuery,
  suspectsQuery,
  tenureQuery,
  timersQuery,
} from './queries.ts'
import { fromValues } from './rows.ts'
import {
  acquireStatement,
  belongsStatement,
  batchStatements,
  postStatements,
  releaseStatement,
  steadyStatement,
  type Statement,
} from './statements.ts'
import {
  agedEventsTable,
  agedTable,
  claimsTable,
  eventsTable,
  flowNamesTable,
  flowsTable,
  inboxIdsTable,
  inboxTable,
  journalTable,
  runCountsTable,
  runNamesTable,
  runsTable,
  suspectsTable,
  timersTable,
  type Table,
  type Value,
} from './tables.ts'

export abstract class SqlStore implements Store {
  abstract readonly kind: string
  abstract readonly name: string
  /** How many shards there are, once it is open. */
  protected shards = 1

  abstract open(): Promise<StoreInfo>
  abstract close(): Promise<void>
  /** The values of all rows, of committed data alone. */
  protected abstract read(statement: Statement): Promise<readonly Value[]>
  abstract hasRoom(): Promise<boolean>
  /** The values of all rows that the statements returned; durable when it resolves. `urgent` as in a batch. */
  protected abstract write(statements: readonly Statement[], urgent: boolean): Promise<readonly Value[]>
  /** A write that is of no shard. */
  protected async writeOfAll(statement: Statement): Promise<void> {
    await this.write([statement], true)
  }
  /** As `read`, but after every write that was asked for earlier. */
  protected abstract readAfterWrites(statement: Statement): Promise<readonly Value[]>

  async info(): Promise<StoreInfo> {
    const [id, incarnation, schema, slots, shards] = await this.read(infoQuery)
    invariant(typeof id === 'string', 'the store does not know its identity')
    return {
      id,
      incarnation: whole(incarnation),
      schema: whole(schema),
      slots: whole(slots),
      shards: whole(shards),
    }
  }

  async belongsTo(ns: string, app: string, before: string | null): Promise<string> {
    let [owner] = await this.read(belongsQuery(ns))
    if (owner === undefined || (owner === before && owner !== app)) {
      await this.writeOfAll(belongsStatement(ns, app, before ?? app))
      ;[owner] = await this.readAfterWrites(belongsQuery(ns))
    }
    invariant(typeof owner === 'string', 'a namespace belongs to an application by its name')
    return owner
  }

  async namespaces(limit: number): Promise<readonly string[]> {
    return (await this.read(namespacesQuery(limit))).map(String)
  }

  async acquire(shard: number, owner: string): Promise<Tenure> {
    return tenureOf(shard, await this.write([acquireStatement(shard, owner)], true))
  }

  async release(shard: number, epoch: number, crashes = 0): Promise<void> {
    await this.write([releaseStatement(shard, epoch, crashes)], true)
  }

  async steady(shard: number, epoch: number): Promise<void> {
    await this.write([steadyStatement(shard, epoch)], true)
  }

  async tenure(shard: number): Promise<Tenure> {
    return tenureOf(shard, await this.readAfterWrites(tenureQuery(shard)))
  }

  async commit(batch: Batch): Promise<void> {
    checkBatch(batch)
    await this.writeBatch(batch)
  }

  protected async writeBatch(batch: Batch): Promise<void> {
    await this.write(batchStatements(batch, this.shards), batch.urgent)
  }

  async post(shard: number, items: readonly InboxItem[]): Promise<void> {
    // Nothing else in the inbox is for what is there already.
    const urgent = items.every((item) => item.kind === 'signal')
    if (items.length > 0) await this.write(postStatements(shard, items), urgent)
  }

  async claims(
    shard: number,
    ns: string,
    space: Claim['space'],
    ids: readonly string[],
  ): Promise<readonly (Claim | null)[]> {
    if (ids.length === 0) return []
    const found = await this.#rows(claimsTable, claimsQuery(shard, ns, space, ids))
    const byId = new Map(found.map((claim) => [claim.id, claim]))
    return ids.map((id) => byId.get(id) ?? null)
  }

  async run(shard: number, num: number): Promise<RunRow | null> {
    const [run] = await this.#rows(runsTable, runQuery(shard, num))
    return run ?? null
  }

  runs(shard: number, query: RunQuery): Promise<readonly RunRow[]> {
    return this.#rows(runsTable, runsQuery(shard, query))
  }

  runNames(shard: number, query: RunQuery): Promise<readonly RunName[]> {
    return this.#rows(runNamesTable, runNamesQuery(shard, query))
  }

  runCounts(shard: number, ns: string, status: RunStatus, limit: number): Promise<readonly RunCount[]> {
    return this.#rows(runCountsTable, runCountsQuery(shard, ns, status, limit))
  }

  journal(shard: number, run: number, after: number, limit: number): Promise<readonly JournalRow[]> {
    return this.#rows(journalTable, journalQuery(shard, run, after, limit))
  }

  events(shard: number, query: EventQuery): Promise<readonly EventRow[]> {
    return this.#rows(eventsTable, eventsQuery(shard, query))
  }

  async shardsOf(ns: string, of: Kin): Promise<readonly number[]> {
    return (await this.read(shardsOfQuery(ns, of))).map(whole)
  }

  timers(shard: number, from: number, to: number, limit: number, after?: TimerRow): Promise<readonly TimerRow[]> {
    return this.#rows(timersTable, timersQuery(shard, from, to, limit, after))
  }

  inbox(shard: number, ns: string, limit: number, after?: number): Promise<readonly InboxRow[]> {
    return this.#rows(inboxTable, inboxQuery(shard, ns, limit, after))
  }

  async inboxIds(shard: number, ns: string | null, limit: number): Promise<readonly number[]> {
    const rows = await this.#rows(inboxIdsTable, inboxIdsQuery(shard, ns, limit))
    return rows.map(({ id }) => id)
  }

  async flowsOf(
    shard: number,
    ns: string,
    name: string,
    keys: readonly string[],
  ): Promise<readonly (FlowRow | null)[]> {
    if (keys.length === 0) return []
    const found = await this.#rows(flowsTable, flowsOfQuery(shard, ns, name, keys))
    const byKey = new Map(found.map((flow) => [flow.key, flow]))
    return keys.map((key) => byKey.get(key) ?? null)
  }

  async choreographies(shard: number, ns: string): Promise<readonly string[]> {
    const names: string[] = []
    // From one to the next: of each there may be very many flows.
    for (;;) {
      const [next] = await this.#rows(flowNamesTable, choreographyQuery(shard, ns, names.at(-1) ?? ''))
      if (next === undefined) return names
      names.push(next.name)
    }
  }

  flows(shard: number, query: FlowQuery): Promise<readonly FlowRow[]> {
    return this.#rows(flowsTable, flowsQuery(shard, query))
  }

  suspects(shard: number): Promise<readonly SuspectRow[]> {
    return this.#rows(suspectsTable, suspectsQuery(shard))
  }

  aged(shard: number, ns: string, after: number, limit: number): Promise<readonly Aged[]> {
    return this.#rows(agedTable, agedQuery(shard, ns, after, limit))
  }

  agedEvents(shard: number, ns: string, after: number, limit: number): Promise<readonly AgedEvent[]> {
    return this.#rows(agedEventsTable, agedEventsQuery(shard, ns, after, limit))
  }

  agedClaims(shard: number, ns: string, now: number, limit: number): Promise<readonly Claim[]> {
    return this.#rows(claimsTable, agedClaimsQuery(shard, ns, now, limit))
  }

  async #rows<Row extends object>(table: Table<Row>, query: Statement): Promise<Row[]> {
    return fromValues(table, await this.read(query))
  }
}

function whole(value: Value | undefined): number {
  invariant(typeof value === 'number', 'the store answered without a number')
  return value
}

/** Of epoch, head and crashes. */
export function tenureOf(shard: number, [epoch, head, crashes]: readonly Value[]): Tenure {
  invariant(epoch !== undefined, `there is no shard ${shard}`)
  return { shard, epoch: whole(epoch), head: whole(head), crashes: whole(crashes) }
}
