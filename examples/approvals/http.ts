// The routes, beside the API that Ballet serves under /api. There is no login here: whoever asks says who they are. In your
// application that comes from the session.
import { randomUUID } from 'node:crypto'
import type { Application, HttpRoutes } from 'ballet'
import { readJson } from 'ballet/server'
import { z } from 'zod'
import type { ClaimWorkflow } from './claim.ts'
import { claimOf, handIn, readClaim, withdraw } from './claims.ts'
import { Claim, Decision, Name, Style } from './contracts.ts'
import { lineOf } from './people.ts'
import { Problem } from './problem.ts'
import { decideTask, openTasks } from './tasks.ts'

const HandIn = Claim.pick({ by: true, amount: true, reason: true, account: true })
  .extend({ claimId: Claim.shape.claimId.optional(), style: Style.default('orchestrated') })
  .strict()
const Decided = Decision.extend({ note: Decision.shape.note.default('') }).strict()
const Wait = z
  .string()
  .regex(/^[0-9]{1,2}s$/, 'use up to 99s')
  .transform((text) => Number.parseInt(text, 10) * 1_000)
const Person = z.strictObject({ by: Name })

interface Visit {
  readonly app: Application
  readonly claim: ClaimWorkflow
  readonly decideWithinMs: number
  readonly request: Request
  readonly query: URLSearchParams
  /** What stands in the place of `:id` in the path. */
  readonly id: string
}

const welcome = `Claims that people decide about. What there is:

  POST /claims                  {claimId?, by, amount, reason, account, style?}, the amount in cents
  GET  /claims                  the newest
  GET  /claims/{id}             what became of one; ?wait=10s answers when it is over
  POST /claims/{id}/withdrawal  {by}
  GET  /tasks?person=bob        what somebody is asked to do
  POST /tasks/{id}/decision     {by, decision: approve | reject | ask | answer, note?}

examples/approvals/README.md has a command for each. The API of Ballet stands under /api.
`

const routes: readonly (readonly [route: string, answer: (visit: Visit) => Promise<Response>])[] = [
  ['GET /', async () => new Response(welcome)],
  ['POST /claims', postClaim],
  ['GET /claims', async ({ app }) => Response.json({ claims: (await app.runs({ name: 'claim' })).items.map(claimOf) })],
  ['GET /claims/:id', getClaim],
  ['POST /claims/:id/withdrawal', postWithdrawal],
  ['GET /tasks', getTasks],
  ['POST /tasks/:id/decision', postDecision],
]

export function approvalRoutes(claim: ClaimWorkflow, decideWithinMs: number): HttpRoutes {
  return (app) => async (request) => {
    const { pathname, searchParams: query } = new URL(request.url)
    const known = routes.flatMap(([route, answer]) => {
      const [method, path = ''] = route.split(' ')
      const match = new RegExp(`^${path.replace(':id', '([^/]+)')}$`).exec(pathname)
      return match === null ? [] : [{ method, answer, id: decoded(match[1] ?? '') }]
    })
    if (known.length === 0) return undefined
    const found = known.find(({ method }) => method === request.method)
    try {
      if (found !== undefined) return await found.answer({ app, claim, decideWithinMs, request, query, id: found.id })
      const methods = known.map(({ method }) => method).join(', ')
      throw new Problem(405, 'METHOD_NOT_ALLOWED', `${request.method} is not allowed here.`, `Use ${methods}.`)
    } catch (error) {
      if (error instanceof Problem) return error.response
      throw error
    }
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

async function postClaim({ app, claim, decideWithinMs, request }: Visit): Promise<Response> {
  const { claimId = `claim-${randomUUID().slice(-12)}`, ...body } = await read(request, HandIn)
  await handIn(app, claim, { ...body, claimId, line: lineOf(body.by, body.amount), decideWithinMs })
  const url = `/claims/${claimId}`
  return Response.json({ claimId, url }, { status: 202, headers: { location: url } })
}

async function getClaim({ app, id, query }: Visit): Promise<Response> {
  const waitMs = parse(Wait, query.get('wait') ?? '0s', 'The parameter "wait"')
  return Response.json(await readClaim(app, id, waitMs))
}

async function postWithdrawal({ app, id, request }: Visit): Promise<Response> {
  const { by } = await read(request, Person)
  const claim = await withdraw(app, id, by)
  return Response.json(claim, { status: claim.status === 'withdrawn' ? 200 : 202 })
}

async function getTasks({ app, query }: Visit): Promise<Response> {
  const person = parse(Name, query.get('person'), 'The parameter "person"')
  return Response.json({ tasks: await openTasks(app, person) })
}

async function postDecision({ app, id, request }: Visit): Promise<Response> {
  const task = await decideTask(app, id, await read(request, Decided))
  return Response.json(task, { status: task.status === 'decided' ? 200 : 202 })
}

async function read<Output>(request: Request, schema: z.ZodType<Output>): Promise<Output> {
  return parse(schema, await readJson(request), 'The body')
}

/** @throws Problem 422 with the first thing that is wrong */
function parse<Output>(schema: z.ZodType<Output>, value: unknown, what: string): Output {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const at = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`
  throw new Problem(
    422,
    'REQUEST_INVALID',
    `${what} is not valid${at}: ${issue?.message}.`,
    'Correct it and send again.',
  )
}
