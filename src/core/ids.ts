// Ids that the engine derives. They are functions of the run and the place in it, never of time or chance, so a
// replay and a retry arrive at the same ones. Every key holds the store's id (a deleted file must not make a provider
// deduplicate the first order of the next one), the namespace where it is not the default one (two may have runs of one id),
// and the run's generation (names begin anew in a continued run).
import { fault } from './errors.ts'
import { DEFAULT_NAMESPACE, idProblem, splitKey } from './names.ts'

/** What derived ids are made of. */
export interface RunIdentity {
  readonly store: string
  readonly ns: string
  readonly id: string
  readonly generation: number
}

/** Operation id: the name and its occurrence (`payment.charge#0`), or the name and a given id (`payment.charge/sku-1`). */
export function operationId(name: string, occurrence: number, given: string | undefined): string {
  return given === undefined ? `${name}#${occurrence}` : `${name}/${given}`
}

/** Where an operation reads like the generation in front of it: `b:0:c`, `7:c`. */
const LIKE_A_GENERATION = /(?:^|:)\d+:/

/**
 * The key under which a service sees one call, in every attempt: also the id of the outcome's event. Ids of runs and names
 * of steps may hold colons, so the last number between two of them has to be the generation, or two runs had one key: an
 * operation that holds such a number stands there with `%` for its colons, which no name has.
 */
export function idempotencyKey(run: RunIdentity, op: string): string {
  const named = LIKE_A_GENERATION.test(op) ? op.replaceAll(':', '%') : op
  // No id of a store and no name has a `/` or a colon.
  const space = run.ns === DEFAULT_NAMESPACE ? run.store : `${run.store}/${run.ns}`
  return `${space}:${run.id}:${run.generation}:${named}`
}

/** The id of the store that a key begins with. */
export function storeOfKey(key: string): string {
  return key.replace(/[:/].*$/s, '')
}

/** The key of a call that is taken back; one of an earlier generation has that in front: `0~payment.charge#0`. */
export function undoneKey(run: RunIdentity, undoes: string): string {
  const [, generation, op] = /^(\d+)~(.*)$/s.exec(undoes) ?? []
  return op === undefined ? idempotencyKey(run, undoes) : idempotencyKey({ ...run, generation: Number(generation) }, op)
}

/**
 * Id of a child run: the parent's, and the operation with marks that need no escaping in most places. A generation is a
 * number between two `~`, where a name would begin with a letter.
 */
export function childId(run: RunIdentity, op: string): string {
  const generation = run.generation === 0 ? '' : `~${run.generation}`
  return `${run.id}${generation}~${op.replace('#', '.').replace('/', '~')}`
}

/**
 * Characters of the id of a child, which holds the ids of all that it comes from. Each is a byte; an index of PostgreSQL takes
 * 2,704 of them, and a cause (`run:` and the id) has 1,024.
 */
export const CHILD_ID_LIMIT = 1000
/** The same where something is to be taken back, or done again: that is never refused to a run whose own id is within the limit. */
export const AGAIN_ID_LIMIT = 2048

/** Refuses the id of a run that no store might keep. @throws CHILD_ID_TOO_LONG */
export function checkChildId(id: string, op: string, limit: number): string {
  if (id.length > limit) throw fault('CHILD_ID_TOO_LONG', { op, length: id.length, limit })
  return id
}

/**
 * Id of the run that takes the place of a child which failed: the second try of its operation, or the one after `before`. It
 * is that of a child whose operation begins with a word and a colon, as no name of an operation or a workflow does, so that
 * none is taken for it, whatever id an author gives.
 */
export function againId(run: RunIdentity, op: string, before: string): string {
  const tried = childId(run, 'again:')
  const tries = before.startsWith(tried) ? Number.parseInt(before.slice(tried.length), 10) : 1
  return childId(run, `again:${tries + 1}:${op}`)
}

/** Event ids up to this length stand in the id of a reaction's run as they are. */
const PLAIN_EVENT_ID = 64
/** Characters of an event's key that stand before a digest. */
const SHOWN_KEY = 32

/**
 * Id of the run of a reaction: the reaction and the event. Two sources may use one event id, and the id of an outcome
 * holds the id of the run that it came from; so an event of another source, or with a long id, stands there as a digest,
 * after a `~` that no event id holds. Ids then stay short however long a chain of reactions is (ADR 0011). The key is in
 * front of the digest: people see whose it is, and an index finds what belongs together in one place.
 *
 * @param own source of events that the application publishes itself.
 */
export function reactionId(
  reaction: string,
  event: { readonly source: string; readonly id: string; readonly key: string },
  own: string,
  digest: (text: string) => string,
): string {
  const plain = event.source === own && event.id.length <= PLAIN_EVENT_ID && idProblem(event.id) === undefined
  if (plain) return `${reaction}:${event.id}`
  const near = splitKey(event.key).value.slice(0, SHOWN_KEY)
  return `${reaction}:~${near}.${digest(eventRef(event.source, event.id))}`
}

/** A run as a cause. */
export function runRef(id: string): string {
  return `run:${id}`
}

/** An event as a cause: CloudEvents identity is source and id together. */
export function eventRef(source: string, id: string): string {
  return `event:${source}:${id}`
}

/** 14-bit slot of a tag (a run's key, else its id; an event's key): its hash, folded. */
export function slotOf(tag: string, slots: number): number {
  const hash = hashOf(tag)
  return ((hash ^ (hash >>> 18)) >>> 0) % slots
}

/** 32-bit hash of a text, from 0 to 2^32 - 1: FNV-1a over its UTF-16 units (Fowler, Noll, Vo 1991). */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash >>> 0
}
