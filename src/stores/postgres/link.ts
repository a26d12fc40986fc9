// One connection to the server, for one life: when it is lost, in doubt or over its time it is never used again, and
// another one takes its place. Nothing that was sent on it is sent elsewhere, and every request settles: the driver would
// connect again by itself and send the rest of a transaction there, without its beginning. As a second line sessions are
// read-only, and transactions that write say so: a statement that strays out of its transaction is refused. But for the one that
// renews leases: each of its statements holds by itself.
//
//   open --socket closed, error of the socket, deadline, close()--> lost
import { connect, type Socket } from 'node:net'
import { checkServerIdentity, type ConnectionOptions } from 'node:tls'
import type { Notice, ReservedSql, Sql } from 'postgres'
import type { Cancel, Clock } from '../../core/clock.ts'
import { fault, isBalletError, type BalletError } from '../../core/errors.ts'
import { LooseMap } from '../../core/loose-map.ts'
import type { Value } from '../sql/tables.ts'
import { socketPath, type PostgresAddress, type PostgresHost } from './address.ts'
import type { Driver } from './driver.ts'
import { failureOf, unreachable } from './failure.ts'
import { readPayload, readWhole } from './literals.ts'
import { SESSION_NAME } from './sessions.ts'
import type { Step } from './texts.ts'

export interface Answer {
  readonly rows: readonly (readonly Value[])[]
  /** `COMMIT`, `SELECT` ... */
  readonly command: string
}

/** How long is waited before a session that holds a transaction open, and says nothing, is ended by the server. */
const IDLE_IN_TRANSACTION_MS = 10_000

/**
 * A plan that was made while a table was empty finds a row by any index that has the column, and is kept until the server has
 * counted the rows. So plans are made anew behind this many statements, and each time that there are twice as many.
 */
const FIRST_PLANS = 64

/** What a session is for: one of those that `renews` writes in statements that are transactions of their own. */
export interface LinkUse {
  readonly renews?: boolean
  /** A standby will do where no host is a primary: it only answers, and may lag. */
  readonly onlyAsks?: boolean
}

/** Settings that a session has from its beginning, above those of the role and the database. */
const sessionSettings = (address: PostgresAddress, { renews = false }: LinkUse): Record<string, string> => ({
  default_transaction_read_only: renews ? 'off' : 'on',
  ...(renews && { default_transaction_isolation: 'read committed' }),
  bytea_output: 'hex',
  // Every access is by an index, whatever the planner believes of a table that has grown since it looked.
  enable_seqscan: 'off',
  enable_nestloop: 'off',
  // Else it may take all rows of a shard and sort them, where an index has them in order; and by a bitmap, which marks nothing of
  // what has gone: each look into an inbox would read all that has gone through it since the last vacuum.
  enable_sort: 'off',
  enable_incremental_sort: 'off',
  // Until version 18 what is switched off above counts as a cost, which makes every plan dear enough to be compiled each time that it is
  // executed: an order took ten times as long.
  jit: 'off',
  // Else the server may believe, by what it guesses of the rows, that a plan for each of the values is cheaper, and plans every time.
  plan_cache_mode: 'force_generic_plan',
  idle_in_transaction_session_timeout: String(IDLE_IN_TRANSACTION_MS),
  statement_timeout: String(address.deadlineMs * 2),
  // Whoever holds up what is waited for is ended when half of the deadline is over: what a role has set would be over before.
  lock_timeout: '0',
  // What a commit was not is said in a warning (below).
  client_min_messages: 'warning',
})

/** Weaker than `on`, and an acknowledged commit is lost with the power. `remote_apply` is stronger. */
const syncText = `set_config('synchronous_commit',
  CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END`

/** A transaction that writes begins. A session that a pooler lends is told everything anew. */
export function beginStep({ prepare }: Pick<PostgresAddress, 'prepare'>): Step {
  const text = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE'
  if (prepare) return { text, parameters: [] }
  return {
    text: `${text}; SET LOCAL idle_in_transaction_session_timeout = '10s'; SET LOCAL client_min_messages = 'warning'; SELECT ${syncText}, true)`,
    parameters: [],
  }
}

/** A certificate is compared with the host of the URL; the driver would take the one of an address for `localhost`'s. */
function tlsTo({ tls }: PostgresAddress, { host }: PostgresHost): string | false | ConnectionOptions {
  if (typeof tls !== 'object') return tls
  const { authorities, isNameChecked } = tls
  return {
    ca: authorities(),
    checkServerIdentity: (_, certificate) => (isNameChecked ? checkServerIdentity(host, certificate) : undefined),
  }
}

