// Tells when a source file in a folder changes, at any depth. Each folder has a watcher of its own instead of one
// recursive watcher: that one would also follow node_modules, thousands of files that nobody edits. What a running
// application writes beside its code (databases, logs) is no source and is not looked at, nor is what the caller says.
import { readdirSync, watch, type FSWatcher } from 'node:fs'
import { join } from 'node:path'
import type { Cancel, Clock } from '../core/clock.ts'

const IGNORED: ReadonlySet<string> = new Set(['node_modules', 'dist', 'coverage'])
const SOURCE = /^[^.].*\.(?:[cm]?[jt]sx?|json)$/
/** Editors write a file in several strokes. */
const QUIET_MS = 100

export interface FolderWatch {
  close(): void
}

/**
 * Calls back with the path of a changed source file, once for changes in quick succession, until it is closed.
 * @param except path of a file that looks like a source and is none.
 */
export function watchFolder(
  root: string,
  clock: Clock,
  onChange: (path: string) => void,
  except?: string,
): FolderWatch {
  const watchers = new Map<string, FSWatcher>()
  let pending: Cancel = () => {}
  const changed = (path: string): void => {
    if (path === except) return
    pending()
    pending = clock.after(QUIET_MS, () => onChange(path))
  }
  const forget = (folder: string): void => {
    watchers.get(folder)?.close()
    watchers.delete(folder)
  }
  const add = (folder: string, isNew: boolean): void => {
    if (watchers.has(folder)) return
    try {
      const watcher = watch(folder, (_event, name) => {
        const path = join(folder, name ?? '')
        if (name !== null && SOURCE.test(name)) changed(path)
        // A name without the look of a source may be a new folder.
        else if (name !== null && isWatched(name)) add(path, true)
      })
      watcher.on('error', () => forget(folder))
      watchers.set(folder, watcher)
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (entry.isDirectory() && isWatched(entry.name)) add(join(folder, entry.name), isNew)
        else if (isNew && entry.isFile() && SOURCE.test(entry.name)) changed(join(folder, entry.name))
      }
    } catch {
      // Not a folder, or gone again.
      forget(folder)
    }
  }
  add(root, false)
  return {
    close() {
      pending()
      for (const folder of watchers.keys()) forget(folder)
    },
  }
}

function isWatched(name: string): boolean {
  return !name.startsWith('.') && !IGNORED.has(name)
}
