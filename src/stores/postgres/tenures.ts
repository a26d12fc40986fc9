// How a shard is taken, and how what became of a batch is found out. Both answer with epoch, head and crashes. Pure; used by
// PostgresStore.
import { randomUUID } from 'node:crypto'
import type { Statement } from '../sql/statements.ts'
import { NOW } from './leases.ts'

/** Each taking has a name of its own: said again, it does nothing, and answers with nothing. */
export function takeStatement(shard: number, owner: string): Statement {
  return {
    sql: `UPDATE shards SET epoch = greatest(epoch + 1, ${NOW}), crashes = CASE WHEN owner IS NULL THEN crashes ELSE abs(crashes) + 1 END,
      owner = ?2, node = NULL, taking = ?3 WHERE id = ?1 AND taking IS DISTINCT FROM ?3 RETURNING epoch, head, crashes`,
    width: 3,
    values: [shard, owner, randomUUID()],
  }
}

/**
 * The row as it is, written once more. A batch can be read as soon as its session ends, also where that was ended while it waited
 * for a standby, which then may never have it. The server writes a version of the row even if nothing differs, behind the batch:
 * when this is committed, whatever standby the server waits for has both.
 */
export function settleStatement(shard: number): Statement {
  return {
    sql: 'UPDATE shards SET head = head WHERE id = ?1 RETURNING epoch, head, crashes',
    width: 1,
    values: [shard],
  }
}

/** The same where the server waits for a standby at all; nothing is written where it does not, and what can be read stands. */
export function standsStatement(shard: number): Statement {
  const { sql, ...rest } = settleStatement(shard)
  return {
    ...rest,
    sql: sql.replace(' RETURNING', ` AND current_setting('synchronous_standby_names') <> '' RETURNING`),
  }
}