/**
 * Opens one connection, to the first host that is a primary: what was one before a fail-over may be back as a standby.
 * @throws STORE_UNREACHABLE, STORE_FAILED
 */
export async function openLink(
  driver: Driver,
  address: PostgresAddress,
  clock: Clock,
  use: LinkUse = {},
): Promise<Link> {
  let failure: BalletError | undefined
  let standby: Link | undefined
  for (const host of address.hosts) {
    const link = new Link(driver, { address, host, use }, clock)
    try {
      await link.begin()
      if (!link.isStandby) {
        await standby?.close()
        return link
      }
      if (use.onlyAsks !== true) throw unreachable(address.name, `${host.host} is a standby, which takes no writes`)
      if (standby === undefined) standby = link
      else await link.close()
    } catch (error) {
      link.destroy(failureOf(error, address.name))
      failure = failureOf(error, address.name)
      // A wrong password is wrong everywhere.
      if (failure.code !== 'STORE_UNREACHABLE') break
    }
  }
  if (standby !== undefined) return standby
  throw failure ?? unreachable(address.name, 'it has no host')
}

export class Link {
  readonly #address: PostgresAddress
  readonly #clock: Clock
  readonly #sql: Sql
  readonly #socket: Promise<Socket>
  #raw: Socket | undefined
  #session: ReservedSql | undefined
  #lost: BalletError | undefined
  #sent = 0
  #plannedAt = FIRST_PLANS
  readonly #waiting = new LooseMap<(error: BalletError) => void, true>()
  /** The process of the server, as far as it is known. */
  pid: number | null = null
  /** Whether the server takes no writes, because it follows another. */
  isStandby = false

