// Signing in and out, for a browser: it gives a token once and has a cookie from then on (sessions.ts). Answered by every node
// for itself, at any time: nothing of the application is asked.
import { fault } from '../core/errors.ts'
import { answer, bareAnswer, type Answer } from './answer.ts'
import { readJson } from './body.ts'
import { readEnvelope, requiredText } from './envelope.ts'
import type { Exchange, Route } from './route.ts'
import { NO_SESSION_COOKIES, sessionCookie } from './sessions.ts'

/** Where a session is begun and ended. */
export const SESSION_PATH = '/api/session'
/** Characters that the body may have: a token, as JSON may write it. */
const BODY_BYTES = 65_536

function show({ guard, request }: Exchange): Promise<Answer> {
  const allows = guard.allowed(request)
  return Promise.resolve(
    answer(200, {
      required: guard.isTokenAsked,
      signedIn: allows !== null,
      mayWrite: !guard.isTokenAsked || allows === 'all',
    }),
  )
}

async function signIn({ guard, failedSignIns, request, bodyLimitBytes }: Exchange): Promise<Answer> {
  const body = readEnvelope(await readJson(request, Math.min(bodyLimitBytes, BODY_BYTES)), ['token'])
  const token = requiredText(body, 'token')
  if (!guard.isTokenAsked) return bareAnswer(204)
  failedSignIns.admit()
  const session = guard.sessionFor(token)
  if (session !== null) return bareAnswer(204, [sessionCookie(session, request)])
  failedSignIns.add()
  throw fault('TOKEN_REQUIRED', { problem: 'the one that was sent is another' })
}

export const sessionRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: SESSION_PATH,
    summary: 'Show whether a token is asked for, and whether you have signed in',
    query: [],
    answer: show,
  },
  { method: 'POST', path: SESSION_PATH, summary: 'Sign in with a token', query: [], answer: signIn },
  {
    method: 'DELETE',
    path: SESSION_PATH,
    summary: 'Sign out',
    query: [],
    answer: () => Promise.resolve(bareAnswer(204, NO_SESSION_COOKIES)),
  },
]
