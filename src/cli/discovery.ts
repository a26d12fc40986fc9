// Finds the application that a command is about: the address that was given, else the process that left its address
// beside the store (in `--store`'s folder, or .ballet here or in a folder above). A process file counts only while its
// process lives and answers; a stale one is said to be stale. Reads go on without a process, on the file itself,
// read-only; writes say what to start.
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fault } from '../core/errors.ts'
import { answersHealth, clientFor, type Client } from './client.ts'
import type { Given } from './command.ts'
import { readerOf, readsOf } from './store-reads.ts'
import {
  isAlive,
  processFilePath,
  readProcessFile,
  type ProcessFile,
  type ProcessRecord,
} from '../server/process-file.ts'
import { isKeyForm } from '../server/api-key.ts'
import { RemoteError } from './problem.ts'
import type { Reads } from './reads.ts'
import { STORE_FOLDER, storePlace, type StorePlace } from '../server/store-place.ts'
import type { Terminal } from './terminal.ts'
import { tokensOf } from './tokens.ts'
import { shellWord } from './why-waiting.ts'

export type Found =
  | { readonly kind: 'process'; readonly url: string; readonly token: string | null }
  /** A process lives but does not answer. */
  | { readonly kind: 'silent'; readonly record: ProcessRecord }
  | { readonly kind: 'none'; readonly place: StorePlace | null; readonly app: string | null }

/** A client for the running application. @throws PROCESS_MISSING with the command to run, PROCESS_UNREACHABLE, STORE_UNKNOWN. */
export async function findWriter(given: Given, terminal: Terminal): Promise<Client> {
  const found = await find(given, terminal)
  if (found.kind === 'process') return clientFor(found.url, found.token, terminal.clock)
  if (found.kind === 'silent') throw silent(found.record)
  throw missing(found.place, found.app, terminal)
}

/** Reads of the running application, or of the file when none runs. @throws PROCESS_MISSING, STORE_MISSING, STORE_FOREIGN, STORE_NEWER. */
export async function findReader(given: Given, terminal: Terminal): Promise<Reads> {
  const found = await find(given, terminal)
  if (found.kind === 'process') return clientFor(found.url, found.token, terminal.clock)
  const place = found.kind === 'none' ? found.place : storePlace(found.record.store, terminal.cwd)
  const store = place === null ? null : await readerOf(place, terminal.clock)
  if (place === null || store === null)
    throw found.kind === 'silent'
      ? silent(found.record)
      : missing(place, found.kind === 'none' ? found.app : null, terminal)
  if (found.kind === 'silent')
    terminal.note(`Process ${found.record.pid} lives but does not answer at ${found.record.url}.`)
  terminal.note(
    `Reading ${shownPlace(place, terminal)} itself, read-only: no running application has left its address there.`,
  )
  return readsOf(store)
}

/** A store of which nobody asked whether a process has it: its place, and what the process file of its folder says. */
export interface FoundStore {
  readonly place: StorePlace
  readonly file: ProcessFile
}

/** The store that a command line means; null when none is named and there is no .ballet here or above. */
export function findStore(given: Given, { cwd }: Terminal): FoundStore | null {
  const wanted = given.text('store')
  if (wanted !== undefined) {
    const place = storePlace(wanted, cwd)
    return { place, file: readProcessFile(place.folder) }
  }
  const folder = folderAbove(cwd)
  if (folder === null) return null
  const file = readProcessFile(folder)
  const place = file.kind === 'record' ? storePlace(file.record.store, cwd) : onlyStore(folder)
  return place === null ? null : { place, file }
}