  constructor(
    driver: Driver,
    { address, host, use }: { readonly address: PostgresAddress; readonly host: PostgresHost; readonly use: LinkUse },
    clock: Clock,
  ) {
    this.#address = address
    this.#clock = clock
    this.#socket = this.#connect(host)
    this.#socket.catch(() => undefined)
    let used = false
    this.#sql = driver({
      max: 1,
      database: address.database,
      username: address.user,
      password: address.password,
      ssl: tlsTo(address, host),
      prepare: address.prepare,
      connect_timeout: address.deadlineMs / 1000,
      idle_timeout: null,
      max_lifetime: null,
      max_pipeline: 10_000,
      fetch_types: false,
      keep_alive: 10,
      connection: { application_name: SESSION_NAME, ...(address.prepare ? sessionSettings(address, use) : {}) },
      types: {
        bigint: { to: 20, from: [20], serialize: String, parse: readWhole },
        bytea: { to: 17, from: [17], serialize: String, parse: readPayload },
      },
      onnotice: ({ routine }: Notice) => {
        // Somebody has cancelled a commit that waits for a standby: the server answers as if that had it, and says so here alone.
        if (routine === 'SyncRepWaitForLSN') this.#lose('a commit was cancelled while it waited for a standby')
      },
      onclose: () => this.#lose('the connection was closed'),
      socket: async () => {
        // The driver asks a second time when it connects again by itself.
        if (used) throw unreachable(address.name, 'the connection was closed')
        used = true
        return this.#socket
      },
    })
  }

  get isOpen(): boolean {
    return this.#lost === undefined && this.#session !== undefined
  }

  /** Connects, and looks at whom it has found. @throws STORE_UNREACHABLE, STORE_FAILED */
  async begin(): Promise<void> {
    const deadline = this.deadline()
    try {
      this.#raw = await this.#settled(this.#socket)
      // A session that a pooler lends is left as it is.
      const isLocal = !this.#address.prepare
      const look = `SELECT pg_backend_pid(), ${syncText}, ${isLocal}), current_setting('server_encoding'), pg_is_in_recovery()::int`
      // The driver reserves nothing for whoever comes first (3.4.9 waits for ever), so this is sent before.
      const [[pid, , encoding, standsBy] = []] = await this.#settled(this.#sql.unsafe(look).values())
      this.#session = await this.#settled(this.#sql.reserve())
      if (typeof pid === 'number' && this.#address.prepare) this.pid = pid
      this.isStandby = standsBy === 1
      if (encoding !== 'UTF8')
        throw fault('STORE_FAILED', {
          problem: `the database has the encoding ${encoding}, not UTF8; make one with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0`,
        })
    } finally {
      deadline()
    }
  }

  /** Ends the connection, and with it all that waits for it, unless the time is stopped before. */
  deadline(ms: number = this.#address.deadlineMs): Cancel {
    return this.#clock.after(ms, () => this.#lose(`no answer within ${ms} ms`))
  }

  /** As `deadline`, but for as long as something comes: a large answer takes the time that it takes. */
  silence(ms: number): Cancel {
    let seen = this.#raw?.bytesRead ?? 0
    const look = (): void => {
      const now = this.#raw?.bytesRead ?? 0
      if (now === seen) return this.#lose(`nothing came for ${ms} ms`)
      seen = now
      cancel = this.#clock.after(ms, look)
    }
    let cancel = this.#clock.after(ms, look)
    return () => cancel()
  }

  /** Sends one statement. What is sent without waiting in between goes out together. @throws whatever the driver does */
  async send({ text, parameters }: Step): Promise<Answer> {
    const session = this.#session
    if (this.#lost !== undefined) throw this.#lost
    if (session === undefined) throw unreachable(this.#address.name, 'it is not connected')
    const prepare = this.#address.prepare && parameters.length > 0
    if (prepare) this.#planAnew(session)
    const query = session.unsafe(text, [...parameters], { prepare })
    const result = await this.#settled(query.values())
    // Functions of the driver's query are made in V8's old generation, and would keep what was sent there (ADR 49).
    void Object.assign(query, { args: null, parameters: null })
    return { rows: result as unknown as readonly (readonly Value[])[], command: result.command }
  }

  /**
   * What is sent until the promises of this moment have settled goes out in one write: the driver makes one of each kilobyte,
   * and each wakes the server, and this process with its answer.
   */
  together(): void {
    const socket = this.#raw
    if (socket === undefined) return
    socket.cork()
    // Behind the driver's own last write, which it puts off until then.
    process.nextTick(() => setImmediate(() => socket.uncork()))
  }

  /** Plans grow old as tables grow. What goes wrong with this goes wrong with what is sent behind it. */
  #planAnew(session: ReservedSql): void {
    if (++this.#sent < this.#plannedAt) return
    this.#plannedAt *= 2
    session.unsafe('DISCARD PLANS').catch(() => undefined)
  }

  /** Cuts the connection at once. */
  destroy(reason: BalletError): void {
    if (this.#lost !== undefined) return
    this.#lost = reason
    for (const reject of this.#waiting.keys()) reject(reason)
    this.#waiting.clear()
    void this.#socket.then(
      (socket) => socket.destroy(),
      () => undefined,
    )
    void this.#sql.end({ timeout: 0 }).catch(() => undefined)
  }

  /** Ends the session in peace. */
  async close(): Promise<void> {
    if (this.#lost !== undefined) return
    const deadline = this.deadline()
    const session = this.#session
    this.#session = undefined
    try {
      session?.release()
      // Of a connection that is lost meanwhile the driver never says that it has ended.
      await this.#settled(this.#sql.end())
    } catch (error) {
      this.destroy(failureOf(error, this.#address.name))
    } finally {
      deadline()
      this.#lost ??= unreachable(this.#address.name, 'it is closed')
    }
  }

  #lose(problem: string): void {
    this.destroy(unreachable(this.#address.name, problem))
  }

  /** As the promise, or rejected when the connection is lost before: the driver forgets some of its own. */
  #settled<T>(promise: PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(reject, true)
      promise.then(
        (value) => {
          this.#waiting.delete(reject)
          resolve(value)
        },
        (error: unknown) => {
          this.#waiting.delete(reject)
          // Why it was lost says more than that it is.
          reject(isBalletError(error) ? error : (this.#lost ?? (error as Error)))
        },
      )
    })
  }

  #connect(host: PostgresHost): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const path = socketPath(host)
      const socket = path === null ? connect({ host: host.host, port: host.port }) : connect({ path })
      // The driver takes the name for the server's certificate from here.
      Object.assign(socket, { host: host.host, port: host.port })
      const refused = (error: Error): void => reject(error)
      socket.setNoDelay(true)
      socket.once('error', refused)
      socket.once('connect', () => {
        socket.off('error', refused)
        // The driver takes its listeners away before it has put new ones; an error in between ends in `close`.
        socket.on('error', () => undefined)
        resolve(socket)
      })
      const lost = (error: BalletError): void => {
        socket.destroy()
        reject(error)
      }
      this.#waiting.set(lost, true)
    })
  }
}
