// Which page is asked for. The address is kept behind the `#`: ids and keys of a business then stand in no log of a proxy, no
// server has to know the pages, and an id with a slash in it stays one segment. Everything that a page shows is in its
// address, so that it can be sent to somebody.
import { useSyncExternalStore } from 'react'

export interface Address {
  /** Decoded segments: `['runs', 'checkout:8841']`. */
  readonly path: readonly string[]
  readonly query: URLSearchParams
}

type Query = Readonly<Record<string, string | undefined>>

/** The address of a page, to stand in `href`. Fields that are undefined or empty are left out. */
export function href(path: readonly string[], query: Query = {}): string {
  const fields = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== '') fields.set(name, value)
  const text = fields.toString()
  return `#/${path.map(encodeURIComponent).join('/')}${text === '' ? '' : `?${text}`}`
}

/** What an address after the `#` asks for; a part that is not well encoded is taken as it stands. */
export function addressOf(hash: string): Address {
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split(/\?(.*)/s, 2)
  return {
    path: path
      .split('/')
      .filter((part) => part !== '')
      .map(decoded),
    query: new URLSearchParams(query),
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

const subscribe = (changed: () => void): (() => void) => {
  window.addEventListener('hashchange', changed)
  return () => window.removeEventListener('hashchange', changed)
}

/** The present address, as text that changes when it does. */
export function useHash(): string {
  return useSyncExternalStore(subscribe, () => window.location.hash)
}

/** Goes to a page. `replace`: without a place of its own in the history, as a filter that is typed. */
export function go(to: string, replace = false): void {
  if (replace) window.location.replace(to)
  else window.location.hash = to
}
