// Signing in and out, for a browser: it gives a token once and has a cookie from then on (sessions.ts). Answered by every node
// for itself, at any time: nothing of the application is asked.
import { fault } from '../core/errors.ts'
import { answer, bareAnswer, type Answer } from './answer.ts'
import { readJson } from './body.ts'
import { readEnvelope, requiredText } from './envelope.ts'
import { allows as hasScope, SCOPES, type Scope } from './api-key.ts'
import type { Exchange, Route } from './route.ts'
import { NO_SESSION_COOKIES, sessionCookie } from './sessions.ts'
import type { Allowed } from './tokens.ts'

/** Where a session is begun and ended. */
export const SESSION_PATH = '/api/session'
/** Characters that the body may have: a token, as JSON may write it. */
const BODY_BYTES = 65_536

function show({ guard, request }: Exchange): Promise<Answer> {
  const allows = guard.allowed(request)
  const scopes = scopesOf(guard.isTokenAsked ? allows : 'all')
  const key =
    allows === null || typeof allows === 'string'
      ? null
      : { name: allows.name, until: allows.until === null ? null : new Date(allows.until).toISOString() }
  return Promise.resolve(
    answer(200, {
      required: guard.isTokenAsked,
      signedIn: allows !== null,
      mayWrite: scopes.some((scope) => scope !== 'read'),
      scopes,
      key,
    }),
  )
}

/** Each scope that there is of what a token allows: a page shows by them what it has not. */
function scopesOf(allows: Allowed | null): readonly Scope[] {
  if (allows === null) return []
  if (allows === 'reads') return ['read']
  return allows === 'all' ? SCOPES : SCOPES.filter((scope) => hasScope(allows, scope))
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
    scope: 'everybody',
    summary: 'Show whether a token is asked for, and whether you have signed in',
    query: [],
    answer: show,
  },
  {
    method: 'POST',
    path: SESSION_PATH,
    scope: 'everybody',
    summary: 'Sign in with a token',
    query: [],
    answer: signIn,
  },
  {
    method: 'DELETE',
    path: SESSION_PATH,
    scope: 'everybody',
    summary: 'Sign out',
    query: [],
    answer: () => Promise.resolve(bareAnswer(204, NO_SESSION_COOKIES)),
  },
]
