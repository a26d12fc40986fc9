// Carries what nodes ask of each other, as requests that are signed like those that are passed on. Used by handler.ts.
import { fault } from '../core/errors.ts'
import { isRecord } from '../core/json.ts'
import { parseText } from '../core/json-text.ts'
import type { AskCarrier, NodeAnswer, NodeAsk } from '../define/node.ts'
import type { Forwarding } from './forward.ts'

/** Where a node takes what another one asks; nothing that is not signed gets there. */
export const ASKS_PATH = '/api/asks'
/** A little more than what goes in one request. */
export const ASKS_LIMIT_BYTES: number = 4 * 1024 * 1024

export const asksCarrier =
  (forwarding: Forwarding): AskCarrier =>
  async (to, asks, over) => {
    const { status, text } = await forwarding.post(to, ASKS_PATH, JSON.stringify(asks), over)
    const answers: unknown = status === 200 ? parseText(text) : undefined
    if (Array.isArray(answers)) return answers as readonly NodeAnswer[]
    throw fault('OWNER_SILENT', { address: to.address, problem: `it answers ${status}` })
  }

/** What a body asks. */
export function asksOf(bytes: Uint8Array): readonly NodeAsk[] {
  const body: unknown = parseText(new TextDecoder().decode(bytes))
  return Array.isArray(body) ? (body.filter(isRecord) as unknown as NodeAsk[]) : []
}
