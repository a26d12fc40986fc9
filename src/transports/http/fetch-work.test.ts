// A service that fetches its calls with somebody between it and its application, who gives up, swallows, refuses and answers by
// himself: over real HTTP, and nothing is lost that was carried out.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { Asker, secret } from '../../../test/remote/asking.ts'
import { between, page, problem, type Meets, type Reply } from '../../../test/remote/between.ts'
import { gate, keptLog, openForTest, until } from '../../../test/support/applications.ts'
import { fastClock } from '../../../test/support/clocks.ts'
import { elapsedOf, type Cancel, type Clock } from '../../core/clock.ts'
import type { Duration } from '../../core/duration.ts'
import { systemClock } from '../../engine/clock.ts'
import { fetched, fetchWork } from '../../http.ts'
import { ballet, operation, service } from '../../index.ts'
import { serve } from '../../server.ts'
import { WorkFetcher } from './fetch-work.ts'
import { secretsOf } from './signature.ts'

const secrets = [secret]
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Time passes fast for the service, and what it signs is of this day all the same. */
function swiftClock(): Clock {
  const fast = fastClock(20)
  return { now: () => systemClock.now(), elapsed: () => fast.now(), after: (ms, call) => fast.after(ms, call) }
}

/** One attempt, which has long: what is lost is seen. */
const shape = { input: z.string(), output: z.string(), timeout: '1h', retry: { attempts: 1 } } as const

/** An application, whoever stands in front of it, and the service that fetches its calls there. */
async function world(
  meets: Meets,
  run: (text: string) => string = (text) => `${text} is done`,
  timeout: Duration = '1h',
) {
  const there = fetched(service('bank', { ask: operation({ ...shape, timeout }) }), { secrets, answerLimitBytes: 1000 })
  const app = await openForTest(ballet({ services: [there] }))
  const serving = await serve(app, { port: 0, log: keptLog() })
  closing.push(() => serving.close())
  const front = await between(serving.url, meets)
  closing.push(() => front.close())
  const log = keptLog()
  const warned = gate<string>()
  const warn = (message: string): void => {
    log.warn(message)
    warned.open(message)
  }
  const carried: string[] = []
  const ask = operation({ ...shape, timeout, run: (text) => (carried.push(text), run(text)) })
  const how = { at: front.url, secrets, log: { ...log, warn }, clock: swiftClock() }
  const fetching = fetchWork(service('bank', { ask }), how)
  closing.push(() => fetching.close())
  const begin = (text: string): Promise<unknown> => app.start(there.ask(text), { id: text })
  return { app, begin, carried, fetching, log, warned: warned.promise }
}

test('a 404 of somebody between is not the word that nobody waits: the answer is sent again', async () => {
  const { app, begin, carried } = await world({
    answer: ({ number, pass }) =>
      number === 1 ? page(404) : number === 2 ? problem(404, 'NO_ROUTE', 'There is no backend.') : pass(),
  })
  await begin('a')
  expect(await app.result('a')).toBe('a is done')
  expect(carried).toEqual(['a'])
})

test('that of the application is, and ends it without a word', async () => {
  let sent = 0
  const { app, begin, fetching, log } = await world({
    answer: async ({ number, pass }) => {
      sent = number
      const reply = await pass()
      return number === 1 ? page(502) : reply
    },
  })
  await begin('a')
  expect(await app.result('a')).toBe('a is done')
  await fetching.close()
  expect(sent).toBe(2)
  expect(log.lines).toEqual([])
})

test('an answer that is not taken for who sends it is told with the reason', async () => {
  const { begin, warned } = await world({
    answer: () => problem(401, 'SIGNATURE_REFUSED', 'The request is refused: its time is too far from now.'),
  })
  await begin('a')
  expect(await warned).toMatch(
    /^what came of bank\.ask \(.+\) is not answered: 401 SIGNATURE_REFUSED: The request is refused: its time is too far/,
  )
})

