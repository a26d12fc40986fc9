// What the URL of a PostgreSQL store says: where the server is, who asks, how the connection is protected, and how many
// there are. Every part is checked here, so that a typing error is refused by name and never becomes a setting of the
// server. Passwords stay in the address: `name` is what logs, errors and people may see.
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { fault, type BalletError } from '../../core/errors.ts'
import { postgresParts, publicUrl } from '../../core/store-url.ts'

export interface PostgresHost {
  /** A name, an address, or the folder of a Unix socket (it begins with a slash). */
  readonly host: string
  readonly port: number
}

/** By what a certificate is checked. */
export interface CheckedTls {
  /** The authorities that may have signed it, as they are at this moment; undefined for those that Node.js knows. */
  readonly authorities: () => string | undefined
  /** Whether it has to name the host as well. */
  readonly isNameChecked: boolean
}

export interface PostgresAddress {
  /** Without the password: `postgres://shop@db.example/orders`. */
  readonly name: string
  /** Tried in this order. */
  readonly hosts: readonly PostgresHost[]
  readonly user: string
  readonly password: string
  readonly database: string
  /** `prefer` takes what the server has; `require` takes any certificate. */
  readonly tls: false | 'prefer' | 'require' | CheckedTls
  /** As a statement takes it: quoted, since it may be called by a word of SQL. */
  readonly schema: string
  /** Connections that may be open for commits, and for reads. */
  readonly writers: number
  readonly readers: number
  /** Whether statements stay prepared in a session. Not behind a pooler that hands sessions around. */
  readonly prepare: boolean
  /** How long one call may take, and how long a server that cannot be reached is waited for. */
  readonly deadlineMs: number
  readonly patienceMs: number
  /** How long the lease of a node runs. */
  readonly leaseMs: number
  /** Shards of a store that this address makes. */
  readonly shards: number
}

type Option =
  | 'schema'
  | 'pool'
  | 'prepare'
  | 'deadline'
  | 'patience'
  | 'lease'
  | 'shards'
  | 'sslmode'
  | 'sslrootcert'
  | 'host'

/** Of a new store. */
const SHARDS = 64

/** The options that a URL may have. */
export const known: readonly Option[] = [
  'schema',
  'pool',
  'prepare',
  'deadline',
  'patience',
  'lease',
  'shards',
  'sslmode',
  'sslrootcert',
  'host',
]

/** @throws STORE_UNKNOWN for what cannot be read, in words that do not repeat a password */
export function readAddress(url: string): PostgresAddress {
  const { login, hosts: places, path, query } = postgresParts(url) ?? refuse('it is not a URL of PostgreSQL')
  const options = readOptions(query)
  const [user, password] = split(login, ':')
  const folder = options.get('host')
  const hosts = folder === undefined ? places.split(',').map(readHost) : [{ host: folder, port: readHost(places).port }]
  const who = decode(user) || process.env['PGUSER'] || userInfo().username
  const database = decode(path) || process.env['PGDATABASE'] || who
  const schema = options.get('schema') ?? 'ballet'
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) refuse('schema: lower-case letters, digits and _, at most 63 of them')
  if (schema.startsWith('pg_')) refuse('schema: PostgreSQL keeps names that begin with pg_ for itself; choose another')
  const pool = wholeOf(options, 'pool', 6, 2, 1000)
  const writers = Math.max(1, Math.floor(pool / 3))
  return {
    name: publicUrl(url),
    hosts,
    user: who,
    password: decode(password) || process.env['PGPASSWORD'] || '',
    database,
    tls: readTls(options),
    schema: `"${schema}"`,
    writers,
    readers: pool - writers,
    prepare: readFlag(options, 'prepare', true),
    deadlineMs: wholeOf(options, 'deadline', 5, 1, 3600) * 1000,
    patienceMs: wholeOf(options, 'patience', 30, 0, 86_400) * 1000,
    leaseMs: wholeOf(options, 'lease', 15, 1, 3600) * 1000,
    shards: wholeOf(options, 'shards', SHARDS, 1, 1024),
  }
}

