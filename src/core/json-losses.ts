// What JSON leaves out and says nothing of: of a Map it keeps `{}`, of NaN `null`. Looked for where a value comes once, from outside
// or from a body that is not run again, and where nobody would notice later.
import { fault } from './errors.ts'
import { DEPTH_LIMIT, toText, type JsonText } from './json.ts'

/** Every text of a value that has lost something has one of these. */
const SIGNS = /\{\}|null|\{"0":/

/** As `toText`. @throws VALUE_NOT_JSON also for what JSON would leave out of a value, PAYLOAD_TOO_LARGE */
export function toWholeText(value: unknown, what: string): JsonText | undefined {
  const text = toText(value, what)
  if (text !== undefined && SIGNS.test(text)) {
    const loss = lossIn(value, '', 0)
    if (loss !== null) throw fault('VALUE_NOT_JSON', { what, problem: loss })
  }
  return text
}

/** What is lost, and where; null when nothing is. */
function lossIn(value: unknown, path: string, depth: number): string | null {
  if (typeof value === 'number')
    return Number.isFinite(value) ? null : `it has ${value}${at(path)}, which would be null`
  // What has text is no deeper, unless it is another thing each time that it is looked at.
  if (typeof value !== 'object' || value === null || depth > DEPTH_LIMIT) return null
  if ('toJSON' in value && typeof value.toJSON === 'function') return null
  const kind = kindOf(value)
  if (kind !== null) return `it has ${kind}${at(path)}, of which nothing that is in it would be kept as it is`
  for (const [key, part] of Object.entries(value)) {
    const loss = lossIn(
      part,
      Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`,
      depth + 1,
    )
    if (loss !== null) return loss
  }
  return null
}

const at = (path: string): string => (path === '' ? '' : ` at ${path.slice(0, 200)}`)

function kindOf(value: object): string | null {
  if (value instanceof Map) return 'a Map'
  if (value instanceof Set) return 'a Set'
  if (value instanceof Promise) return 'a promise that was not awaited'
  if (value instanceof Error) return 'an Error'
  if (value instanceof RegExp) return 'a RegExp'
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer ? 'bytes' : null
}
