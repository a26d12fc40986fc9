// What keeps failing over HTTP: this node's answer, with those of the others. Read from memory, so that nothing old is missed among what is
// young.
import type { FailingPage } from '../core/failing-views.ts'
import { isRecord } from '../core/json.ts'
import { failingTogether } from '../engine/failing.ts'
import { answer, type Answer } from './answer.ts'
import type { Exchange, Route } from './route.ts'

const PATH = '/api/failing'

async function list({ app, query, request, among }: Exchange): Promise<Answer> {
  const own = await app.failing()
  if (query.flag('here') === true) return answer(200, own)
  const others = await among.ask(app, request, `${PATH}?here=true`, pageOf)
  return answer(200, failingTogether([own, ...others]))
}

/** The answer of another node, which may be of another version. */
function pageOf(given: unknown): FailingPage | null {
  if (!isRecord(given) || !Array.isArray(given['failing']) || !isRecord(given['shards'])) return null
  const { known, of } = given['shards']
  const isWhole = typeof known === 'number' && typeof of === 'number' && given['failing'].every(isOne)
  return isWhole ? (given as unknown as FailingPage) : null
}

const isOne = (one: unknown): boolean =>
  isRecord(one) &&
  [one['kind'], one['name']].every((text) => typeof text === 'string') &&
  [one['calls'], one['attempts']].every((count) => typeof count === 'number') &&
  Array.isArray(one['runs'])

export const failingRoutes: readonly Route[] = [
  { method: 'GET', path: PATH, scope: 'read', summary: 'List what keeps failing', query: ['here'], answer: list },
]
