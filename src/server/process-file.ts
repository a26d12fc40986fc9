// `process.json` beside a store: which process runs the application on it, and how to talk to it. It is written whole
// or not at all, readable by its owner alone (it may hold a token), and removed by the process that wrote it. A file
// that a killed process left behind is told apart by its pid; one that belongs to another user is not believed.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import type { Cancel } from '../core/clock.ts'
import { parseText } from '../core/json-text.ts'
import { isRecord } from '../core/json.ts'
import { systemClock } from '../engine/clock.ts'
import { storePlace } from './store-place.ts'
import { balletVersion } from '../engine/ballet-version.ts'

/** How often an address that found no space is tried again. */
const SPACE_LOOK_MS = 2_000

export interface ProcessRecord {
  readonly pid: number
  /** `http://127.0.0.1:4400` */
  readonly url: string
  readonly token: string | null
  /** `file:<absolute path>` or `memory:`. */
  readonly store: string
  /** Id of the store, to tell this application from another one that got its address later. */
  readonly storeId: string | null
  /** Path of the application, to say how it is started again. */
  readonly app: string | null
  /** Version of Ballet that the process runs. */
  readonly ballet: string | null
}

/** Where a process can be reached, and what it runs on. */
export interface Address {
  readonly store: string
  readonly url: string
  readonly storeId?: string | null | undefined
  readonly token?: string | null | undefined
  readonly app?: string | null | undefined
  /** Called when it cannot be written, with why; without it nobody hears of that. */
  readonly unwritten?: ((problem: string) => void) | undefined
}

export type ProcessFile =
  | { readonly kind: 'absent' }
  /** There, but not to be used: why. */
  | { readonly kind: 'unusable'; readonly problem: string }
  | { readonly kind: 'record'; readonly record: ProcessRecord }

/** The path of the process file in a folder. */
export function processFilePath(folder: string): string {
  return join(folder, 'process.json')
}

/** One after the other: what Node makes of a whole path never comes to an end where the system takes no folder, as below /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  mkdirSync(folder)
}

/** Writes the record atomically with mode 0600, over what stands there. */
export function writeProcessFile(folder: string, record: ProcessRecord): void {
  makeFolder(folder)
  const path = processFilePath(folder)
  const draft = `${path}.${record.pid}.tmp`
  rmSync(draft, { force: true })
  try {
    writeFileSync(draft, `${JSON.stringify(record)}\n`, { mode: 0o600, flag: 'wx' })
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}

/**
 * Leaves the address of this process beside its store, so that commands find it. It is taken away when the process
 * ends, or by the function that is returned. Where it cannot be written commands need `--url`, and the application goes on: a
 * container has a folder in which its user may not write, and a note beside a store is no reason not to run. On a full disk it is left as soon as there is space.
 * @param store as it was given to `open`: `file:<path>` or `memory:`.
 */
export function leaveAddress({ store, storeId = null, url, token = null, app = null, unwritten }: Address): () => void {
  const place = storePlace(store, process.cwd())
  const record = {
    pid: process.pid,
    url: reachable(url),
    token: token === '' ? null : token,
    store: place.url,
    storeId,
    app,
    ballet: balletVersion(),
  }
  let cancel: Cancel = () => {}
  const leave = (isFirst: boolean): void => {
    try {
      writeProcessFile(place.folder, record)
    } catch (error) {
      if (isFirst) unwritten?.(error instanceof Error ? error.message : String(error))
      if (!isFirst || isOutOfSpace(error)) cancel = systemClock.after(SPACE_LOOK_MS, () => leave(false))
    }
  }
  leave(true)
  const remove = (): void => {
    cancel()
    process.off('exit', remove)
    removeProcessFile(place.folder, process.pid)
  }
  process.once('exit', remove)
  return remove
}

function isOutOfSpace(error: unknown): boolean {
  if (!(error instanceof Error && 'code' in error && 'errno' in error)) return false
  // Node.js has no name for the error of a quota, and gives its number alone, below zero.
  return error.code === 'ENOSPC' || error.errno === -constants.errno.EDQUOT
}

/** The address under which this machine reaches a server that listens on every address. */
function reachable(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}

/** Removes the file if it is still the one of this process. Never throws: it runs while a process ends. */
export function removeProcessFile(folder: string, pid: number): void {
  try {
    const found = readProcessFile(folder)
    if (found.kind === 'record' && found.record.pid === pid) rmSync(processFilePath(folder), { force: true })
  } catch {
    // What cannot be read or removed stays; its pid tells that it is stale.
  }
}

/** Reads the file of a folder. `user` is the id of the user that asks; undefined where there is none (Windows). */
export function readProcessFile(folder: string, user: number | undefined = process.getuid?.()): ProcessFile {
  const path = processFilePath(folder)
  const owner = statSync(path, { throwIfNoEntry: false })?.uid
  if (owner === undefined) return { kind: 'absent' }
  if (user !== undefined && user !== 0 && owner !== user)
    return { kind: 'unusable', problem: 'it belongs to another user' }
  try {
    const record = parseRecord(parseText(readFileSync(path, 'utf8')))
    return record === undefined
      ? { kind: 'unusable', problem: 'it is not what ballet writes' }
      : { kind: 'record', record }
  } catch (error) {
    return { kind: 'unusable', problem: error instanceof Error ? error.message : String(error) }
  }
}

/** Whether a process of this id lives (also one of another user). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function parseRecord(value: unknown): ProcessRecord | undefined {
  if (!isRecord(value)) return undefined
  const { pid, url, token = null, store, storeId = null, app = null, ballet = null } = value
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0 || typeof store !== 'string') return undefined
  if (typeof url !== 'string' || !/^https?:\/\//.test(url) || !URL.canParse(url)) return undefined
  if (!isTextOrNull(token) || !isTextOrNull(storeId) || !isTextOrNull(app) || !isTextOrNull(ballet)) return undefined
  return { pid, url, token, store, storeId, app, ballet }
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}
