// What a store's file looks like inside, and how an older file becomes a newer one. `migrations` only grows: a
// published entry never changes, and a new file goes through all of them like an old one. Each runs in a transaction
// of its own together with the version that it reaches, so that a process killed in between leaves a whole layout.
// Called by database.ts before anything else touches the file.
import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { invariant } from '../../core/errors.ts'
import { SCHEMA_VERSION, SLOT_COUNT } from '../../core/store.ts'

/** Marks an SQLite file as a Ballet store: "Ball". */
export const APPLICATION_ID = 0x42_61_6c_6c

export interface Migration {
  /** The version that the file has afterwards: one more than before. */
  readonly version: number
  readonly up: (db: DatabaseSync) => void
}

/**
 * An embedded store has one shard, so a position alone is the primary key: rows are appended, and the indexes beside
 * them stay narrow. An index begins with the column that selects; one that began with the shard or the namespace
 * would be taken for queries that read in the order of positions, and sort the whole table. The few runs that have
 * not completed have an index of their own; no index changes with a turn.
 */
const firstLayout = `
  CREATE TABLE store (
    one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL, incarnation INTEGER NOT NULL,
    schema INTEGER NOT NULL, slots INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE shards (
    id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, head INTEGER NOT NULL, owner TEXT
  ) STRICT;

  CREATE TABLE runs (
    num INTEGER PRIMARY KEY, shard INTEGER NOT NULL, ns TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL,
    name TEXT NOT NULL, call TEXT NOT NULL, version TEXT NOT NULL, key TEXT, status TEXT NOT NULL, phase TEXT,
    reason TEXT, root TEXT NOT NULL, cause TEXT, parent INTEGER, parent_op TEXT, generation INTEGER NOT NULL,
    input ANY NOT NULL, output ANY, error ANY, created INTEGER NOT NULL, ended INTEGER
  ) STRICT;
  CREATE INDEX runs_name ON runs (name, ns);
  CREATE INDEX runs_root ON runs (root, ns);
  CREATE INDEX runs_key ON runs (key, ns) WHERE key IS NOT NULL;
  CREATE INDEX runs_parent ON runs (parent) WHERE parent IS NOT NULL;
  CREATE INDEX runs_status ON runs (status, ns) WHERE status <> 'completed';

  CREATE TABLE claims (
    shard INTEGER NOT NULL, ns TEXT NOT NULL, space TEXT NOT NULL, id TEXT NOT NULL, num INTEGER NOT NULL,
    hash TEXT NOT NULL, until INTEGER, PRIMARY KEY (shard, ns, space, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE journal (
    pos INTEGER PRIMARY KEY, shard INTEGER NOT NULL, run INTEGER NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL,
    at INTEGER NOT NULL, data ANY NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX journal_run ON journal (shard, run, seq);

  CREATE TABLE events (
    pos INTEGER PRIMARY KEY, shard INTEGER NOT NULL, ns TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL,
    source TEXT NOT NULL, id TEXT NOT NULL, data ANY NOT NULL, root TEXT NOT NULL, cause TEXT,
    published INTEGER NOT NULL, at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX events_key ON events (key, ns);
  CREATE INDEX events_type ON events (type, ns);
  CREATE INDEX events_root ON events (root, ns);

  CREATE TABLE timers (
    shard INTEGER NOT NULL, due INTEGER NOT NULL, run INTEGER NOT NULL, op TEXT NOT NULL,
    PRIMARY KEY (shard, due, run, op)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, shard INTEGER NOT NULL, ns TEXT NOT NULL, slot INTEGER NOT NULL,
    kind TEXT NOT NULL, target TEXT NOT NULL, data ANY NOT NULL, at INTEGER NOT NULL
  ) STRICT;
`

/**
 * What the planner is told about the size of the tables: rows, and rows per value of the first columns. Measured
 * figures (ANALYZE) would change plans from store to store; these make a key win over a type or a name, always.
 */
const firstFigures = `
  ANALYZE;
  INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('runs', 'runs_name', '1000000 20000 20000'), ('runs', 'runs_root', '1000000 5 5'),
    ('runs', 'runs_key', '1000000 5 5'), ('runs', 'runs_parent', '100000 5'),
    ('runs', 'runs_status', '10000 2000 2000'), ('claims', 'claims', '1000000 1000000 500000 250000 1'),
    ('journal', 'journal_run', '10000000 10000000 10 1'), ('events', 'events_key', '1000000 10 10'),
    ('events', 'events_type', '1000000 50000 50000'), ('events', 'events_root', '1000000 5 5');
`

