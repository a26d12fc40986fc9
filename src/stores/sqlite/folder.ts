// The folder of a store: found under its true name, made when it is missing, and made durable, because a file whose
// entry is lost with the power is lost itself. Called when a store is opened.
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, realpathSync } from 'node:fs'
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
  const first = mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  const last = dirname(resolve(first))
  for (let made = resolve(folder); made !== last; made = dirname(made)) syncFolder(made)
  syncFolder(last)
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
