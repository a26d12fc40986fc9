// What a store is made of in PostgreSQL: a schema of its own in a database of anybody's. `migrations` only grows: a
// published entry never changes, and a new schema goes through all of them like an old one. The first process that comes
// makes or changes it, in one transaction under a lock; the others find it done. Called by PostgresStore before anything
// else touches the schema.
import { randomUUID } from 'node:crypto'
import { fault, invariant } from '../../core/errors.ts'
import { SCHEMA_VERSION, SLOT_COUNT } from '../../core/store.ts'
import type { Link } from './link.ts'
import { refuseWithoutRights } from './rights.ts'
import { LAYOUT_NAME } from './sessions.ts'

interface Migration {
  readonly version: number
  /** `{s}` stands for the schema, `{text}` for text that is compared byte by byte, as in every other store. */
  readonly text: string
}

/**
 * Every key begins with the shard. Positions within a shard only grow, so that all rows are appended. A row of `shards`
 * changes with every commit and has room for its next versions in its own page. Large payloads are kept out of the rows
 * by the server itself, compressed.
 */
const layout2 = `
  CREATE TABLE {s}.store (
    one int PRIMARY KEY CHECK (one = 1), id {text} NOT NULL, incarnation int NOT NULL, schema int NOT NULL, slots int NOT NULL
  );
  CREATE TABLE {s}.shards (
    id int PRIMARY KEY, epoch bigint NOT NULL, head bigint NOT NULL, owner {text}, crashes int NOT NULL DEFAULT 0,
    taking {text}
  ) WITH (fillfactor = 20);

  CREATE TABLE {s}.runs (
    shard int NOT NULL, num bigint NOT NULL, ns {text} NOT NULL, id {text} NOT NULL, kind {text} NOT NULL,
    name {text} NOT NULL, call {text} NOT NULL, version {text} NOT NULL, key {text}, status {text} NOT NULL,
    phase {text}, reason {text}, root {text} NOT NULL, cause {text}, parent bigint, parent_op {text},
    generation bigint NOT NULL, input bytea NOT NULL, output bytea, error bytea, created bigint NOT NULL, ended bigint,
    since bigint NOT NULL, deadline bigint, at bigint, PRIMARY KEY (shard, num)
  );
  CREATE INDEX runs_name ON {s}.runs (shard, ns, name, num);
  CREATE INDEX runs_root ON {s}.runs (shard, ns, root, num);
  CREATE INDEX runs_key ON {s}.runs (shard, ns, key, num) WHERE key IS NOT NULL;
  CREATE INDEX runs_parent ON {s}.runs (shard, parent, num) WHERE parent IS NOT NULL;
  CREATE INDEX runs_status ON {s}.runs (shard, ns, status, num) WHERE status <> 'completed';

  CREATE TABLE {s}.claims (
    shard int NOT NULL, ns {text} NOT NULL, space {text} NOT NULL, id {text} NOT NULL, num bigint NOT NULL,
    hash {text} NOT NULL, until bigint, PRIMARY KEY (shard, ns, space, id)
  );
  CREATE INDEX claims_until ON {s}.claims (shard, ns, until, space, id) WHERE until IS NOT NULL;

  CREATE TABLE {s}.journal (
    shard int NOT NULL, pos bigint NOT NULL, run bigint NOT NULL, seq bigint NOT NULL, kind {text} NOT NULL,
    at bigint NOT NULL, data bytea NOT NULL, PRIMARY KEY (shard, pos)
  );
  CREATE UNIQUE INDEX journal_run ON {s}.journal (shard, run, seq);

  CREATE TABLE {s}.events (
    shard int NOT NULL, pos bigint NOT NULL, ns {text} NOT NULL, type {text} NOT NULL, key {text} NOT NULL,
    source {text} NOT NULL, id {text} NOT NULL, data bytea NOT NULL, root {text} NOT NULL, cause {text},
    published smallint NOT NULL, at bigint NOT NULL, PRIMARY KEY (shard, pos)
  );
  CREATE INDEX events_key ON {s}.events (shard, ns, key, pos);
  CREATE INDEX events_type ON {s}.events (shard, ns, type, pos);
  CREATE INDEX events_root ON {s}.events (shard, ns, root, pos);

  CREATE TABLE {s}.timers (
    shard int NOT NULL, due bigint NOT NULL, run bigint NOT NULL, op {text} NOT NULL, PRIMARY KEY (shard, due, run, op)
  ) WITH (autovacuum_vacuum_scale_factor = 0.02);
  CREATE INDEX timers_run ON {s}.timers (shard, run);

  CREATE TABLE {s}.inbox (
    id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1), shard int NOT NULL, ns {text} NOT NULL, slot int NOT NULL,
    kind {text} NOT NULL, target {text} NOT NULL, data bytea NOT NULL, at bigint NOT NULL, PRIMARY KEY (shard, id)
  ) WITH (autovacuum_vacuum_scale_factor = 0.02);

  CREATE TABLE {s}.suspects (
    shard int NOT NULL, run bigint NOT NULL, what {text} NOT NULL, deaths int NOT NULL, PRIMARY KEY (shard, run)
  );

  INSERT INTO {s}.store (one, id, incarnation, schema, slots) VALUES (1, '{id}', 1, 0, ${SLOT_COUNT});
  INSERT INTO {s}.shards (id, epoch, head) SELECT generate_series(0, {shards} - 1), 0, 0;
`

/** A row for each flow that a monitor follows. Most are complete, and nobody asks for those by their standing. */
const layout3 = `
  CREATE TABLE {s}.flows (
    shard int NOT NULL, ns {text} NOT NULL, name {text} NOT NULL, key {text} NOT NULL, standing {text} NOT NULL,
    ending {text}, state {text} NOT NULL, detail {text} NOT NULL, pos bigint NOT NULL, began bigint NOT NULL,
    changed bigint NOT NULL, due bigint, PRIMARY KEY (shard, ns, name, key)
  );
  CREATE INDEX flows_standing ON {s}.flows (shard, ns, name, standing, key) WHERE standing <> 'complete';
`

