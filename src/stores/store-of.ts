// Which store a URL means.
import { fileURLToPath } from 'node:url'
import type { Clock } from '../core/clock.ts'
import { fault } from '../core/errors.ts'
import type { Store } from '../core/store.ts'
import { isPostgresUrl } from '../core/store-url.ts'
import { memory } from './memory/memory-store.ts'
import { postgres } from './postgres/postgres-store.ts'
import { sqlite } from './sqlite/sqlite-store.ts'

/**
 * The store of `memory:`, `file:<path>` (relative to the working folder, or a file URL) or `postgres://...`.
 * @throws STORE_UNKNOWN
 */
export function storeOf(url: string, clock: Clock): Store {
  if (url === 'memory:') return memory()
  if (url.startsWith('file://')) return sqlite({ file: pathOf(url) })
  if (url.startsWith('file:') && url.length > 5) return sqlite({ file: url.slice(5) })
  if (isPostgresUrl(url)) return postgres({ url, clock })
  throw fault('STORE_UNKNOWN', { url: url.slice(0, 200) })
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url)
  } catch (error) {
    throw fault('STORE_UNKNOWN', { url: url.slice(0, 200) }, error)
  }
}
