// Whether two requests are the same thing: a hash of what they hold, whatever the order of their fields.
import { hash } from 'node:crypto'
import { canonicalText } from '../core/json.ts'

/** SHA-256 of the canonical form of a value, as base64url. */
export function contentHash(value: unknown): string {
  return hash('sha256', canonicalText(value) ?? 'undefined', 'base64url')
}
