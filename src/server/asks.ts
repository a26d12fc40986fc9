// Carries what nodes ask of each other, as requests that are signed like those that are passed on. Used by handler.ts.
import { catalogue, fault } from '../core/errors.ts'
import { isRecord } from '../core/json.ts'
import { parseText } from '../core/json-text.ts'
import type { AskCarrier, NodeAnswer, NodeAsk } from '../define/node.ts'
import type { Forwarding } from './forward.ts'

/** Where a node takes what another one asks; nothing that is not signed gets there. */
export const ASKS_PATH = '/api/asks'
/** A little more than what goes in one request. */
export const ASKS_LIMIT_BYTES: number = 4 * 1024 * 1024

/**
 * What stands in the place of the path where it is signed: what was passed on for somebody is signed for the path that it came on, by
 * nodes of an older version for this one as well, and is never taken for what a node asks.
 */
export const ASKS_SIGNED = 'asks of a node'

export const asksCarrier =
  (forwarding: Forwarding): AskCarrier =>
  async (to, asks, over) => {
    const what = { path: ASKS_PATH, signed: ASKS_SIGNED, text: JSON.stringify(asks) }
    const { status, text } = await forwarding.post(to, what, over)
    const answers: unknown = status === 200 ? parseText(text) : undefined
    if (Array.isArray(answers)) return answers.map(answerOf)
    throw fault('OWNER_SILENT', { address: to.address, problem: `it answers ${status}` })
  }

/** An answer that another version, or nobody, understands says nothing. */
function answerOf(answer: unknown): NodeAnswer {
  const { done, refused } = isRecord(answer) ? answer : {}
  if (isRecord(done)) return { done }
  if (!isRecord(refused) || typeof refused['code'] !== 'string' || !Object.hasOwn(catalogue, refused['code']))
    return { unknown: true }
  const { code, details } = refused
  return { refused: { code, details: isRecord(details) ? details : {} } }
}

/** What a body asks. */
export function asksOf(bytes: Uint8Array): readonly NodeAsk[] {
  const body: unknown = parseText(new TextDecoder().decode(bytes))
  return Array.isArray(body) ? (body.filter(isRecord) as unknown as NodeAsk[]) : []
}