/** Looks for the application. Says on stderr what it found and could not use. */
async function find(given: Given, terminal: Terminal): Promise<Found> {
  const { env, cwd, clock } = terminal
  const wanted = given.text('store')
  if (wanted !== undefined && given.text('url') !== undefined) {
    throw fault('USAGE', { problem: '--url and --store both name an application; give one.' })
  }
  // What stands on the command line is meant before what stands in the environment.
  const fromEnv = wanted === undefined && env['BALLET_URL'] !== '' ? env['BALLET_URL'] : undefined
  const url = given.text('url') ?? fromEnv
  if (url !== undefined) {
    if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
      throw fault('USAGE', { problem: `"${url}" is no address of an application, such as http://127.0.0.1:4400.` })
    }
    return { kind: 'process', url, token: borneIn(terminal) }
  }
  const place = wanted === undefined ? null : storePlace(wanted, cwd)
  const folder = place?.folder ?? folderAbove(cwd)
  if (folder === null) return { kind: 'none', place: null, app: null }
  const file = readProcessFile(folder)
  const path = shownPath(processFilePath(folder), terminal)
  if (file.kind === 'unusable') terminal.note(`${path} is not used: ${file.problem}.`)
  if (file.kind !== 'record') return { kind: 'none', place: place ?? onlyStore(folder), app: null }
  const { record } = file
  const own = storePlace(record.store, cwd)
  if (place !== null && place.url !== own.url) {
    terminal.note(`${path} is about another store (${record.store}).`)
    return { kind: 'none', place, app: null }
  }
  if (!isAlive(record.pid)) {
    terminal.note(`${path} is stale: process ${record.pid} is gone.`)
    return { kind: 'none', place: own, app: record.app }
  }
  const token = tokenFor(record, terminal)
  if (!(await answersHealth(record.url, clock))) return { kind: 'silent', record }
  if (await isAnother(record, token, terminal)) {
    terminal.note(`${path} is stale: ${record.url} is another application now.`)
    return { kind: 'none', place: own, app: record.app }
  }
  return { kind: 'process', url: record.url, token }
}

const borneIn = ({ env }: Pick<Terminal, 'env'>): string | null => tokensOf(env['BALLET_TOKEN'])[0] ?? null

/**
 * What a local process is asked with: the token that it has left, and in its place an API key where one was given, or where it has left
 * none: it may have keys alone.
 */
export function tokenFor({ token }: ProcessRecord, terminal: Pick<Terminal, 'env'>): string | null {
  const borne = borneIn(terminal)
  return token === null || (borne !== null && isKeyForm(borne)) ? borne : token
}

/**
 * Whether what answers there runs on another store: after a restart (of a container, say) both the pid and the port may
 * have gone to another application. One that cannot tell, because it recovers or closes, is taken for the right one.
 */
async function isAnother(record: ProcessRecord, token: string | null, { clock }: Terminal): Promise<boolean> {
  if (record.storeId === null) return false
  try {
    const { store } = await clientFor(record.url, token, clock).app()
    return store.id !== record.storeId
  } catch (error) {
    // It would take what it has left itself; what else is sent may be wrong.
    return (
      error instanceof RemoteError &&
      error.problem.code === 'TOKEN_REQUIRED' &&
      token !== null &&
      token === record.token
    )
  }
}

/** The nearest .ballet, here or in a folder above. */
function folderAbove(cwd: string): string | null {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const candidate = join(folder, STORE_FOLDER)
    if (existsSync(candidate)) return candidate
    if (dirname(folder) === folder) return null
  }
}

/** The store of a folder that nobody named: app.db, else the only one that is there. */
function onlyStore(folder: string): StorePlace | null {
  const names = readdirSync(folder).filter((name) => name.endsWith('.db'))
  if (names.length > 1 && !names.includes('app.db')) {
    throw fault('USAGE', {
      problem: `${folder} has several stores; name one with --store file:<path>: ${names.sort().join(', ')}.`,
    })
  }
  const name = names.includes('app.db') ? 'app.db' : names[0]
  return name === undefined ? null : storePlace(join(folder, name), folder)
}

/** A store as people are told of it. */
export function shownPlace(place: StorePlace, terminal: Terminal): string {
  return place.kind === 'file' ? shownPath(place.path, terminal) : place.url
}

function missing(place: StorePlace | null, app: string | null, terminal: Terminal): Error {
  const store = place === null ? 'this folder' : shownPlace(place, terminal)
  const named = place === null ? '' : ` --store ${shellWord(`${place.kind === 'file' ? 'file:' : ''}${store}`)}`
  return fault('PROCESS_MISSING', {
    store,
    command: `ballet serve ${app === null ? '<app.ts>' : shellWord(shownPath(app, terminal))}${named}`,
  })
}

function silent(record: ProcessRecord): Error {
  return fault('PROCESS_UNREACHABLE', {
    url: record.url,
    problem: `process ${record.pid} lives, but its health check fails`,
  })
}

/** A path as it is shortest from here. */
export function shownPath(path: string, terminal: Pick<Terminal, 'cwd'>): string {
  const near = relative(terminal.cwd, path)
  return near === '' || near.startsWith(`..`) ? path : near
}
