// The folder of a store: found under its true name, made when it is missing, and made durable, because a file whose
// entry is lost with the power is lost itself. Called when a store is opened.
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

/** The path by which every process knows a file, whatever links lead to it: they all must find the same lock. */
export function truePath(file: string): string {
  const path = resolve(file)
  if (existsSync(path)) return realpathSync(path)
  const folder = dirname(path)
  return existsSync(folder) ? join(realpathSync(folder), basename(path)) : path
}

/** Makes a folder and those above it, readable by their owner only. */
export function makeFolder(folder: string): void {
  const missing: string[] = []
  let path = resolve(folder)
  for (; !existsSync(path); path = dirname(path)) missing.unshift(path)
  for (const one of missing) makeOne(one)
  for (const one of missing.toReversed()) syncFolder(one)
  if (missing.length > 0) syncFolder(path)
}

/** One after the other: what Node makes of a whole path never comes to an end where the system takes no folder, as below /proc. */
function makeOne(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Another process was quicker.
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error
  }
}

/** Makes the entries of a folder durable, where the system lets us: Windows has no such call, and needs none. */
export function syncFolder(folder: string): void {
  let handle: number | undefined
  try {
    handle = openSync(folder, 'r')
    fsyncSync(handle)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!['EACCES', 'EPERM', 'EISDIR', 'EINVAL', 'ENOTSUP'].includes(code)) throw error
  } finally {
    if (handle !== undefined) closeSync(handle)
  }
}
