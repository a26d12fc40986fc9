// Long operations of a service that fetches its calls: they say that they live, over real HTTP; how far they are goes with each attempt,
// who is silent has failed, and who is not wanted any more is told so, also where nothing has to be said.
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { fetched, fetchWork, type FetchWorkOptions } from '../../src/http.ts'
import { ballet, operation, service, workflow, type OperationContext } from '../../src/index.ts'
import { handler } from '../../src/server.ts'
import { serveFetch } from '../../src/server/serve.ts'
import { Traffic } from '../../src/server/traffic.ts'
import { malformed, wellFormed } from '../hostile/json-texts.ts'
import { gate, keptLog, openForTest } from '../support/applications.ts'
import { fastClock } from '../support/clocks.ts'
import { Asker, secret, signed, type Call } from './asking.ts'

const secrets = [secret]
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

type Body = (context: OperationContext) => unknown
const retry = { attempts: 3, backoff: '1ms', limit: '5ms' } as const
const specs = {
  export: { input: z.null(), output: z.json(), timeout: '1h', heartbeat: '1200ms', retry },
  copy: { input: z.null(), output: z.json(), timeout: '1h', retry },
} as const

/** After so many heartbeats, a third of its time apart, an attempt would have been silent for too long without them. */
const LIVING = 4

/** An application whose service fetches its calls, with a run of an export, or of a copy, which has no heartbeat. */
async function world(call: keyof typeof specs = 'export') {
  const contract = service('table', { export: operation(specs.export), copy: operation(specs.copy) })
  const table = fetched(contract, { secrets })
  const flow = workflow('flow', { input: z.null(), output: z.object({ told: z.json() }) }, async (run) => ({
    told: await run.call(table[call](null)),
  }))
  const app = await openForTest(ballet({ services: [table], workflows: [flow] }))
  const log = keptLog()
  const handle = handler(app, { token: 'open-sesame', log })
  const lived = gate()
  let beats = 0
  const answer = async (request: Request): Promise<Response> => {
    const answered = await handle(request)
    if (!request.url.endsWith('/heartbeat') || answered.status !== 204) return answered
    beats += 1
    if (beats === LIVING) lived.open()
    return answered
  }
  const serving = await serveFetch(answer, new Traffic(), { port: 0 })
  closing.push(() => serving.close())
  await app.start(flow(null), { id: 'one' })
  return { app, log, at: serving.url, asker: new Asker(serving.url, 'table'), lived: lived.promise }
}

/** The service, in a process of its own: its attempts are made by these, one after the other. What `context.progress` was in each. */
function carried(at: string, bodies: readonly Body[], options: Partial<FetchWorkOptions> = {}): readonly unknown[] {
  const progress: unknown[] = []
  const run = async (_: null, context: OperationContext): Promise<string> => {
    const number = progress.push(context.progress) - 1
    return (await bodies[number]?.(context)) as string
  }
  const table = service('table', {
    export: operation({ ...specs.export, run }),
    copy: operation({ ...specs.copy, run }),
  })
  const fetching = fetchWork(table, { at, secrets, log: keptLog(), ...options })
  closing.push(() => fetching.close())
  return progress
}

/** Says how far it is until it is told to stop, or to fall silent. */
async function beating(context: OperationContext, silent: Promise<unknown>): Promise<void> {
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  let row = 0
  const next = setInterval(() => context.heartbeat({ row: (row += 1) }), 20)
  context.signal.addEventListener('abort', () => reject(context.signal.reason as Error))
  await Promise.race([silent, stopped]).finally(() => clearInterval(next))
}

test('what lives goes on, and says how far it is; what falls silent has failed, and the next attempt has its progress', async () => {
  const { app, at, lived } = await world()
  const quiet = gate()
  const signals: AbortSignal[] = []
  const silent: Body = async (context) => {
    signals.push(context.signal)
    await beating(context, quiet.promise)
    await once(context.signal, 'abort')
  }
  const goesOn: Body = ({ progress: last }) => {
    // Two are not at work at one call.
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    return last ?? null
  }
  const progress = carried(at, [silent, goesOn])
  await lived
  const heard = (await app.run('one'))?.waits[0]?.heartbeat
  expect(heard).toMatchObject({ attempt: 1, progress: { row: expect.any(Number) as number } })
  quiet.open()
  const output = await app.result('one')
  expect(output).toEqual({ told: { row: expect.any(Number) as number } })
  expect(progress).toEqual([undefined, (output as { readonly told: unknown }).told])
  expect(JSON.stringify((await app.journal('one'))?.items)).toContain('ATTEMPT_SILENT')
})

