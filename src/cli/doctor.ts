// `ballet doctor`: is this a place where an application runs well? Looks at Node, SQLite, the store, the disk and the
// process that has the store, each in a line with what to do about it, and changes nothing.
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Store } from '../core/store.ts'
import { isAlive, type ProcessFile } from '../server/process-file.ts'
import type { StorePlace } from '../server/store-place.ts'
import { balletVersion } from '../engine/ballet-version.ts'
import { answersHealth, clientFor, takesWork, type Client } from './client.ts'
import type { Command } from './command.ts'
import { findStore, tokenFor, type FoundStore } from './discovery.ts'
import { EXIT } from './exit-code.ts'
import { fetchChecks } from './fetch-checks.ts'
import { keyChecks } from './key-checks.ts'
import { oneLine } from './printable.ts'
import { readerOf, readsOf } from './store-reads.ts'
import { sharingChecks } from './sharing-checks.ts'
import { isLocked, roomCheck, storeChecks, type Check } from './store-checks.ts'
import { print, type Terminal } from './terminal.ts'
import { transportChecks } from './transport-checks.ts'

const NODE_NEEDED = 24
/** From here on SQLite does not damage a file when two connections empty its log at once. */
const SQLITE_NEEDED = [3, 51, 3] as const

export const doctor: Command = {
  name: 'doctor',
  about: 'Look whether Node, the store, its disk and its process are well, and what to do if not.',
  words: [],
  options: { store: { value: '<url>', about: 'The store; default: .ballet here or above.' } },
  examples: ['ballet doctor', 'ballet doctor --store file:/var/lib/shop/app.db'],
  async run(given, terminal) {
    const found = findStore(given, terminal)
    const checks = [
      balletCheck(),
      nodeCheck(process.versions.node),
      sqliteCheck(process.versions.sqlite),
      ...keyChecks(terminal),
      ...(await placeChecks(found, given.text('store') !== undefined, terminal)),
      ...(found === null ? [] : await livingChecks(found, terminal)),
    ]
    const ok = checks.every(({ verdict }) => verdict !== 'wrong')
    print(terminal, given.flag('json'), { ok, checks }, () => checks.flatMap((check) => lines(check, terminal)))
    return ok ? EXIT.ok : EXIT.failed
  },
}

function balletCheck(): Check {
  return { name: 'ballet', verdict: 'ok', found: balletVersion() }
}

/** Whether this Node is one that Ballet runs on. */
export function nodeCheck(version: string): Check {
  const found = `${version}, ${NODE_NEEDED} or newer is needed`
  return Number(version.split('.')[0]) >= NODE_NEEDED
    ? { name: 'node', verdict: 'ok', found }
    : { name: 'node', verdict: 'wrong', found, todo: 'Install a newer one from https://nodejs.org.' }
}

/** Whether the SQLite of this Node is sound; undefined when it has none. */
export function sqliteCheck(version: string | undefined): Check {
  const needed = SQLITE_NEEDED.join('.')
  if (version === undefined)
    return {
      name: 'sqlite',
      verdict: 'wrong',
      found: 'this Node has none',
      todo: 'Use a Node from https://nodejs.org.',
    }
  const found = `${version} in node:sqlite`
  if (isAtLeast(version.split('.').map(Number), SQLITE_NEEDED)) return { name: 'sqlite', verdict: 'ok', found }
  const todo = `Use a newer Node: before ${needed} SQLite could, rarely, damage a file whose log is emptied twice at once.`
  return { name: 'sqlite', verdict: 'warn', found, todo }
}

function isAtLeast(version: readonly number[], needed: readonly number[]): boolean {
  const at = needed.findIndex((part, index) => (version[index] ?? 0) !== part)
  return at === -1 || (version[at] ?? 0) > (needed[at] ?? 0)
}

async function placeChecks(found: FoundStore | null, isNamed: boolean, terminal: Terminal): Promise<readonly Check[]> {
  const start = 'It is made when the application is started: ballet serve <app.ts>'
  if (found === null) {
    const none = {
      name: 'store',
      verdict: 'warn',
      found: `no .ballet in ${terminal.cwd} or above`,
      todo: start,
    } as const
    return [none, roomCheck(terminal.cwd)]
  }
  const { place } = found
  if (place.kind === 'memory') return [{ name: 'store', verdict: 'ok', found: 'in memory: it forgets all at the end' }]
  if (place.kind === 'postgres') {
    const { databaseChecks } = await import('./database-checks.ts')
    return databaseChecks(place.open, terminal.clock)
  }
  if (existsSync(place.path)) {
    terminal.note(`Looking through ${place.path}.`)
    return [...storeChecks(place.path), roomCheck(place.folder)]
  }
  const missing = { name: 'store', found: `there is none at ${place.path}` } as const
  const check: Check = isNamed
    ? { ...missing, verdict: 'wrong', todo: 'Name another one with --store, or start the application on it.' }
    : { ...missing, verdict: 'warn', todo: start }
  return [check, roomCheck(nearestFolder(place.folder))]
}

