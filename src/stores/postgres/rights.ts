// Whether the role that the URL names may do with the tables of a store what a store does: whoever has restored or moved one may have
// forgotten a right, of which a node would hear when it needs it. Called when a store is opened (layout.ts).
import { fault } from '../../core/errors.ts'
import type { Link } from './link.ts'

const TABLES: readonly string[] = [
  'store',
  'shards',
  'runs',
  'claims',
  'journal',
  'events',
  'timers',
  'inbox',
  'suspects',
  'flows',
  'nodes',
  'applications',
]
const WRITING: readonly string[] = ['SELECT', 'INSERT', 'UPDATE', 'DELETE']

export interface RightsOptions {
  readonly schema: string
  /** Its name, for errors. */
  readonly store: string
  readonly onlyAsks: boolean
}

/** @throws STORE_REFUSED, which names each right that is missing, and the statement that gives them. */
export async function refuseWithoutRights(link: Link, { schema, store, onlyAsks }: RightsOptions): Promise<void> {
  const rights = onlyAsks ? ['SELECT'] : WRITING
  const text = `SELECT privilege, string_agg(name, ', ' ORDER BY name), current_user::text
    FROM unnest($1::text[]) AS privilege, unnest($2::text[]) AS name
    WHERE NOT has_table_privilege('${schema}.' || name, privilege) GROUP BY privilege ORDER BY privilege`
  const parameters = [`{${rights.join(',')}}`, `{${TABLES.join(',')}}`]
  const { rows } = await link.send({ text, parameters })
  if (rows.length === 0) return
  const problem = rows.map(([right, tables]) => `no ${String(right)} on ${String(tables)}`).join('; ')
  const role = String(rows[0]?.[2])
  const remedy = `GRANT ${rights.join(', ')} ON ALL TABLES IN SCHEMA ${schema} TO "${role.replaceAll('"', '""')}"`
  throw fault('STORE_REFUSED', { store, problem, remedy })
}