test('a connection that is swallowed costs one try, and not the attempt', async () => {
  const { app, begin, carried } = await world({ answer: ({ number, pass }) => (number === 1 ? null : pass()) })
  await begin('a')
  expect(await app.result('a')).toBe('a is done')
  expect(carried).toEqual(['a'])
})

test('a try that was cut off has longer the next time: on a slow line it would be cut off for ever', async () => {
  const clock = swiftClock()
  const began: number[] = []
  const { app, begin } = await world({
    answer: ({ number, pass }) => {
      began.push(elapsedOf(clock))
      return number < 3 ? null : pass()
    },
  })
  await begin('a')
  expect(await app.result('a')).toBe('a is done')
  const [, second = 0, third = 0] = began
  expect(third - second).toBeGreaterThan(20_000)
})

test('a request for work that somebody between has given up is ended, and takes no call that comes then', async () => {
  const [lost, ended] = [gate<string>(), gate<string>()]
  const { app, begin, carried } = await world({
    work: async ({ number, id, target, pass }) => {
      // The first is told the name of its node.
      if (number !== 2) return pass()
      void pass().catch(() => {})
      // One that comes behind it has been answered: it waits.
      await new Asker(target, 'bank').id()
      lost.open(id)
      return page(504)
    },
    end: async ({ body, pass }) => {
      const reply = await pass()
      ended.open(body)
      return reply
    },
  })
  expect(JSON.parse(await ended.promise)).toEqual({ request: await lost.promise })
  await begin('a')
  expect(await app.result('a')).toBe('a is done')
  expect(carried).toEqual(['a'])
})

/** Fetches by itself, and answers everything. */
function fetcher(url: string, clock: Clock, troubled: (problemOf: string) => void = () => {}): void {
  const made = new WorkFetcher({
    at: new URL(url),
    service: 'bank',
    secrets: secretsOf(secrets),
    atOnce: 10,
    clock,
    chance: () => 1,
    carry: async () => Response.json('done'),
    troubled,
    well: () => {},
  })
  closing.push(() => made.close())
}

/** Time that passes while somebody rests, and not while he waits for an answer. */
class RestingClock implements Clock {
  #now = systemClock.now()

  now(): number {
    return this.#now
  }

  after(ms: number, call: () => void): Cancel {
    if (ms === REQUEST_MS) return () => {}
    const due = setImmediate(() => {
      this.#now += ms
      call()
    })
    return () => clearImmediate(due)
  }
}
const LONGEST_REST_MS = 10_000
/** For so long a request for work is waited for. */
const REQUEST_MS = 35_000

test('trouble is told when it begins, when its reason is another, and once a minute while it lasts', async () => {
  const clock = new RestingClock()
  const front = await between('', {
    work: ({ number }) =>
      number < 4 ? problem(429, 'OVERLOADED', 'Others wait.') : problem(401, 'SIGNATURE_REFUSED', `It is another's.`),
  })
  closing.push(() => front.close())
  const told: { readonly words: string; readonly at: number }[] = []
  const enough = gate()
  fetcher(front.url, clock, (problemOf) => {
    told.push({ words: problemOf.replace(/^.*: (?=[0-9]{3} )/, ''), at: clock.now() })
    if (told.length === 4) enough.open()
  })
  await enough.promise
  const [first, other, later, latest] = told
  expect(told.slice(0, 4).map(({ words }) => words)).toEqual([
    '429 OVERLOADED: Others wait.',
    ...Array.from({ length: 3 }, () => `401 SIGNATURE_REFUSED: It is another's.`),
  ])
  // Three rests: 0.5, 1 and 2 s.
  expect((other?.at ?? 0) - (first?.at ?? 0)).toBe(3500)
  for (const ms of [(later?.at ?? 0) - (other?.at ?? 0), (latest?.at ?? 0) - (later?.at ?? 0)]) {
    expect(ms).toBeGreaterThanOrEqual(60_000)
    expect(ms).toBeLessThan(60_000 + LONGEST_REST_MS)
  }
})

