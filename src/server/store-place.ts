// Where a store is, from the words that a person gives: `file:.ballet/app.db`, a bare path, `memory:`. The folder of the
// store is where its process leaves its address (process-file.ts), so that both sides must agree here.
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fault } from '../core/errors.ts'

/** The folder that commands look for, here and above. */
export const STORE_FOLDER = '.ballet'

export type StorePlace =
  | { readonly kind: 'file'; readonly url: string; readonly path: string; readonly folder: string }
  | { readonly kind: 'memory'; readonly url: 'memory:'; readonly folder: string }

/** The store that `text` names, its path made absolute. @throws STORE_UNKNOWN */
export function storePlace(text: string, cwd: string): StorePlace {
  if (text === 'memory:') return { kind: 'memory', url: 'memory:', folder: join(cwd, STORE_FOLDER) }
  const path = filePath(text)
  if (path === undefined || path === '') throw fault('STORE_UNKNOWN', { url: text })
  const absolute = resolve(cwd, path)
  return { kind: 'file', url: `file:${absolute}`, path: absolute, folder: dirname(absolute) }
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
