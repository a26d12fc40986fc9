// Long operations of services elsewhere say that they live, over real HTTP: how far they are goes with each attempt, who is silent
// has failed, and who is not wanted any more is told so.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest } from '../../../test/support/applications.ts'
import { elsewhere, laterAnswers, serveService, type Serving } from '../../http.ts'
import { ballet, operation, service, workflow, type OperationContext } from '../../index.ts'
import { serveFetch } from '../../server/serve.ts'
import { Traffic } from '../../server/traffic.ts'
import { silentLog } from '../../engine/log.ts'

const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`
const secrets = [secret]
type Body = (context: OperationContext) => unknown
const spec = { input: z.null(), output: z.json(), timeout: '1h', heartbeat: '400ms' } as const

const served: Serving[] = []
afterEach(async () => {
  for (const one of served.splice(0)) await one.close()
})

/** A door for answers and heartbeats, on a port of its own. */
async function door() {
  let take: (request: Request) => Promise<Response | undefined> = async () => undefined
  const heard = gate()
  const answer = async (request: Request): Promise<Response> => {
    const taken = await take(request)
    if (taken?.status === 204) heard.open()
    return taken ?? new Response(null, { status: 404 })
  }
  const serving = await serveFetch(answer, new Traffic(), { port: 0 })
  served.push(serving)
  const answers = laterAnswers(`${serving.url}/answers`)
  take = answers.take
  return { answers, heard: heard.promise }
}

/** A service whose attempts are made by these, one after the other, and an application that calls it. */
async function exporting(bodies: readonly Body[]) {
  const progress: unknown[] = []
  const table = service('table', {
    export: operation({
      ...spec,
      run: async (_, context) => {
        const number = progress.push(context.progress) - 1
        return (await bodies[number]?.(context)) as string
      },
    }),
  })
  const there = await serveService(table, { port: 0, secrets, log: silentLog })
  served.push(there)
  const { answers, heard } = await door()
  const contract = service('table', { export: operation(spec) })
  const here = elsewhere(contract, { url: there.url, secrets, answers })
  const flow = workflow('flow', { input: z.null(), output: z.object({ told: z.json() }) }, async (run) => ({
    told: await run.call(here.export(null)),
  }))
  const app = await openForTest(ballet({ services: [here], workflows: [flow] }))
  await app.start(flow(null), { id: 'one' })
  return { app, progress, heard }
}

/** Says how far it is until it is told to stop. */
const beating = (context: OperationContext, progress: (round: number) => unknown): Promise<never> =>
  new Promise((_, reject) => {
    let round = 0
    const next = setInterval(() => context.heartbeat(progress((round += 1))), 20)
    context.signal.addEventListener('abort', () => {
      clearInterval(next)
      reject(context.signal.reason as Error)
    })
  })

test('what lives goes on, and says how far it is; what falls silent has failed, and the next attempt has its progress', async () => {
  const quiet = gate()
  const silent = async (context: OperationContext): Promise<void> => {
    let row = 0
    const next = setInterval(() => context.heartbeat({ row: (row += 1) }), 20)
    await quiet.promise
    clearInterval(next)
    await new Promise(() => {})
  }
  const { app, progress, heard } = await exporting([silent, ({ progress: last }) => last ?? null])
  await heard
  expect((await app.run('one'))?.waits[0]?.heartbeat).toEqual({
    attempt: 1,
    at: expect.any(String) as string,
    progress: { row: expect.any(Number) as number },
  })
  quiet.open()
  const output = await app.result('one')
  expect(output).toEqual({ told: { row: expect.any(Number) as number } })
  expect(progress).toEqual([undefined, (output as { readonly told: unknown }).told])
})

test('an attempt that fails says with that how far it came', async () => {
  const bodies: readonly Body[] = [
    (context) => {
      context.heartbeat([1, 2])
      throw new Error('the disk is full')
    },
    ({ progress: last }) => last ?? null,
  ]
  const { app } = await exporting(bodies)
  expect(await app.result('one')).toEqual({ told: [1, 2] })
})

test('what its run has given up is told so by the answer to its heartbeat', async () => {
  const begun = gate()
  const stopped = gate<unknown>()
  const body = async (context: OperationContext): Promise<unknown> => {
    begun.open()
    return beating(context, (round) => round).catch((error: unknown) => {
      stopped.open(error)
      return 'half of it'
    })
  }
  const { app } = await exporting([body])
  await begun.promise
  await app.cancel('one', { by: 'ann', why: 'too late' })
  expect(await stopped.promise).toMatchObject({ code: 'CALL_ABORTED' })
})