test('an attempt that fails says with that how far it came', async () => {
  const { app, at } = await world()
  const failing: Body = (context) => {
    context.heartbeat([1, 2])
    throw new Error('the disk is full')
  }
  carried(at, [failing, ({ progress: last }) => last ?? null])
  expect(await app.result('one')).toEqual({ told: [1, 2] })
})

test('one that cannot be kept is told as a failure, and the next attempt is made all the same', async () => {
  const { app, at } = await world()
  const failing: Body = (context) => {
    context.heartbeat(Array.from({ length: 200 }).reduce((inner: unknown) => [inner], 1))
    throw new Error('the disk is full')
  }
  carried(at, [failing, ({ attempt, progress: last }) => [attempt, last ?? null]])
  expect(await app.result('one')).toEqual({ told: [2, null] })
  const journal = JSON.stringify((await app.journal('one'))?.items)
  expect(journal).toContain('its answer was refused with 400')
  expect(journal).not.toContain('ATTEMPT_SILENT')
})

test('what its run has given up is told so by the answer to its heartbeat', async () => {
  const { app, at } = await world()
  const begun = gate()
  const stopped = gate<unknown>()
  const body: Body = async (context) => {
    begun.open()
    await beating(context, new Promise(() => {})).catch((error: unknown) => stopped.open(error))
    return 'half of it'
  }
  carried(at, [body])
  await begun.promise
  await app.cancel('one', { by: 'ann', why: 'too late' })
  expect(await stopped.promise).toMatchObject({ code: 'CALL_ABORTED' })
  expect(await app.settled('one', 60_000)).toMatchObject({ status: 'cancelled' })
})

test.each(['export', 'copy'] as const)('and one whose body says nothing is asked for by itself: %s', async (call) => {
  const { app, at } = await world(call)
  const begun = gate()
  const stopped = gate<unknown>()
  const body: Body = async ({ signal }) => {
    begun.open()
    await once(signal, 'abort')
    stopped.open(signal.reason)
    return 'half of it'
  }
  carried(at, [body], { clock: fastClock(20) })
  await begun.promise
  await app.cancel('one', { by: 'ann', why: 'too late' })
  expect(await stopped.promise).toMatchObject({ code: 'CALL_ABORTED' })
  expect(await app.settled('one', 60_000)).toMatchObject({ status: 'cancelled' })
})

