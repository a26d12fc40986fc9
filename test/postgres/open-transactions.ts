// Writers that publish and start within transactions of their own, several of them for each key, while other transactions
// of the same server stay open all the time: one in the same database, which has itself published, and one in another
// database. Nobody may wait for those. When everything that was committed has been delivered, and they are still open, the
// log in the database is compared with what the writers have committed; then the open one commits, and comes as well.
import postgresJs, { type Sql } from 'postgres'
import { z } from 'zod'
import { ballet, event, open, operation, service, workflow, type Application } from '../../src/index.ts'
import { silentLog } from '../../src/engine/log.ts'
import { judge, type Account, type Logged, type Move } from './open-transactions-judge.ts'

const Data = z.object({ writer: z.string(), key: z.string(), nth: z.number() })
const Moved = event('moved', Data, { key: 'key' })
/**
 * What a writer does next, again and again. In a transaction it publishes one event, or two, or starts a run, or publishes and
 * rolls back; at the door it publishes without one, so that its order spans both ways.
 */
const WAYS = ['one', 'two', 'withdrawn', 'door', 'start'] as const
const OPEN_WRITER = 'the open one'
const AHEAD_MOST = 8

export interface OpenTransactionsOptions {
  /** Of a server on which databases may be made. */
  readonly url: string
  readonly schema: string
  readonly writers: number
  readonly keys: number
  /** Whether a writer that has done so much goes on. */
  readonly goesOn: (done: number) => boolean
  /** Given up when nothing was delivered for so long. */
  readonly stallMs: number
}

export interface OpenTransactionsOutcome {
  readonly findings: readonly string[]
  readonly committed: number
  readonly withdrawn: number
  /** From the answer to a commit until the engine had taken what it brought, and until it was delivered; in order. */
  readonly takenMs: readonly number[]
  readonly deliveredMs: readonly number[]
}

export async function publishBesideOpenTransactions(
  options: OpenTransactionsOptions,
): Promise<OpenTransactionsOutcome> {
  const scene = new Scene(options)
  try {
    await scene.begin()
    return await scene.play()
  } finally {
    await scene.end()
  }
}

class Scene {
  readonly #options: OpenTransactionsOptions
  readonly #account: Account = { committed: [], withdrawn: new Set(), noted: [], marked: [] }
  readonly #committedAt = new Map<string, number>()
  readonly #takenAt = new Map<string, number>()
  readonly #arrivedAt = new Map<string, number>()
  /** Of each writer: what was committed and not delivered yet, and how it hears that this has become less. */
  readonly #outstanding = new Map<string, { count: number; less: () => void }>()
  readonly #mark = workflow('mark', { input: Data, output: z.null() }, async (run, move) =>
    run.step('mark', () => this.#arrives(this.#account.marked, move)),
  )
  readonly #connections: Sql[] = []
  readonly #held: { readonly let: () => void; readonly gone: Promise<unknown> }[] = []
  #onArrival: () => void = () => undefined
  #app: Application | undefined

  constructor(options: OpenTransactionsOptions) {
    this.#options = options
  }

  get #open(): Application {
    if (this.#app === undefined) throw new Error('it has not begun')
    return this.#app
  }

