// The pages for operators, as files that the build has made (dist/dashboard). All of them are read once, when the first is asked
// for, into a map from path to answer: a path of a request is looked up in it, and never reaches the file system. They are for
// everybody who may reach the server, like the page on which one signs in: what they show they ask of the API, which judges that
// (guard.ts). Every path of a page is answered with the one page that there is, which looks at the path itself.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { ownPackage } from '../core/own-files.ts'
import { fault } from '../core/errors.ts'

/** Where the build puts them. */
export const DASHBOARD_FOLDER: URL = new URL('dist/dashboard/', ownPackage)

const PLACE = '/dashboard'
const PAGE = 'index.html'
/** The folder of files whose names change with what is in them. */
const ASSETS = 'assets/'

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
}
/** Compressed already. */
const DENSE: ReadonlySet<string> = new Set(['.png', '.woff2'])

const HEADERS: Readonly<Record<string, string>> = {
  // Nothing from elsewhere, nothing inline, in no frame.
  'content-security-policy':
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

type Encoding = 'br' | 'gzip'

interface Form {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly headers: Readonly<Record<string, string>>
}

/** A file in each form that it can be sent in. */
interface Shown {
  readonly plain: Form
  readonly packed: ReadonlyMap<Encoding, Form>
}

type Files = ReadonlyMap<string, Shown>

/** The dashboard of a server. */
export class Dashboard {
  readonly #folder: string
  #files: Promise<Files> | undefined

  constructor(folder: URL) {
    this.#folder = fileURLToPath(folder)
  }

  /** Whether a path is one of the dashboard. */
  static has(path: string): boolean {
    return path === PLACE || path.startsWith(`${PLACE}/`)
  }

  /** The answer to a request for a path of the dashboard. @throws METHOD_NOT_ALLOWED, DASHBOARD_ABSENT, ROUTE_UNKNOWN */
  async answer({ method, url, headers }: Request): Promise<Response> {
    const { pathname, search } = new URL(url)
    if (method !== 'GET' && method !== 'HEAD')
      throw fault('METHOD_NOT_ALLOWED', { method, path: pathname.slice(0, 200), allowed: 'GET, HEAD' })
    // Relative paths in the page are then below it.
    if (pathname === PLACE)
      return new Response(null, { status: 307, headers: { ...HEADERS, location: `${PLACE}/${search}` } })
    const files = await this.#read()
    const path = pathname.slice(PLACE.length + 1)
    const shown = files.get(path) ?? (isPage(path) ? files.get(PAGE) : undefined)
    if (shown === undefined) throw fault('ROUTE_UNKNOWN', { method, path: pathname.slice(0, 200), nearest: '' })
    const form = formFor(shown, headers.get('accept-encoding') ?? '')
    const isSame = tagsOf(headers.get('if-none-match')).includes(form.headers['etag'] ?? '')
    if (isSame) return new Response(null, { status: 304, headers: form.headers })
    const { byteLength } = form.bytes
    return new Response(method === 'HEAD' ? null : form.bytes, {
      headers: { ...form.headers, 'content-length': String(byteLength) },
    })
  }

  /** What is not there is looked for again: it may be built meanwhile. */
  async #read(): Promise<Files> {
    const reading = (this.#files ??= readFiles(this.#folder))
    const files = await reading.catch((error: unknown) => {
      this.#files = undefined
      throw error
    })
    if (files.has(PAGE)) return files
    this.#files = undefined
    throw fault('DASHBOARD_ABSENT')
  }
}

/**
 * Whether a path that no file has is that of a page. A file stands in the folder of assets, or beside the page; what is deeper
 * is a page, dots or none: ids of runs have some.
 */
function isPage(path: string): boolean {
  return !path.startsWith(ASSETS) && (path.includes('/') || !path.includes('.'))
}

async function readFiles(folder: string): Promise<Files> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const read = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => {
      const place = join(entry.parentPath, entry.name)
      const path = relative(folder, place).split(sep).join('/')
      return [path, await shownOf(path, new Uint8Array(await readFile(place)))] as const
    })
  return new Map(await Promise.all(read))
}

async function shownOf(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<Shown> {
  const ending = extname(path)
  const hash = createHash('sha256').update(bytes).digest('base64url').slice(0, 27)
  const common = {
    ...HEADERS,
    'content-type': TYPES[ending] ?? 'application/octet-stream',
    'cache-control': path.startsWith(ASSETS) ? 'public, max-age=31536000, immutable' : 'no-store',
  }
  if (DENSE.has(ending)) return { plain: { bytes, headers: { ...common, etag: `"${hash}"` } }, packed: new Map() }
  const headers = { ...common, vary: 'accept-encoding' }
  const forms = await Promise.all([packedBy('br', bytes), packedBy('gzip', bytes)])
  const packed = forms
    .filter(([, { byteLength }]) => byteLength < bytes.byteLength)
    .map(([encoding, made]): readonly [Encoding, Form] => [
      encoding,
      { bytes: made, headers: { ...headers, etag: `"${hash}-${encoding}"`, 'content-encoding': encoding } },
    ])
  return { plain: { bytes, headers: { ...headers, etag: `"${hash}"` } }, packed: new Map(packed) }
}

const pack = {
  // More than this takes a hundred times as long for a twentieth less.
  br: (bytes: Uint8Array) => promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  gzip: (bytes: Uint8Array) => promisify(gzip)(bytes, { level: 9 }),
}

async function packedBy(encoding: Encoding, bytes: Uint8Array): Promise<readonly [Encoding, Uint8Array<ArrayBuffer>]> {
  return [encoding, new Uint8Array(await pack[encoding](bytes))]
}

function formFor({ plain, packed }: Shown, accepted: string): Form {
  const named = accepted
    .toLowerCase()
    .split(',')
    .filter((part) => !/;\s*q=0(?:\.0*)?\s*$/.test(part))
    .map((part) => part.split(';', 1)[0]?.trim())
  for (const [encoding, form] of packed) if (named.includes(encoding)) return form
  return plain
}

/** The tags of an `If-None-Match`; `*` is not taken, since nobody sends it with a read. */
function tagsOf(header: string | null): readonly string[] {
  return (header ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
}
