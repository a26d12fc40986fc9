// The application itself: what it has, whether its process is up, whether it takes work; and what the errors mean that it answers with.
import { catalogue, fault, type ErrorCode } from '../core/errors.ts'
import { nearest } from '../core/names.ts'
import { answer } from './answer.ts'
import { readiness } from './readiness.ts'
import { ERRORS_PATH, titleOf } from './problem.ts'
import { segment, type Route } from './route.ts'

const isCode = (text: string): text is ErrorCode => Object.hasOwn(catalogue, text)

export const aboutRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/app',
    scope: 'read',
    summary: 'Show what can be called and what reacts to what',
    query: [],
    answer: async ({ app }) => answer(200, await app.describe()),
  },
  {
    method: 'GET',
    path: '/api/nodes',
    scope: 'read',
    summary: 'Show the nodes that share the store, and who owns it',
    query: [],
    answer: async ({ app }) => answer(200, await app.nodes()),
  },
  {
    method: 'GET',
    path: `${ERRORS_PATH}/{code}`,
    scope: 'everybody',
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
    scope: 'everybody',
    summary: 'Whether the process is up',
    query: [],
    answer: () => Promise.resolve(answer(200, { status: 'up' })),
  },
  {
    method: 'GET',
    path: '/readyz',
    scope: 'everybody',
    summary: 'Whether the application takes work',
    query: [],
    answer: async (exchange) => answer(200, await readiness(exchange)),
  },
]