  #connect(url: string, max: number): Sql {
    const sql = postgresJs(url, { max, onnotice: () => undefined })
    this.#connections.push(sql)
    return sql
  }

  async begin(): Promise<void> {
    const { url, schema } = this.#options
    const { noted } = this.#account
    const desk = service('desk', {
      note: operation({ input: Data, output: z.null(), run: (move) => this.#arrives(noted, move) }),
    })
    desk.on(Moved, (move) => desk.note(move))
    const definition = ballet({ name: 'moves', version: '1', services: [desk], workflows: [this.#mark] })
    this.#app = await open(definition, { store: `${url}?schema=${schema}`, log: silentLog, graceMs: 0 })
    await this.#holdOpen()
  }

  #arrives(list: Move[], move: Move): null {
    list.push(move)
    this.#arrivedAt.set(idOf(move), Date.now())
    const writer = this.#outstandingOf(move)
    writer.count -= 1
    writer.less()
    this.#onArrival()
    return null
  }

  #outstandingOf({ writer }: Pick<Move, 'writer'>): { count: number; less: () => void } {
    const known = this.#outstanding.get(writer) ?? { count: 0, less: () => undefined }
    this.#outstanding.set(writer, known)
    return known
  }

  /** A key is delivered one at a time; a writer that is far ahead of that waits, or the figures would show its queue alone. */
  async #room(writer: string): Promise<void> {
    const own = this.#outstandingOf({ writer })
    if (own.count < AHEAD_MOST) return
    await new Promise<void>((resolve) => {
      own.less = () => {
        if (own.count < AHEAD_MOST) resolve()
      }
    })
  }

  /** The transactions that stay open. Each has written, so that it holds back whoever waits for all that is older. */
  async #holdOpen(): Promise<void> {
    const { url, schema } = this.#options
    const sql = this.#connect(url, 2)
    await sql.unsafe(`CREATE TABLE ${schema}.business (writer text, nth int)`)
    const other = `${schema}_other`
    await sql.unsafe(`CREATE DATABASE ${other}`)
    const elsewhere = this.#connect(withDatabase(url, other), 1)
    await this.#hold(elsewhere, (tx) => tx.unsafe('CREATE TABLE held (id int); INSERT INTO held VALUES (1)'))
    const move = { writer: OPEN_WRITER, key: 'k0', nth: 1 }
    await this.#hold(sql, async (tx) => {
      await tx.unsafe(`INSERT INTO ${schema}.business VALUES ('${OPEN_WRITER}', 1)`)
      await this.#open.publish(Moved(move), { id: idOf(move), tx })
    })
  }

  async #hold(sql: Sql, work: (tx: postgresJs.TransactionSql) => Promise<unknown>): Promise<void> {
    const done = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const gone = sql.begin(async (tx) => {
      await work(tx)
      done.resolve()
      await release.promise
    })
    this.#held.push({ let: release.resolve, gone })
    await Promise.race([done.promise, gone])
  }

  async play(): Promise<OpenTransactionsOutcome> {
    const { writers } = this.#options
    await Promise.all(Array.from({ length: writers }, async (_, writer) => this.#write(writer)))
    const { committed, withdrawn } = this.#account
    const all = committed.length
    const stalled = await this.#arrived(all)
    const findings = [...stalled, ...(await this.#judged())]
    const isOpen = await this.#areOpen()
    if (!isOpen) findings.push('VACUOUS: a transaction that was to stay open is gone')
    committed.push({ writer: OPEN_WRITER, key: 'k0', nth: 1, way: 'publish' })
    for (const held of this.#held) held.let()
    await Promise.all(this.#held.map(({ gone }) => gone))
    if (findings.length === 0) findings.push(...(await this.#arrived(all + 1)), ...(await this.#judged()))
    const [takenMs, deliveredMs] = [this.#delays(this.#takenAt), this.#delays(this.#arrivedAt)]
    return { findings, committed: all, withdrawn: withdrawn.size, takenMs, deliveredMs }
  }

  #delays(until: ReadonlyMap<string, number>): number[] {
    const delays = [...this.#committedAt].flatMap(([id, at]) => {
      const then = until.get(id)
      return then === undefined ? [] : [Math.max(0, then - at)]
    })
    return delays.sort((left, right) => left - right)
  }

  async #write(place: number): Promise<void> {
    const { keys, goesOn, url } = this.#options
    const { committed, withdrawn } = this.#account
    const sql = this.#connect(url, 1)
    let nth = 0
    for (let turn = 0; goesOn(turn); turn += 1) {
      const way = WAYS[(place + turn) % WAYS.length] ?? 'door'
      const key = `k${(place + Math.floor(turn / WAYS.length)) % keys}`
      const moves = Array.from({ length: way === 'two' ? 2 : 1 }, () => ({ writer: `w${place}`, key, nth: ++nth }))
      const isKept = await this.#do(sql, way, moves)
      // What was delivered already has been counted down.
      if (isKept) this.#outstandingOf({ writer: `w${place}` }).count += moves.length
      for (const move of moves) {
        if (!isKept) withdrawn.add(idOf(move))
        else committed.push({ ...move, way: way === 'start' ? 'start' : 'publish' })
        this.#committedAt.set(idOf(move), Date.now())
      }
      await this.#room(`w${place}`)
    }
  }

  async #do(sql: Sql, way: (typeof WAYS)[number], moves: readonly Move[]): Promise<boolean> {
    const app = this.#open
    if (way === 'door') {
      for (const move of moves) await app.publish(Moved(move), { id: idOf(move) })
      return true
    }
    const withdrawal = new Error('withdrawn')
    const done = sql.begin(async (tx) => {
      for (const move of moves) {
        const id = idOf(move)
        await tx.unsafe(`INSERT INTO ${this.#options.schema}.business VALUES ('${move.writer}', ${move.nth})`)
        if (way === 'start') await app.start(this.#mark(move), { id, tx })
        else await app.publish(Moved(move), { id, tx })
      }
      if (way === 'withdrawn') throw withdrawal
      return true
    })
    return done.catch((error: unknown) => {
      if (error === withdrawal) return false
      throw error
    })
  }

  /** Waits until so many have arrived; what is wrong when they do not. */
  async #arrived(count: number): Promise<string[]> {
    const { noted, marked } = this.#account
    const { promise, resolve } = Promise.withResolvers<string[]>()
    let stalled: NodeJS.Timeout | undefined
    const look = (): void => {
      clearTimeout(stalled)
      const arrived = noted.length + marked.length
      if (arrived >= count) resolve([])
      const give = (): void => resolve([`STALLED: ${arrived} of ${count} were delivered, and then nothing more`])
      stalled = setTimeout(give, this.#options.stallMs)
    }
    this.#onArrival = look
    look()
    const found = await promise
    clearTimeout(stalled)
    this.#onArrival = () => undefined
    return found
  }

  async #judged(): Promise<string[]> {
    const [sql] = this.#connections
    const { schema } = this.#options
    const rows = await sql?.unsafe(
      `SELECT id, at, convert_from(data, 'UTF8') AS data FROM ${schema}.events WHERE type = 'moved' ORDER BY shard, pos`,
    )
    const log: Logged[] = (rows ?? []).map((row) => ({
      ...Data.parse(JSON.parse(String(row['data']))),
      id: String(row['id']),
    }))
    for (const row of rows ?? []) this.#takenAt.set(String(row['id']), Number(row['at']))
    return judge(this.#account, log)
  }

  async #areOpen(): Promise<boolean> {
    const [sql] = this.#connections
    const rows = await sql?.unsafe(
      `SELECT datname FROM pg_stat_activity WHERE state = 'idle in transaction' AND backend_xid IS NOT NULL`,
    )
    return new Set(rows?.map((row) => String(row['datname']))).size >= 2
  }

  async end(): Promise<void> {
    for (const held of this.#held) held.let()
    await Promise.allSettled(this.#held.map(({ gone }) => gone))
    await this.#app?.close()
    const [sql] = this.#connections
    // Its connections end before a database does.
    for (const one of this.#connections.slice(1)) await one.end()
    await sql?.unsafe(`DROP DATABASE IF EXISTS ${this.#options.schema}_other WITH (FORCE)`)
    await sql?.unsafe(`DROP SCHEMA IF EXISTS ${this.#options.schema} CASCADE`)
    await sql?.end()
  }
}

/** Of a move, wherever it goes. */
const idOf = ({ writer, nth }: Move): string => `${writer.replaceAll(' ', '-')}-${nth}`

function withDatabase(url: string, database: string): string {
  const made = new URL(url)
  made.pathname = `/${database}`
  return made.href
}