test('by the wire: where heartbeats go, what they may be, and whom they are believed', async () => {
  const { app, asker, log } = await world()
  const call = await asker.call()
  expect(call).toMatchObject({ heartbeatMs: 1200, heartbeatTo: `${call.answerTo}/heartbeat` })
  const foreign = `whsec_${Buffer.alloc(32, 8).toString('base64')}`
  const at = (heartbeatTo: string): Call => ({ ...call, heartbeatTo })
  const largest = 'x'.repeat(16_384 - 2)
  expect({
    right: await asker.beat(call, { beat: 1, progress: { row: 1 } }),
    bare: await asker.beat(call),
    foreign: await asker.beat(call, { progress: 2 }, { secret: foreign }),
    other: await asker.beat(call, { idempotencyKey: 'another', progress: 2 }),
    id: await asker.beat(call, { progress: 2 }, { id: 'another' }),
    number: await asker.beat(call, { beat: 0 }),
    asks: await asker.beat(call, { asks: 1 }),
    json: await asker.send(call.heartbeatTo, signed('{', { id: call.idempotencyKey })),
    large: await asker.beat(call, { progress: `${largest}x` }),
    huge: await asker.beat(call, { progress: 'x'.repeat(40_000) }),
    never: await asker.beat(at(`/api/work/table/local.${'A'.repeat(43)}/heartbeat`), { progress: 2 }),
    nowhere: await asker.beat(at(`/api/work/table/gone.${'A'.repeat(43)}/heartbeat`), { progress: 2 }),
    unsigned: await asker.beat(at(`/api/work/table/gone.${'A'.repeat(43)}/heartbeat`), {}, { secret: foreign }),
    unknown: await asker.beat(at(call.heartbeatTo.replace('/table/', '/chair/'))),
  }).toEqual({
    right: '204',
    bare: '204',
    foreign: '401 SIGNATURE_REFUSED',
    other: '401 SIGNATURE_REFUSED',
    id: '401 SIGNATURE_REFUSED',
    number: '422 REQUEST_INVALID',
    asks: '422 REQUEST_INVALID',
    json: '400 JSON_MALFORMED',
    large: '413 PAYLOAD_TOO_LARGE',
    huge: '413 BODY_TOO_LARGE',
    never: '410 HEARTBEAT_UNWANTED',
    nowhere: '410 HEARTBEAT_UNWANTED',
    unsigned: '401 SIGNATURE_REFUSED',
    unknown: '404 WORK_UNFETCHED',
  })
  expect((await app.run('one'))?.waits[0]?.heartbeat).toMatchObject({ attempt: 1, progress: { row: 1 } })
  expect(await asker.beat(call, { beat: 2, progress: largest })).toBe('204')
  expect(await asker.answer(call, { answer: 'all of it' })).toBe('204')
  expect(await app.result('one')).toEqual({ told: 'all of it' })
  expect(await asker.beat(call, { beat: 3 })).toBe('410 HEARTBEAT_UNWANTED')
  // What is only late is in no log.
  expect(log.lines.filter((line) => line.includes('410'))).toEqual([])
})

test('rubbish at the door does no harm, however well it is signed', async () => {
  const { app, asker, log } = await world('copy')
  const call = await asker.call()
  const key = JSON.stringify(call.idempotencyKey)
  const bodies = [...malformed, ...wellFormed].flatMap(([, make]) => {
    const text = make()
    return [
      text,
      ...['idempotencyKey', 'beat', 'asks', 'progress'].map((field) => `{"idempotencyKey":${key},"${field}":${text}}`),
    ]
  })
  const told = new Set<string>()
  // Some have megabytes.
  for (const body of bodies.filter(({ length }) => length < 50_000))
    told.add((await asker.send(call.heartbeatTo, signed(body, { id: call.idempotencyKey }))).slice(0, 1))
  expect([...told].sort()).toEqual(['2', '4'])
  expect(await asker.answer(call, { answer: 'all of it' })).toBe('204')
  expect(await app.result('one')).toEqual({ told: 'all of it' })
  expect(log.lines.filter((line) => line.startsWith('error'))).toEqual([])
})

test('of two that have one call neither takes back how far the other is, and the first answer counts', async () => {
  const { app, asker } = await world()
  const call = await asker.call()
  expect(await asker.beat(call, { beat: 7, progress: 'here' })).toBe('204')
  expect(await asker.beat(call, { beat: 1, progress: 'there' })).toBe('204')
  expect((await app.run('one'))?.waits[0]).toMatchObject({ heartbeat: { attempt: 1, progress: 'here' } })
  expect(await asker.answer(call, { answer: 1 })).toBe('204')
  expect(await asker.answer(call, { answer: 2 })).toBe('404 ANSWER_UNAWAITED')
  expect(await app.result('one')).toEqual({ told: 1 })
})

test('a call without a heartbeat is asked for at the same door: whoever has it hears that it was given up', async () => {
  const { app, asker } = await world('copy')
  const call = await asker.call()
  expect(call.heartbeatTo).toBe(`${call.answerTo}/heartbeat`)
  expect(call).not.toHaveProperty('heartbeatMs')
  expect(await asker.beat(call, { progress: 'nobody keeps it' })).toBe('204')
  expect(await asker.beat(call, { asks: true })).toBe('204')
  await app.cancel('one', { by: 'ann', why: 'too late' })
  expect(await asker.beat(call, { asks: true })).toBe('410 HEARTBEAT_UNWANTED')
  // How far it came is waited for all the same.
  expect(await asker.answer(call, { answer: 'half of it' })).toBe('204')
  expect(await app.settled('one', 60_000)).toMatchObject({ status: 'cancelled' })
  expect(await asker.beat(call)).toBe('410 HEARTBEAT_UNWANTED')
})
