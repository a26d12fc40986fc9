// Where a store is, from the words that a person gives: `file:.ballet/app.db`, a bare path, `memory:`,
// `postgres://...`. The folder of the store is where its process leaves its address (process-file.ts), so that both sides
// must agree here; for a store that is no file it is that of the working folder.
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fault } from '../core/errors.ts'
import { isPostgresUrl, publicUrl } from '../core/store-url.ts'

/** The folder that commands look for, here and above. */
export const STORE_FOLDER = '.ballet'

/** `url` names it, also to people; `open` is what the store is opened with, and may hold a password. */
export type StorePlace =
  | {
      readonly kind: 'file'
      readonly url: string
      readonly open: string
      readonly path: string
      readonly folder: string
    }
  | { readonly kind: 'postgres'; readonly url: string; readonly open: string; readonly folder: string }
  | { readonly kind: 'memory'; readonly url: string; readonly open: string; readonly folder: string }

/** What somebody means who has left the colon out is no file of that name. */
const SCHEMES: ReadonlySet<string> = new Set(['memory', 'file', 'sqlite', 'postgres', 'postgresql'])

/** The store that `text` names, its path made absolute. @throws STORE_UNKNOWN */
export function storePlace(text: string, cwd: string): StorePlace {
  const folder = join(cwd, STORE_FOLDER)
  if (text === 'memory:') return { kind: 'memory', url: text, open: text, folder }
  if (isPostgresUrl(text)) return { kind: 'postgres', url: publicUrl(text), open: text, folder }
  const path = filePath(text)
  if (path === undefined || path === '' || SCHEMES.has(text)) throw fault('STORE_UNKNOWN', { url: text })
  const absolute = resolve(cwd, path)
  const url = `file:${absolute}`
  return { kind: 'file', url, open: url, path: absolute, folder: dirname(absolute) }
}

function filePath(text: string): string | undefined {
  if (text.startsWith('file://')) {
    try {
      return fileURLToPath(text)
    } catch {
      return undefined
    }
  }
  if (text.startsWith('file:')) return text.slice('file:'.length)
  // A drive letter is no scheme.
  return /^[a-z][a-z0-9+.-]+:/i.test(text) ? undefined : text
}