/**
 * A row for each node, which it renews: never that of a shard, which a batch under way holds. A shard names the node that
 * owns it. Times are milliseconds since the epoch, by the server's clock; `until` is null once a shard was taken from the
 * node, so that a renewal that waited meanwhile finds nothing.
 */
const layout4 = `
  ALTER TABLE {s}.shards ADD COLUMN node {text}, ADD COLUMN since bigint;
  CREATE TABLE {s}.nodes (
    id {text} PRIMARY KEY, app {text} NOT NULL, version {text} NOT NULL, ballet {text} NOT NULL, address {text},
    began bigint NOT NULL, beat bigint NOT NULL, until bigint
  ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
`

/** The few that are stuck for one reason, among the many that are for another; and the application that a namespace belongs to. */
const layout5 = `
  CREATE TABLE {s}.applications (ns {text} PRIMARY KEY, name {text} NOT NULL);
  CREATE INDEX runs_reason ON {s}.runs (shard, ns, status, reason, num) WHERE reason IS NOT NULL;
`

const migrations: readonly Migration[] = [
  { version: 2, text: layout2 },
  { version: 3, text: layout3 },
  { version: 4, text: layout4 },
  { version: 5, text: layout5 },
]

invariant(migrations.at(-1)?.version === SCHEMA_VERSION, 'the last migration does not reach the layout of this version')

/** Any number, the same for every Ballet: what makes or changes a schema waits here for who does so already. */
const LAYOUT_LOCK = '4776012302361088'

/** The version of the schema, 0 when there is none. @throws STORE_FOREIGN, STORE_NEWER, STORE_UNREACHABLE */
export async function layoutVersion(link: Link, schema: string, store: string): Promise<number> {
  // Without it a node that begins while nothing is carried would never open, nor end.
  const deadline = link.deadline()
  try {
    return await readVersion(link, schema, store)
  } finally {
    deadline()
  }
}

async function readVersion(link: Link, schema: string, store: string): Promise<number> {
  const look = `SELECT to_regclass('${schema}.store') IS NOT NULL AND to_regclass('${schema}.shards') IS NOT NULL,
    EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('${schema}'))`
  const [[isOurs, isUsed] = []] = (await link.send({ text: look, parameters: [] }))
    .rows as readonly (readonly unknown[])[]
  if (isOurs !== true) {
    if (isUsed !== true) return 0
    throw fault('STORE_FOREIGN', { path: store, problem: `the schema ${schema} holds something else` })
  }
  const [[version] = []] = (await link.send({ text: `SELECT schema FROM ${schema}.store`, parameters: [] })).rows
  if (typeof version !== 'number') throw fault('STORE_FOREIGN', { path: store, problem: 'it has no identity' })
  if (version > SCHEMA_VERSION) throw fault('STORE_NEWER', { path: store, found: version, known: SCHEMA_VERSION })
  return version
}

export interface LayoutOptions {
  readonly schema: string
  /** Its name, for errors. */
  readonly store: string
  /** Of a store that is new; one that is there keeps what it has. */
  readonly shards: number
}

/**
 * Brings the schema to this version, however long that takes. One that is there already is not written to.
 * @throws STORE_FOREIGN, STORE_NEWER, STORE_REFUSED
 */
export async function migrate(link: Link, options: LayoutOptions): Promise<void> {
  await bringUp(link, options)
  await refuseWithoutRights(link, { ...options, onlyAsks: false })
}

/** @throws STORE_FOREIGN, STORE_NEWER, STORE_MISSING, STORE_FAILED, STORE_REFUSED where the schema cannot be read as it is. */
export async function refuseUnread(link: Link, { schema, store }: Omit<LayoutOptions, 'shards'>): Promise<void> {
  const version = await layoutVersion(link, schema, store)
  if (version === 0) throw fault('STORE_MISSING', { path: store })
  if (version < SCHEMA_VERSION) {
    const problem = `it has the older layout ${version}; start the application on it once`
    throw fault('STORE_FAILED', { problem })
  }
  await refuseWithoutRights(link, { schema, store, onlyAsks: true })
}

async function bringUp(link: Link, { schema, store, shards }: LayoutOptions): Promise<void> {
  if ((await layoutVersion(link, schema, store)) === SCHEMA_VERSION) return
  const run = async (text: string): Promise<unknown> => link.send({ text, parameters: [] })
  await run(`BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;
    SET LOCAL application_name = '${LAYOUT_NAME}'`)
  try {
    await run(`SELECT pg_advisory_xact_lock(${LAYOUT_LOCK})`)
    const found = await layoutVersion(link, schema, store)
    // Who owns an empty one need not have the right to make one, for which the server asks also where there is nothing to make.
    const [[isThere] = []] = (
      await link.send({ text: `SELECT to_regnamespace('${schema}') IS NOT NULL`, parameters: [] })
    ).rows as readonly (readonly unknown[])[]
    if (isThere !== true) await run(`CREATE SCHEMA ${schema}`)
    for (const { version, text } of migrations) {
      if (found >= version) continue
      const filled = text.replaceAll('{s}', schema).replaceAll('{text}', 'text COLLATE "C"')
      await run(filled.replace('{id}', randomUUID()).replace('{shards}', String(shards)))
      await run(`UPDATE ${schema}.store SET schema = ${version}`)
    }
    await run('COMMIT')
  } catch (error) {
    await run('ROLLBACK').catch(() => undefined)
    throw error
  }
}
