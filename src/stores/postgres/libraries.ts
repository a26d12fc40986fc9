// Transactions of the application, whichever library they are of: postgres, pg, Drizzle on either, Kysely. They are told
// apart by what they have, so that none of them is needed here. What is sent is one text without parameters, because that is
// what all of them can send; every value in it is hexadecimal, so that there is nothing to quote. Only by postgres is a
// statement prepared, where it matters what it costs.
import { fault } from '../../core/errors.ts'
import { isRecord } from '../../core/json.ts'

/** Sends one text, and answers with the rows that it returned. */
export type Send = (text: string) => Promise<readonly unknown[]>

/** Bytes, within a text. */
export const bytesText = (value: Uint8Array): string => `decode('${Buffer.from(value).toString('hex')}', 'hex')`
/** A text, within a text. */
export const textText = (value: string): string => `convert_from(${bytesText(Buffer.from(value))}, 'UTF8')`

/** Sends a statement that the server prepares once for each connection, and answers with the rows that it returned. */
export type SendPrepared = (text: string, parameters: readonly unknown[]) => Promise<readonly unknown[]>

type Method = (...given: readonly unknown[]) => Promise<unknown>

/** How a transaction sends. @throws TX_INVALID */
export function senderOf(tx: object): Send {
  const invalid = (problem: string): Error => fault('TX_INVALID', { problem })
  const whole: unknown = tx
  if (whole === null || (typeof whole !== 'object' && typeof whole !== 'function')) throw invalid('no object')
  const method = methodsOf(tx)
  const outside = (): Error => invalid('a connection or a pool, and no transaction')
  const known = (send: Method): Send => {
    return async (given) => rowsOf(await send(given))
  }
  // postgres: the sql of `sql.begin(async (sql) => ...)` has save points, and the one outside begins transactions.
  const unsafe = method('unsafe')
  if (unsafe !== undefined) {
    if (method('savepoint') === undefined) throw outside()
    return known(unsafe)
  }
  // Kysely: says itself what it is.
  const executeQuery = method('executeQuery')
  if (executeQuery !== undefined) {
    if (Reflect.get(tx, 'isTransaction') !== true) throw outside()
    return known((given) => executeQuery(rawQuery(String(given))))
  }
  // Drizzle: a transaction can be rolled back, a database cannot.
  const execute = method('execute')
  if (execute !== undefined) {
    if (method('rollback') === undefined) throw outside()
    return known(execute)
  }
  // pg: a pool counts its clients, and lends another one for each query.
  const query = method('query')
  if (query !== undefined) {
    if (typeof Reflect.get(tx, 'totalCount') === 'number') throw outside()
    return known(query)
  }
  throw invalid('no transaction of a library that is known here')
}

/** How a transaction of postgres sends a prepared statement; a pool that must not prepare any sends its parameters alone. */
export function preparingSenderOf(tx: object): SendPrepared | undefined {
  const method = methodsOf(tx)
  const unsafe = method('unsafe')
  if (unsafe === undefined || method('savepoint') === undefined) return undefined
  return async (text, parameters) => rowsOf(await unsafe(text, parameters, { prepare: true }))
}

/** What Kysely's `CompiledQuery.raw` makes. */
function rawQuery(given: string): object {
  const query = { kind: 'RawNode', sqlFragments: [given], parameters: [] }
  return { sql: given, query, parameters: [], queryId: { queryId: `ballet-${given.length}` } }
}

/** Some answer with the rows themselves, others have them in `rows`. */
function rowsOf(result: unknown): readonly unknown[] {
  if (Array.isArray(result)) return result
  const rows = isRecord(result) ? result['rows'] : undefined
  return Array.isArray(rows) ? rows : []
}

function methodsOf(of: object): (name: string) => Method | undefined {
  return (name) => {
    const found: unknown = Reflect.get(of, name)
    return typeof found === 'function' ? (...given) => Reflect.apply(found, of, given) as Promise<unknown> : undefined
  }
}

/** @param isOver whether the transaction has ended by itself: nothing is sent by it any more, and nobody waits for the work. */
type Work = (tx: object, isOver: () => boolean) => Promise<unknown>
type Begin = (work: Work) => Promise<unknown>

/** A connection that has gone says so in each query. */
const never = (): boolean => false

/** How work is done in a transaction of a database, which is committed when it resolves. @throws TX_INVALID */
export function beginnerOf(db: object): Begin {
  const method = methodsOf(db)
  const unknown = (): Error => fault('TX_INVALID', { problem: 'no database of a library that is known here' })
  const begin = method('begin')
  if (begin !== undefined) return (work) => whileOpen(begin, work)
  const transaction = method('transaction')
  if (transaction !== undefined && method('executeQuery') === undefined) return (work) => whileOpen(transaction, work)
  if (transaction !== undefined)
    return async (work) => {
      const builder: unknown = await transaction(undefined)
      const execute = typeof builder === 'object' && builder !== null ? methodsOf(builder)('execute') : undefined
      if (execute === undefined) throw unknown()
      return execute(async (tx: object) => work(tx, never))
    }
  const connect = method('connect')
  if (connect === undefined || typeof Reflect.get(db, 'totalCount') !== 'number') throw unknown()
  return (work) => inClient(connect, work)
}

/**
 * When a connection closes within a transaction, `begin` of postgres, by which Drizzle may have it too, hears of that by
 * itself, and rejects. How the work ends it must not hear then: 3.4.9 sends its rollback or commit into a socket that is gone,
 * and throws where nobody can catch it. It does not go by what the work fails of, which may be another connection that
 * closed: a `begin` that waits, and never hears, would leave the transaction open with all that it has locked.
 */
async function whileOpen(begin: Method, work: Work): Promise<unknown> {
  let isOver = false
  const doing = async (tx: object): Promise<unknown> => {
    try {
      const result = await work(tx, () => isOver)
      if (!isOver) return result
    } catch (error) {
      // The queries of a connection that closes fail first, and `begin` in the same turn of the event loop.
      await new Promise((resolve) => setImmediate(resolve))
      if (!isOver) throw error
    }
    return new Promise(() => {})
  }
  try {
    return await begin(doing)
  } finally {
    isOver = true
  }
}

/** With a client of a pool of pg. */
async function inClient(connect: Method, work: Work): Promise<unknown> {
  const client = (await connect(undefined)) as LentClient
  // A connection that ends while the work waits for something else: the next query says so, and not the end of the process.
  const heard = (): void => undefined
  client.on('error', heard)
  try {
    await client.query('BEGIN')
    const result = await work(client, never)
    await client.query('COMMIT')
    client.release()
    return result
  } catch (error) {
    // A client whose transaction is not known to be over is not lent again.
    const isOver = await client.query('ROLLBACK').then(
      () => true,
      () => false,
    )
    client.release(!isOver)
    throw error
  } finally {
    client.off('error', heard)
  }
}

interface LentClient {
  readonly query: Method
  readonly release: (broken?: boolean) => void
  readonly on: (name: 'error', listener: () => void) => unknown
  readonly off: (name: 'error', listener: () => void) => unknown
}