test('a page of somebody between is told as that, and it is not asked before the time that it names', async () => {
  const clock = new RestingClock()
  const asked: number[] = []
  const told: string[] = []
  const enough = gate()
  const front = await between('', {
    work: ({ number }) => {
      asked.push(clock.now())
      if (number === 4) enough.open()
      return { ...page(number === 1 ? 200 : 503), retryAfter: [0, 20, 3600][number - 1] ?? 0 }
    },
    end: () => ({ status: 204 }),
  })
  closing.push(() => front.close())
  fetcher(front.url, clock, (problemOf) => told.push(problemOf.replace(/^.*: (?=[0-9]{3} )/, '')))
  await enough.promise
  const [first = 0, second = 0, third = 0, fourth = 0] = asked
  expect(told.slice(0, 2)).toEqual([
    '200 with a page (HTML), which is not of the application',
    '503 with a page (HTML), which is not of the application',
  ])
  expect(second - first).toBeLessThan(20_000)
  for (const [ms, least] of [
    [third - second, 20_000],
    [fourth - third, 60_000],
  ] as const) {
    expect(ms).toBeGreaterThanOrEqual(least)
    expect(ms).toBeLessThan(least + LONGEST_REST_MS)
  }
})

test('an answer that is to be sent later is sent while somebody waits for it, however much later that is to be', async () => {
  const answer: Meets['answer'] = ({ number, pass }) =>
    number === 1 ? { ...page(503), retryAfter: 24 * 3600 } : pass()
  const { app, begin, carried } = await world({ answer }, undefined, '20s')
  await begin('a')
  expect(await app.result('a')).toBe('a is done')
  expect(carried).toEqual(['a'])
})

test('calls that are not let through together are asked for one by one, and then for twice as many each time', async () => {
  const asked: number[] = []
  const enough = gate()
  const front = await between('', {
    work: ({ body, number }) => {
      const { atOnce } = JSON.parse(body) as { readonly atOnce: number }
      asked.push(atOnce)
      if (asked.length === 7) enough.open()
      // Four are more than it lets through.
      if (atOnce > 3) return page(502)
      const call = { operation: 'bank.ask', answerTo: '/api/work/bank/local.x', timeoutMs: 60_000 }
      const calls = Array.from({ length: atOnce }, (_, at) => ({ ...call, idempotencyKey: `${number}.${at}` }))
      return { status: 200, text: JSON.stringify({ calls, node: 'local.x' }) }
    },
    answer: () => ({ status: 204 }),
    end: () => ({ status: 204 }),
  })
  closing.push(() => front.close())
  fetcher(front.url, swiftClock())
  await enough.promise
  expect(asked.slice(0, 7)).toEqual([10, 1, 2, 4, 1, 2, 4])
})

test.each<[string, Meets, string]>([
  ['the application', {}, 'the application (BODY_TOO_LARGE: The body is larger than 1000 bytes.)'],
  ['a proxy', limiting(page(413)), 'somebody between, not by the application'],
  [
    'a proxy that gives a reason',
    limiting({ status: 413, text: '{"detail":"At most 0.5 kB."}' }),
    'somebody between, not by the application (At most 0.5 kB.)',
  ],
])('an answer that is too large for %s is told with who refused it, and how large it is', async (what, meets, who) => {
  const { app, begin } = await world(meets, (text) => text.repeat(2000))
  await begin('a')
  await until(app, null, async () => (await app.run('a'))?.status === 'stuck')
  const error = JSON.stringify((await app.run('a'))?.error)
  const [, by, bytes, option = ''] =
    /refused with 413 by (.+): it has ([0-9]+) bytes(, more than \w+ answerLimitBytes)?/.exec(error) ?? []
  expect([by, option]).toEqual([who, what === 'the application' ? ', more than the answerLimitBytes' : ''])
  // With what stands around it.
  expect(Number(bytes)).toBeGreaterThan(2000)
  expect(Number(bytes)).toBeLessThan(2500)
})

/** Lets through what is small. */
function limiting(reply: Reply): Meets {
  return { answer: ({ body, pass }) => (body.length > 500 ? reply : pass()) }
}