/**
 * What the second version of the contract adds. A layout 1 never let a shard go, so that its owner says nothing about
 * crashes. Only few claims have an end, and only a run that is forgotten is looked for among the timers.
 */
const secondLayout = `
  ALTER TABLE runs ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE runs ADD COLUMN deadline INTEGER;
  ALTER TABLE runs ADD COLUMN at INTEGER;
  ALTER TABLE shards ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;
  UPDATE shards SET owner = NULL;

  CREATE TABLE suspects (
    shard INTEGER NOT NULL, run INTEGER NOT NULL, what TEXT NOT NULL, deaths INTEGER NOT NULL,
    PRIMARY KEY (shard, run)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX claims_until ON claims (ns, until, space, id) WHERE until IS NOT NULL;
  CREATE INDEX timers_run ON timers (run);

  -- The count stands apart from the data, so that counting does not write the data again.
  CREATE TABLE blobs (
    num INTEGER PRIMARY KEY, shard INTEGER NOT NULL, sha TEXT NOT NULL, refs INTEGER NOT NULL, UNIQUE (shard, sha)
  ) STRICT;
  CREATE TABLE blob_data (num INTEGER PRIMARY KEY, data ANY NOT NULL) STRICT;
  CREATE TRIGGER blobs_gone AFTER UPDATE OF refs ON blobs WHEN NEW.refs = 0 BEGIN
    DELETE FROM blob_data WHERE num = NEW.num;
    DELETE FROM blobs WHERE num = NEW.num;
  END;

  INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('claims', 'claims_until', '100000 100000 10 5 1'), ('timers', 'timers_run', '100000 2');
`

/**
 * What the third version adds: a row for each flow that a monitor follows. Most are complete, and nobody asks for those by
 * their standing.
 */
const thirdLayout = `
  CREATE TABLE flows (
    shard INTEGER NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL, standing TEXT NOT NULL,
    ending TEXT, state TEXT NOT NULL, detail TEXT NOT NULL, pos INTEGER NOT NULL, began INTEGER NOT NULL,
    changed INTEGER NOT NULL, due INTEGER, PRIMARY KEY (shard, ns, name, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX flows_standing ON flows (standing, name, ns, key) WHERE standing <> 'complete';

  INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('flows', 'flows', '1000000 1000000 1000000 100000 1'), ('flows', 'flows_standing', '10000 2000 1000 1000 1');
`

/**
 * What the fifth version adds: whoever asks for the few that are stuck for one reason does not walk through the many that are for
 * another, as when a service is down. What never gets stuck has no entry. And the application that a namespace belongs to.
 */
const fifthLayout = `
  CREATE TABLE applications (ns TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX runs_reason ON runs (reason, ns) WHERE reason IS NOT NULL;
  INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('runs', 'runs_reason', '10000 1000 1000');
`

export const migrations: readonly Migration[] = [
  {
    version: 1,
    up(db) {
      db.exec(firstLayout)
      db.exec(firstFigures)
      db.prepare('INSERT INTO store (one, id, incarnation, schema, slots) VALUES (1, ?, 1, 0, ?)').run(
        randomUUID(),
        SLOT_COUNT,
      )
      db.exec('INSERT INTO shards (id, epoch, head) VALUES (0, 0, 0)')
    },
  },
  { version: 2, up: (db) => db.exec(secondLayout) },
  { version: 3, up: (db) => db.exec(thirdLayout) },
  // Leases, which a file has no use for: one process holds it.
  { version: 4, up: () => undefined },
  { version: 5, up: (db) => db.exec(fifthLayout) },
]

/** Brings the file to the last version of the list. A file that is there already is not written to. */
export function migrate(db: DatabaseSync, list: readonly Migration[] = migrations): void {
  for (const { version, up } of list) {
    const found = layoutVersion(db)
    if (found >= version) continue
    invariant(found === version - 1, `there is no migration from layout ${found} to ${version}`)
    db.exec('BEGIN IMMEDIATE')
    try {
      up(db)
      db.prepare('UPDATE store SET schema = ?').run(version)
      db.exec(`PRAGMA user_version = ${version}`)
      db.exec('COMMIT')
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  }
}

/** The version of the layout that the file has, 0 for none. */
export function layoutVersion(db: DatabaseSync): number {
  return pragma(db, 'user_version')
}

/** The answer of a pragma that answers with a number. */
export function pragma(db: DatabaseSync, name: string): number {
  const value = Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]
  invariant(typeof value === 'number', `SQLite did not answer PRAGMA ${name}`)
  return value
}

invariant(migrations.at(-1)?.version === SCHEMA_VERSION, 'the last migration does not reach the layout of this version')
