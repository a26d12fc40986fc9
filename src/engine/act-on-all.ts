// One action for all runs that match a filter, newest first, some at a time: a run that refuses does not stop the rest,
// and what each came to is counted. The pages are of the moment: a run that begins meanwhile is not looked at. A node that does not
// take what is asked of it is found out once, and not asked for more.
import { fault, isBalletError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import type { UnreadableView } from '../core/views.ts'
import type { ActAllRequest, Acted, ActedAll, Application } from '../define/application.ts'
import type { Queries } from './queries.ts'

const LIMIT = 1000
const LIMIT_MOST = 10_000
const PAGE = 200
const SHOWN = 100
/**
 * Runs that are acted on at a time: each takes a commit, or the way to another node and back, which may be a second. Few at first, since
 * a node that is silent is found out by them, and twice as many each time that is answered.
 */
const WIDTH_FIRST = 32
const WIDTH_MOST = 256

/** What may be tried again of one run, and says nothing of the others. */
const OF_THE_RUN = new Set(['NODE_STANDBY', 'OWNER_SILENT', 'OWNER_UNREACHABLE'])

interface Known {
  /** Who acts on a run, the widest first: a node, and its shard; nothing when that is here. */
  readonly whereabouts: (run: string) => readonly string[]
  /** Operations whose calls go on until they are told to end. All runs are cancelled, and not these: nobody would begin them again. */
  readonly endless: ReadonlySet<string>
}

type Matched = { readonly id: string } | UnreadableView

/**
 * @throws QUERY_INVALID
 */
export async function actOnAll(
  actions: Pick<Application, 'retry' | 'cancel'>,
  queries: Queries,
  request: ActAllRequest,
  { whereabouts, endless }: Known,
): Promise<ActedAll> {
  const { action, by, why, limit = LIMIT } = request
  if (action !== 'retry' && action !== 'cancel')
    throw fault('QUERY_INVALID', { name: 'action', problem: 'it must be retry or cancel' })
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MOST)
    throw fault('QUERY_INVALID', { name: 'limit', problem: `it must be a whole number from 1 to ${LIMIT_MOST}` })
  // What is no boolean is no leave to act: a program without types may have said 'yes'.
  if (request.rehearse !== undefined && typeof request.rehearse !== 'boolean')
    throw fault('QUERY_INVALID', { name: 'rehearse', problem: 'it must be true or false' })
  if (request.rehearse === true) return rehearse(matching(queries, request, endless), request, limit)
  const refused: { id: string; code: string; message: string }[] = []
  const sum = (more: boolean): ActedAll => ({
    action,
    matched,
    changed,
    ...(kept === 0 ? {} : { kept }),
    more,
    refused,
  })
  let matched = 0
  let changed = 0
  let kept = 0
  const silence = new Silence()
  const actOn = async (run: Matched): Promise<Acted | UnreadableView['error']> => {
    if ('error' in run) return run.error
    const where = whereabouts(run.id)
    try {
      silence.check(where)
      const acted = await actions[action](run.id, { by, why })
      silence.broken(where)
      return acted
    } catch (error) {
      silence.met(where, error)
      // What stops the application stops this too; what one run says is its own, also that the node of its shard is silent.
      if (!isBalletError(error) || (error.family === 'retry' && !OF_THE_RUN.has(error.code))) throw error
      return toFailure(error)
    }
  }
  const actOnSome = async (runs: readonly Matched[]): Promise<void> => {
    const all = await settledAll(runs.map(actOn))
    silence.weigh()
    for (const [index, one] of all.entries()) {
      if ('action' in one) {
        if (one.changed) changed += 1
        if (one.kept === true) kept += 1
      } else if (refused.length < SHOWN) refused.push({ id: (runs[index] as Matched).id, ...one })
    }
  }
  const some: Matched[] = []
  let width = WIDTH_FIRST
  let more = false
  for await (const run of matching(queries, request, endless)) {
    more = matched === limit
    if (more) break
    matched += 1
    some.push(run)
    if (some.length < width) continue
    await actOnSome(some.splice(0))
    width = Math.min(width * 2, WIDTH_MOST)
  }
  await actOnSome(some)
  return sum(more)
}

/** What would be looked at now; asked for in earnest, it may be other runs. */
async function rehearse(runs: AsyncIterable<Matched>, { action }: ActAllRequest, limit: number): Promise<ActedAll> {
  const rehearsed: string[] = []
  let matched = 0
  for await (const { id } of runs) {
    if (matched === limit) return { action, matched, changed: 0, more: true, refused: [], rehearsed }
    matched += 1
    if (rehearsed.length < SHOWN) rehearsed.push(id)
  }
  return { action, matched, changed: 0, more: false, refused: [], rehearsed }
}

/** Nodes and shards that have not taken what was asked of them. */
class Silence {
  readonly #answered = new Set<string>()
  readonly #silent = new Set<string>()
  #met: (readonly string[])[] = []

  /** @throws OWNER_UNREACHABLE for one that is silent: it would be waited for as long once more */
  check(where: readonly string[]): void {
    if (!where.some((name) => this.#silent.has(name))) return
    const problem = 'it has not taken what was asked of it before'
    throw fault('OWNER_UNREACHABLE', { address: 'the shard of the run', problem })
  }

  /** What was asked came out. */
  broken(where: readonly string[]): void {
    for (const name of where) this.#answered.add(name)
  }

  met(where: readonly string[], error: unknown): void {
    if (!isBalletError(error)) return
    if (error.code === 'OWNER_SILENT') this.#met.push(where)
    else if (!OF_THE_RUN.has(error.code)) this.broken(where)
  }

  /** A node is silent that has taken nothing of all that was asked; where it has taken some of it, one of its shards is. */
  weigh(): void {
    for (const where of this.#met) {
      const widest = where.find((name) => !this.#answered.has(name))
      if (widest !== undefined) this.#silent.add(widest)
    }
    this.#met = []
  }
}

/** What all of these came to. @throws what the first of them did that failed, when none is under way any more */
async function settledAll<T>(works: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(works)
  return Promise.all(works)
}

async function* matching(
  queries: Queries,
  request: ActAllRequest,
  endless: ReadonlySet<string>,
): AsyncGenerator<Matched> {
  const { action, name, kind, key, root, reason } = request
  const isLeft = (of: string): boolean => action === 'cancel' && name === undefined && endless.has(of)
  // Only what is stuck can be retried as a whole.
  const status =
    request.status ?? (request.action === 'retry' || reason !== undefined ? ['stuck'] : ['running', 'stuck'])
  for (let cursor: string | undefined; ;) {
    const page = await queries.runs({
      name,
      kind,
      key,
      root,
      status,
      reason,
      limit: PAGE,
      cursor,
    })
    for (const { id, name: of } of page.items) if (!isLeft(of)) yield { id }
    // Of what cannot be read nobody knows the reason.
    if (reason === undefined) yield* page.unreadable ?? []
    cursor = page.cursor
    if (cursor === undefined) return
  }
}
