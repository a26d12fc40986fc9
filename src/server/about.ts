// The application itself: what it has, whether its process is up, whether it takes work; and what the errors mean that it answers with.
import { catalogue, fault, type ErrorCode } from '../core/errors.ts'
import { nearest } from '../core/names.ts'
import { standbyFault } from '../engine/standing.ts'
import { answer } from './answer.ts'
import { ERRORS_PATH, titleOf } from './problem.ts'
import { segment, type Route } from './route.ts'

const isCode = (text: string): text is ErrorCode => Object.hasOwn(catalogue, text)

export const aboutRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/app',
    summary: 'Show what can be called and what reacts to what',
    query: [],
    answer: async ({ app }) => answer(200, await app.describe()),
  },
  {
    method: 'GET',
    path: '/api/nodes',
    summary: 'Show the nodes that share the store, and who owns it',
    query: [],
    answer: async ({ app }) => answer(200, await app.nodes()),
  },
  {
    method: 'GET',
    path: `${ERRORS_PATH}/{code}`,
    summary: 'Show what an error means',
    query: [],
    answer: (exchange) => {
      const code = segment(exchange, 'code')
      if (!isCode(code)) {
        const path = `${ERRORS_PATH}/${code.slice(0, 80)}`
        throw fault('ROUTE_UNKNOWN', { method: 'GET', path, nearest: nearest(code, Object.keys(catalogue)) })
      }
      const { family, status, message, hint } = catalogue[code]
      return Promise.resolve(answer(200, { code, title: titleOf(code), status, family, message, hint }))
    },
  },
  {
    method: 'GET',
    path: '/healthz',
    summary: 'Whether the process is up',
    query: [],
    answer: () => Promise.resolve(answer(200, { status: 'up' })),
  },
  {
    method: 'GET',
    path: '/readyz',
    summary: 'Whether the application takes work',
    query: [],
    async answer({ app, passing }) {
      // An engine that has stopped (closed, its disk gone) refuses this too, and its error is the answer.
      await app.describe()
      const { role, owner, isSure } = app.standing
      if (role === 'recovering') throw fault('NOT_READY')
      // One that was away may have been replaced, and does not know it yet.
      if (role === 'owner' && !isSure) throw fault('LEASE_UNCONFIRMED')
      if (role === 'standby') {
        if (!passing.isPossible || owner?.address == null) throw standbyFault(owner)
        const { id, address } = owner
        await passing.check({ id, address })
        return answer(200, { status: 'standby', owner: address })
      }
      return answer(200, { status: 'ready', recovered: app.recovered })
    },
  },
]
