// What `npm run approvals` runs: the application on its store, served over HTTP, until it is told to end. Its mails are
// printed. On a new store it carries two claims through, one of them with its time made short; on an old one it says what it
// took up again. It can be killed at any time.
import { isBalletError, open, type Application } from 'ballet'
import { leaveAddress, serve } from 'ballet/server'
import { z } from 'zod'
import { makeApprovals } from './approvals.ts'
import { readClaim } from './claims.ts'
import { lineOf } from './people.ts'
import { openTasks } from './tasks.ts'
import { until } from './until.ts'

const Settings = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(4400),
  BALLET_STORE: z.string().default('file:.ballet/approvals.db'),
  /** Where the services keep their databases. */
  BALLET_SERVICES: z.string().default('.ballet/approvals'),
  /** Seconds that whoever is asked has. */
  DECIDE_WITHIN: z.coerce.number().min(1).optional(),
})

async function main(): Promise<void> {
  const {
    PORT: port,
    BALLET_STORE: store,
    BALLET_SERVICES: folder,
    DECIDE_WITHIN: seconds,
  } = Settings.parse(process.env)
  const asked = new Promise<null>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(null))
  })
  const approvals = makeApprovals({
    folder,
    ...(seconds === undefined ? {} : { decideWithinMs: seconds * 1_000 }),
    delivered: ({ to, text }) => console.log(`  mail to ${to}: ${text}`),
  })
  const app = await open(approvals.definition, { store })
  const server = await serve(app, { port })
  const removeAddress = leaveAddress({ store, storeId: (await app.describe()).store.id, url: server.url })
  console.log(`Ballet: approvals on ${server.url}, process ${process.pid}, store ${store}\n`)

  const { runs } = app.recovered
  if (runs > 0) console.log(`taken up again: ${runs} open ${runs === 1 ? 'run' : 'runs'}\n`)
  else if ((await app.runs({ limit: 1 })).items.length === 0) await tour(app, server.url, approvals.claim)
  console.log(thingsToTry(server.url))

  // Also when the store has failed, or another process has taken it over.
  const failure = await Promise.race([asked, app.stopped])
  removeAddress()
  await server.close()
  await app.close()
  approvals.close()
  if (failure !== null) throw failure
}

/** A small claim, and one that its manager does not decide about. */
async function tour(app: Application, url: string, claim: ReturnType<typeof makeApprovals>['claim']): Promise<void> {
  const ann = { by: 'ann', account: 'NL02ABNA0123456789' }
  console.log('taxi: a small claim, which is approved by rule')
  await post(`${url}/claims`, { ...ann, claimId: 'taxi', amount: 3_200, reason: 'a taxi' })
  console.log(`  ${(await readClaim(app, 'taxi', 10_000)).status}`)

  console.log('laptop: a large one; bob has two seconds, lets them pass, and the directors are asked')
  const laptop = { ...ann, claimId: 'laptop', amount: 184_000, reason: 'a laptop', style: 'orchestrated' } as const
  await app.start(claim({ ...laptop, line: lineOf('ann', laptop.amount), decideWithinMs: 2_000 }))
  const task = await until(app, async () => (await openTasks(app, 'carol'))[0])
  await post(`${url}/tasks/${task.id}/decision`, { by: 'carol', decision: 'approve', note: 'needed' })
  console.log(`  ${(await readClaim(app, 'laptop', 10_000)).status}\n`)
}

const post = (url: string, body: unknown): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

const thingsToTry = (url: string): string => {
  const json = `-H 'content-type: application/json'`
  const body = '{"claimId":"train","by":"ann","amount":12500,"reason":"a train","account":"NL02ABNA0123456789"}'
  return `Try, in another terminal (ann's manager is bob, his are the directors carol and dave):
  # a claim, the tasks of bob, and his decision
  curl ${url}/claims ${json} -d '${body}'
  curl '${url}/tasks?person=bob'
  curl ${url}/tasks/claim:train~task.0/decision ${json} -d '{"by":"bob","decision":"approve"}'
  curl ${url}/claims/train
  # how one thing led to the other
  npx ballet why claimId:train

DECIDE_WITHIN=30 npm run approvals gives everybody 30 seconds in place of two days.
Ctrl-C closes it. Kill it while a claim waits, if you like: it goes on where it was.`
}

try {
  await main()
} catch (error) {
  console.error(isBalletError(error) ? `${error.message}\n${error.hint}` : error)
  process.exitCode = 1
}
