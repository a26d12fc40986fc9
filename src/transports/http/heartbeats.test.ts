// Long operations of services elsewhere say that they live, over real HTTP: how far they are goes with each attempt, who is silent
// has failed, and who is not wanted any more is told so.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest } from '../../../test/support/applications.ts'
import { SteppedClock } from '../../../test/support/clocks.ts'
import { elsewhere, laterAnswers, serveService, type Serving } from '../../http.ts'
import { ballet, operation, service, workflow, type OperationContext } from '../../index.ts'
import { serveFetch } from '../../server/serve.ts'
import { Traffic } from '../../server/traffic.ts'
import type { Cancel } from '../../core/clock.ts'
import { silentLog } from '../../engine/log.ts'
import { systemClock } from '../../engine/clock.ts'
import { readBytes } from '../../server/body.ts'
import { Answers } from './answers.ts'
import { askedText, readAsked } from './asked-text.ts'
import { Beats } from './beats.ts'
import { secretsOf, signatureHeaders } from './signature.ts'

const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`
const secrets = [secret]
type Body = (context: OperationContext) => unknown
const spec = { input: z.null(), output: z.json(), timeout: '1h', heartbeat: '2s' } as const

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

test('a body says so as often as it likes, and one in a third of the heartbeat is sent', async () => {
  const sent: { readonly beat: number; readonly progress: number }[] = []
  const enough = gate()
  const answer = async (request: Request): Promise<Response> => {
    const { beat, progress } = (await request.json()) as { beat: number; progress: number }
    sent.push({ beat, progress })
    // The second does not get through, and the third comes to a page of something between: each is said again.
    if (sent.length === 2) return new Response(null, { status: 503 })
    if (sent.length === 3) return new Response('back in a minute')
    if (sent.length === 5) enough.open()
    return new Response(null, { status: 204 })
  }
  const serving = await serveFetch(answer, new Traffic(), { port: 0 })
  served.push(serving)
  let said = 0
  const table = service('table', {
    export: operation({
      ...spec,
      run: async (_, { heartbeat }) => {
        for (let isOver = false; !isOver; heartbeat((said += 1)))
          isOver = await Promise.race([
            enough.promise.then(() => true),
            new Promise<false>((resolve) => setImmediate(() => resolve(false))),
          ])
        return null as never
      },
    }),
  })
  const there = await serveService(table, { port: 0, log: silentLog })
  served.push(there)
  const body = askedText({ ...asked, heartbeatMs: 300 }, `${serving.url}/one`)
  const headers = { 'content-type': 'application/json' }
  expect((await fetch(`${there.url}/export`, { method: 'POST', headers, body })).status).toBe(200)
  const numbers = sent.map(({ beat }) => beat)
  expect(numbers).toEqual(numbers.map((_, index) => index + 1))
  for (const [index, { progress }] of sent.entries()) expect(progress).toBeGreaterThan(sent[index - 1]?.progress ?? 0)
  expect(said).toBeGreaterThan(sent.length)
})

test('a heartbeat that nobody answers is lost, and the attempt is heard of all the same before it counts as silent', async () => {
  const clock = new SteppedClock()
  const [first, second] = [gate(), gate<unknown>()]
  const answer = async (request: Request): Promise<Response> => {
    const { beat, progress } = (await request.json()) as { beat: number; progress: number }
    if (beat === 1) first.open()
    else second.open([beat, progress])
    if (beat === 1) await new Promise((resolve) => request.signal.addEventListener('abort', resolve))
    return new Response(null, { status: 204 })
  }
  const serving = await serveFetch(answer, new Traffic(), { port: 0 })
  served.push(serving)
  const to = { address: `${serving.url}/one/heartbeat`, heartbeatMs: 3000, asks: false }
  const beats = new Beats({ asked, to, secrets: secretsOf(secrets), clock, stop: () => {} })
  beats.heartbeat(7)
  await first.promise
  clock.pass(2999)
  expect(await second.promise).toEqual([2, 7])
  beats.over()
})

test.each([200, 202, 206])('a page of something between has not heard it, %i: it is said again', async (status) => {
  const clock = new HeardClock()
  const sent: unknown[] = []
  const second = gate()
  const answer = async (request: Request): Promise<Response> => {
    const number = sent.push(await request.json())
    if (number === 2) second.open()
    return new Response(number === 1 ? 'back in a minute' : null, { status: number === 1 ? status : 204 })
  }
  const serving = await serveFetch(answer, new Traffic(), { port: 0 })
  served.push(serving)
  const to = { address: `${serving.url}/one/heartbeat`, heartbeatMs: 3000, asks: false }
  const beats = new Beats({ asked, to, secrets: secretsOf(secrets), clock, stop: () => {} })
  // One for itself, one for its answer, and one for the next.
  const isAgain = clock.timersSet(3)
  beats.heartbeat(7)
  await isAgain
  clock.pass(1000)
  await second.promise
  expect(sent).toMatchObject([
    { beat: 1, progress: 7 },
    { beat: 2, progress: 7 },
  ])
  beats.over()
})

test.each([
  ['that has no heartbeat', null],
  ['whose body says nothing', 3000],
])('of a call %s it is asked every five seconds whether it is wanted, until it is not', async (_what, heartbeatMs) => {
  const clock = new HeardClock()
  const seen: unknown[] = []
  const stopped = gate()
  const answer = async (request: Request): Promise<Response> => {
    const number = seen.push(await request.json()) - 1
    // The second does not get through.
    return new Response(null, { status: [204, 503, 410][number] ?? 500 })
  }
  const serving = await serveFetch(answer, new Traffic(), { port: 0 })
  served.push(serving)
  const to = { address: `${serving.url}/one/heartbeat`, heartbeatMs, asks: true }
  const beats = new Beats({ asked, to, secrets: secretsOf(secrets), clock, stop: () => stopped.open() })
  for (const round of [1, 2, 3]) {
    clock.pass(4999)
    expect(seen).toHaveLength(round - 1)
    // One timer for its answer, and one for the next.
    const isAsked = clock.timersSet(2)
    clock.pass(1)
    await Promise.race([isAsked, stopped.promise])
  }
  expect(seen).toEqual([1, 2, 3].map(() => ({ idempotencyKey: asked.idempotencyKey, to: to.address, asks: true })))
  beats.over()
})

const asked = {
  operation: 'table.export',
  input: null,
  idempotencyKey: 'store:one:0:table.export#0',
  fence: '1.0.1764450000000',
  attempt: 1,
  timeoutMs: 60_000,
  key: null,
  run: 'one',
  op: 'table.export#0',
  root: 'run:one',
  cause: null,
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  undoes: null,
} as const

/** A clock that tells when so many timers more have been set. */
class HeardClock extends SteppedClock {
  #left = 0
  #tell = (): void => {}

  override after(delayMs: number, ring: () => void): Cancel {
    const cancel = super.after(delayMs, ring)
    this.#left -= 1
    if (this.#left === 0) this.#tell()
    return cancel
  }

  timersSet(count: number): Promise<void> {
    this.#left = count
    return new Promise((resolve) => (this.#tell = resolve))
  }
}

/** A door with one attempt that waits, and what it has heard. */
function waitingAttempt() {
  const answers = new Answers(new URL('http://door.test/answers'), {
    clock: systemClock,
    read: readBytes,
    refused: () => {},
  })
  const heard: unknown[] = []
  const state = { isGivenUp: false }
  const expected = answers.expect({
    idempotencyKey: asked.idempotencyKey,
    secrets: secretsOf(secrets),
    timeoutMs: 60_000,
    limitBytes: 1000,
    heard: (progress) => void heard.push(progress),
    isGivenUp: () => state.isGivenUp,
  })
  const send = async (
    words: object,
    { by = secret, to = `${answers.addressOf(expected)}/heartbeat`, ago = 0 } = {},
  ): Promise<string> => {
    const body = JSON.stringify({ idempotencyKey: asked.idempotencyKey, ...words })
    const signed = { id: asked.idempotencyKey, seconds: Math.floor(Date.now() / 1000) - ago, body: Buffer.from(body) }
    const headers = { 'content-type': 'application/json', ...signatureHeaders(secretsOf([by]), signed) }
    const answer = await answers.take(new Request(to, { method: 'POST', headers, body }))
    if (answer === undefined) return 'none of its'
    const text = await answer.text()
    return `${answer.status} ${text === '' ? '' : (JSON.parse(text) as { code: string }).code}`.trim()
  }
  return { answers, expected, heard, state, send }
}

test('one that is late, or comes again, says nothing; one that was not numbered on says that the attempt lives', async () => {
  const { heard, send } = waitingAttempt()
  const numbered = [
    { beat: 1, progress: 10 },
    { beat: 3, progress: 30 },
    { beat: 2, progress: 20 },
  ]
  for (const words of numbered) expect(await send(words, { ago: 60 })).toBe('204')
  // Somebody who has seen it, when whoever lived does so no more.
  expect(await send({ beat: 3, progress: 30 }, { ago: 60 })).toBe('204')
  expect(heard).toEqual([10, 30])
  // Its process has begun anew, or another has the same call; and a clock was set back.
  expect(await send({ beat: 1, progress: 40 }, { ago: 50 })).toBe('204')
  expect(await send({ beat: 4 }, { ago: 55 })).toBe('204')
  expect(heard).toEqual([10, 30, undefined, undefined])
  // Whoever does not number them says the newest last.
  await send({ progress: null })
  expect(heard.at(-1)).toBeNull()
})

test('it is believed only from who knows the secret, about the call whose address it is, and while that waits', async () => {
  const { answers, expected, heard, state, send } = waitingAttempt()
  const other = `whsec_${Buffer.alloc(32, 6).toString('base64')}`
  expect(await send({ progress: 1 }, { by: other })).toBe('401 SIGNATURE_REFUSED')
  expect(await send({ idempotencyKey: 'another', progress: 1 })).toBe('401 SIGNATURE_REFUSED')
  expect(await send({ beat: 0 })).toBe('422 REQUEST_INVALID')
  expect(await send({ beat: '1' })).toBe('422 REQUEST_INVALID')
  expect(await send({ to: 1 })).toBe('422 REQUEST_INVALID')
  // It was made for an attempt before, by somebody who has the secret.
  expect(await send({ to: 'http://door.test/answers/before/heartbeat', progress: 1 })).toBe('401 SIGNATURE_REFUSED')
  expect(await send({ progress: 'x'.repeat(40_000) })).toBe('413 BODY_TOO_LARGE')
  expect(await send({}, { to: `${answers.addressOf(expected)}/heartbeat/more` })).toBe('none of its')
  expect(await send({}, { to: `${answers.addressOf(expected)}/other` })).toBe('none of its')
  expect(heard).toEqual([])
  expect(await send({}, { to: 'http://door.test/answers/nobody/heartbeat' })).toBe('410 HEARTBEAT_UNWANTED')
  state.isGivenUp = true
  expect(await send({ progress: 2 })).toBe('410 HEARTBEAT_UNWANTED')
  // It may still come to something, and lives.
  expect(heard).toEqual([2])
  expected.forget()
  expect(await send({ progress: 3 })).toBe('410 HEARTBEAT_UNWANTED')
  expect(heard).toEqual([2])
})

test('what is asked for stands in the request, and only where there is something to ask for', () => {
  const read = (text: string) => readAsked(Buffer.from(text))
  const to = 'http://door.test/answers/token'
  expect(read(askedText({ ...asked, heartbeatMs: 300, progress: { row: 1 } }, to))).toEqual({
    ...asked,
    heartbeatMs: 300,
    heartbeatTo: `${to}/heartbeat`,
    progress: { row: 1 },
  })
  expect(JSON.parse(askedText(asked, to))).not.toHaveProperty('heartbeatTo')
  for (const wrong of [
    { heartbeatMs: 0, heartbeatTo: to },
    { heartbeatMs: '1', heartbeatTo: to },
    { heartbeatMs: 300 },
    { heartbeatMs: 300, heartbeatTo: 'file:///etc/passwd' },
  ])
    expect(() => read(JSON.stringify({ ...asked, ...wrong }))).toThrow('it must be')
})
