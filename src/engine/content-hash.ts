// Whether two requests are the same thing: a hash of what they hold, whatever the order of their fields.
import { createHash } from 'node:crypto'
import { canonicalText } from '../core/json.ts'

/** SHA-256 of the canonical form of a value, as base64url. */
export function contentHash(value: unknown): string {
  return createHash('sha256')
    .update(canonicalText(value) ?? 'undefined')
    .digest('base64url')
}