/** The path of the socket, for a host that is a folder. */
export function socketPath({ host, port }: PostgresHost): string | null {
  return host.startsWith('/') ? join(host, `.s.PGSQL.${port}`) : null
}

function refuse(problem: string): never {
  throw unknown(problem)
}

const unknown = (problem: string): BalletError => fault('STORE_UNKNOWN', { url: `postgres://… (${problem})` })

function readOptions(query: string): Map<Option, string> {
  const options = new Map<Option, string>()
  for (const [name, value] of new URLSearchParams(query)) {
    const option = known.find((one) => one === name)
    if (option === undefined) refuse(`it has the option "${name.slice(0, 40)}"; there are ${known.join(', ')}`)
    options.set(option, value)
  }
  return options
}

function readHost(text: string): PostgresHost {
  const found = /^(\[[0-9a-f:.]+\]|[^:[\]\s]*)(?::(\d{1,5}))?$/i.exec(text)
  if (found === null) return refuse(`"${text.slice(0, 80)}" is no host`)
  const [, host = '', port] = found
  const number = Number(port ?? process.env['PGPORT'] ?? 5432)
  if (!Number.isInteger(number) || number < 1 || number > 65_535) refuse('a port is a number from 1 to 65535')
  return { host: decode(host).replaceAll(/^\[|\]$/g, '') || process.env['PGHOST'] || 'localhost', port: number }
}

function readTls(options: ReadonlyMap<Option, string>): PostgresAddress['tls'] {
  const mode = options.get('sslmode') ?? 'prefer'
  const file = options.get('sslrootcert')
  const authorities = file === undefined || file === 'system' ? () => undefined : authoritiesIn(file)
  switch (mode) {
    case 'disable':
    case 'prefer':
      // Whoever names authorities believes that they are asked.
      if (file !== undefined) refuse(`sslrootcert: nothing is checked with sslmode=${mode}; verify-full checks it`)
      return mode === 'disable' ? false : mode
    case 'require':
      // As libpq has it: who names an authority wants to be sure.
      return file === undefined ? mode : { authorities, isNameChecked: false }
    case 'verify-ca':
      return { authorities, isNameChecked: false }
    case 'verify-full':
      return { authorities, isNameChecked: true }
    default:
      return refuse('sslmode: disable, prefer, require, verify-ca or verify-full')
  }
}

/** Whether there are certificates in it, and the last one to its end: half a file is taken by Node.js without a word, as fewer. */
const isWhole = (text: string): boolean =>
  /-----END (?:\w+ )?CERTIFICATE-----/.test(text) && text.split('-----BEGIN ').length === text.split('-----END ').length

/** Those of a file, looked at anew for each connection: they are replaced while nodes run, and those of all nodes at once. */
function authoritiesIn(file: string): () => string {
  let last = ''
  const read = (): string => {
    const text = readFileSync(file, 'utf8')
    return isWhole(text) ? text : ''
  }
  try {
    last = read()
  } catch {
    refuse(`sslrootcert: ${file.slice(0, 200)} cannot be read`)
  }
  if (last === '') refuse(`sslrootcert: ${file.slice(0, 200)} has no certificate in it`)
  return () => {
    try {
      last = read() || last
    } catch {
      // It is being replaced.
    }
    return last
  }
}

function readFlag(options: ReadonlyMap<Option, string>, name: Option, otherwise: boolean): boolean {
  const value = options.get(name)
  if (value === undefined) return otherwise
  return value === 'true' || (value === 'false' ? false : refuse(`${name}: true or false`))
}

function wholeOf(
  options: ReadonlyMap<Option, string>,
  name: Option,
  otherwise: number,
  least: number,
  most: number,
): number {
  const value = options.get(name)
  if (value === undefined) return otherwise
  const number = /^\d{1,9}$/.test(value) ? Number(value) : -1
  return number >= least && number <= most ? number : refuse(`${name}: a whole number from ${least} to ${most}`)
}

/** What stands before and behind the first separator. */
function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return refuse('a % in it is not followed by two digits')
  }
}