/** What is in the store, the process that has it, and what only that knows. */
async function livingChecks(found: FoundStore, terminal: Terminal): Promise<readonly Check[]> {
  const check = await processCheck(found, terminal)
  const client = check.verdict === 'wrong' ? null : clientOf(found, terminal)
  const read = await readChecks(found, client, terminal)
  return [...read, check, ...(client === null ? [] : await fetchChecks(client))]
}

/** Nothing of a store that cannot be read, of which the checks before tell. */
async function readChecks(
  { place }: FoundStore,
  client: Client | null,
  { clock }: Terminal,
): Promise<readonly Check[]> {
  const app = client === null ? null : await client.app().catch(() => null)
  const store = await readerOf(place, clock).catch(() => null)
  try {
    const reads = app === null ? store && (await readsOf(store)) : client
    return [
      ...(store === null ? [] : await sharedChecks(store)),
      ...(reads === null ? [] : await transportChecks({ reads, app, now: clock.now() })),
    ]
  } finally {
    await store?.close()
  }
}

/** Who shares the store, and what lies aside. */
async function sharedChecks(store: Store): Promise<readonly Check[]> {
  try {
    const { nodesOf } = await import('../engine/nodes.ts')
    return sharingChecks(await nodesOf(store, null, null))
  } catch {
    return []
  }
}

function nearestFolder(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestFolder(dirname(folder))
}

/** For the process that has left its address; null where there is none. */
function clientOf({ file }: FoundStore, terminal: Terminal): Client | null {
  if (file.kind !== 'record' || !isAlive(file.record.pid)) return null
  return clientFor(file.record.url, tokenFor(file.record, terminal), terminal.clock)
}

/** Who has the store, whether it answers, and whether it runs this version. */
async function processCheck({ place, file }: FoundStore, { clock }: Terminal): Promise<Check> {
  const name = 'process'
  if (file.kind !== 'record' || file.record.store !== place.url || !isAlive(file.record.pid)) {
    return { name, ...withoutRecord(place, leftBehind(file)) }
  }
  const { pid, url, ballet } = file.record
  const who = `process ${pid} at ${url}`
  if (!(await answersHealth(url, clock))) {
    const todo = 'It hangs or is ending, or the number belongs to another process now. Look at it; end it if it hangs.'
    return { name, verdict: 'wrong', found: `${who} does not answer`, todo }
  }
  const refusal = await takesWork(url, clock)
  if (refusal !== null) {
    const { detail, hint } = refusal
    return { name, verdict: 'warn', found: `${who} takes no work${detail === '' ? '' : `: ${detail}`}`, todo: hint }
  }
  const own = balletVersion()
  if (ballet === own) return { name, verdict: 'ok', found: `${who} takes work, Ballet ${ballet}` }
  const todo = `This command is ${own}: use the same version for both.`
  return { name, verdict: 'warn', found: `${who} takes work, Ballet ${ballet ?? 'of an older version'}`, todo }
}

function leftBehind(file: ProcessFile): string {
  if (file.kind === 'unusable') return `process.json is not used, ${file.problem}; `
  return file.kind === 'record' && !isAlive(file.record.pid) ? `process ${file.record.pid} is gone; ` : ''
}

/** No process has left its address; one that is opened in a program of its own leaves none, and holds the lock. */
function withoutRecord(place: StorePlace, left: string): Omit<Check, 'name'> {
  if (place.kind !== 'file') return { verdict: 'warn', found: `${left}none has left its address` }
  if (!isLocked(place.path)) return { verdict: 'ok', found: `${left}none has the store` }
  const todo = 'Name the address of that application with --url where a command needs it.'
  return { verdict: 'warn', found: `${left}one that has left no address has the store`, todo }
}

function lines({ name, verdict, found, todo }: Check, { paint }: Terminal): readonly string[] {
  const colour = { ok: paint.green, warn: paint.yellow, wrong: paint.red }[verdict]
  const line = `${colour(verdict.padEnd(5))}  ${name.padEnd(9)}  ${oneLine(found)}`
  return todo === undefined ? [line] : [line, `${' '.repeat(18)}${oneLine(todo)}`]
}
