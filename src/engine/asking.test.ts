// What nodes ask of each other: together, in order, not too much at once, and never waited for in vain.
import { expect, test } from 'vitest'
import { SteppedClock } from '../../test/support/clocks.ts'
import type { NodeInfo } from '../core/lease.ts'
import type { NodeAnswer, NodeAsk } from '../define/node.ts'
import { Asking, type Came } from './asking.ts'

const info = (id: string): NodeInfo => ({ id, app: 'shop', version: '1', ballet: '1', address: `http://${id}` })
const ask = (shard: number, target: string, data = target): NodeAsk => ({ ns: '', kind: 'start', shard, target, data })
const named = (asks: readonly NodeAsk[]): string => asks.map(({ target }) => target).join(' ')

interface Request {
  readonly to: string
  readonly asks: readonly NodeAsk[]
  readonly over: AbortSignal
  readonly answer: (answers: readonly NodeAnswer[]) => void
  readonly fail: () => void
}

/** Shards below 10 are a's, others b's; requests wait until the test answers them. */
function world(owners: Record<number, string | null> = {}) {
  const clock = new SteppedClock()
  const requests: Request[] = []
  const ownerOf = (shard: number): NodeInfo | null => {
    const owner = shard in owners ? owners[shard] : shard < 10 ? 'a' : 'b'
    return owner == null ? null : info(owner)
  }
  const asking = new Asking({ node: 'me', clock, ownerOf, take: () => Promise.resolve([]) })
  const stop = asking.carry((to, asks, over) => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly NodeAnswer[]>()
    const fail = (): void => reject(new RangeError('no answer'))
    over.addEventListener('abort', fail)
    requests.push({ to: to.id, asks, over, answer: resolve, fail })
    return promise
  })
  return { asking, clock, requests, owners, stop }
}

const round = (): Promise<void> => new Promise((resolve) => void setImmediate(() => setImmediate(resolve)))
const done = (asks: readonly NodeAsk[]): NodeAnswer[] => asks.map(({ target }) => ({ done: { target } }))
const targets = (came: readonly Came[]): unknown[] => came.map((one) => ('done' in one ? one.done['target'] : one))

test('what is asked in one moment goes together, to each node by itself, and each has its own answer', async () => {
  const { asking, requests } = world()
  const came = [ask(1, 'x'), ask(11, 'y'), ask(2, 'z')].map((one) => asking.ask(one))
  await round()
  expect(requests.map(({ to, asks }) => `${to}: ${named(asks)}`)).toEqual(['a: x z', 'b: y'])
  for (const { asks, answer } of requests) answer(done(asks))
  expect(targets(await Promise.all(came))).toEqual(['x', 'y', 'z'])
})

test('of a shard one request is under way, and what comes meanwhile goes behind it, in its order', async () => {
  const { asking, requests } = world()
  const first = asking.ask(ask(1, 'first'))
  await round()
  const rest = ['second', 'third'].map((name) => asking.ask(ask(1, name)))
  const other = asking.ask(ask(2, 'other'))
  await round()
  expect(requests.map(({ asks }) => named(asks))).toEqual(['first', 'other'])
  requests[0]?.answer(done(requests[0].asks))
  await first
  await round()
  expect(requests.map(({ asks }) => named(asks))).toEqual(['first', 'other', 'second third'])
  for (const { asks, answer } of requests) answer(done(asks))
  expect(targets(await Promise.all([...rest, other]))).toEqual(['second', 'third', 'other'])
})

test('two requests are under way to a node, and what comes meanwhile is the next one', async () => {
  const { asking, requests } = world()
  const came: Promise<Came>[] = []
  for (let shard = 0; shard < 6; shard++) {
    came.push(asking.ask(ask(shard, String(shard))))
    await round()
  }
  expect(requests.map(({ asks }) => named(asks))).toEqual(['0', '1'])
  requests[1]?.answer(done(requests[1].asks))
  await came[1]
  await round()
  expect(requests.map(({ asks }) => named(asks))).toEqual(['0', '1', '2 3 4 5'])
  for (const { asks, answer } of requests) answer(done(asks))
  expect(targets(await Promise.all(came))).toEqual(['0', '1', '2', '3', '4', '5'])
})

test('a request has a limit, behind which what is left is the next one; what is too large is not asked', async () => {
  const { asking, requests } = world()
  const large = 'x'.repeat(200 * 1024)
  const came = [ask(1, 'one', large), ask(1, 'two', large), ask(2, 'three', large), ask(3, 'four')].map((one) =>
    asking.ask(one),
  )
  expect(await asking.ask(ask(4, 'five', 'x'.repeat(300 * 1024)))).toEqual({ unasked: true })
  await round()
  expect(requests.map(({ asks }) => named(asks))).toEqual(['one four'])
  requests[0]?.answer(done(requests[0].asks))
  await came[0]
  await round()
  expect(requests.slice(1).map(({ asks }) => named(asks))).toEqual(['two'])
  requests[1]?.answer(done(requests[1].asks))
  await came[1]
  await round()
  expect(requests.slice(2).map(({ asks }) => named(asks))).toEqual(['three'])
  requests[2]?.answer(done(requests[2].asks))
  expect(targets(await Promise.all(came))).toEqual(['one', 'two', 'three', 'four'])
})

test('nobody is asked who is not known, has no address, is this node, or is not reached', async () => {
  const { asking, requests, owners, stop } = world({ 1: null, 2: 'me' })
  expect([1, 2, 3].map((shard) => asking.reaches(shard))).toEqual([false, false, true])
  expect(await asking.ask(ask(1, 'x'))).toEqual({ unasked: true })
  owners[1] = 'a'
  stop()
  expect(await asking.ask(ask(1, 'x'))).toEqual({ unasked: true })
  await round()
  expect(requests).toEqual([])
})

test('a node that gives no answer is not asked for a while: of what it was asked nothing is known, and what waits is not asked', async () => {
  const { asking, requests, clock } = world()
  const first = asking.ask(ask(1, 'first'))
  await round()
  const second = asking.ask(ask(1, 'second'))
  requests[0]?.fail()
  expect(await first).toEqual({ unknown: true })
  expect(await second).toEqual({ unasked: true })
  expect(asking.reaches(2)).toBe(false)
  expect(asking.reaches(12)).toBe(true)
  await clock.moveTo(clock.now() + 2000)
  expect(asking.reaches(2)).toBe(true)
})

test('answers that are too few are none', async () => {
  const { asking, requests } = world()
  const came = [asking.ask(ask(1, 'x')), asking.ask(ask(2, 'y'))]
  await round()
  requests[0]?.answer([{ done: {} }])
  expect(await Promise.all(came)).toEqual([{ unknown: true }, { unknown: true }])
})

test('an answer is waited for until its time is over, or another node owns one of its shards', async () => {
  const { asking, requests, clock, owners } = world()
  const late = asking.ask(ask(11, 'late'))
  const lost = asking.ask(ask(1, 'lost'))
  await round()
  owners[1] = 'b'
  await clock.moveTo(clock.now() + 250)
  expect(await lost).toEqual({ unknown: true })
  expect(requests.map(({ over }) => over.aborted)).toEqual([false, true])
  for (let ms = 0; ms < 3000; ms += 250) await clock.moveTo(clock.now() + 250)
  expect(await late).toEqual({ unknown: true })
})

test('when nothing is to be waited for any longer, nothing is', async () => {
  const { asking } = world()
  const underWay = asking.ask(ask(1, 'under way'))
  await round()
  const behind = asking.ask(ask(1, 'behind'))
  asking.close()
  expect(await underWay).toEqual({ unknown: true })
  expect(await behind).toEqual({ unasked: true })
  expect(await asking.ask(ask(2, 'later'))).toEqual({ unasked: true })
})

test('what goes by the inbox because nothing is known of it lies there before the next one of its shard is asked', async () => {
  const { asking, requests } = world()
  const laid = Promise.withResolvers<void>()
  const first = asking.ask(ask(1, 'first')).then(async (came) => {
    const release = asking.hold(1, 'event')
    await laid.promise
    release()
    return came
  })
  const other = asking.ask(ask(2, 'other'))
  await round()
  const second = asking.ask(ask(1, 'second'))
  requests[0]?.answer([{ unknown: true }, { done: { target: 'other' } }])
  await other
  await round()
  const third = asking.ask(ask(1, 'third'))
  await round()
  expect(requests.map(({ asks }) => named(asks))).toEqual(['first other'])
  laid.resolve()
  expect(await first).toEqual({ unknown: true })
  await round()
  expect(requests.map(({ asks }) => named(asks))).toEqual(['first other', 'second third'])
  requests[1]?.answer(done(requests[1].asks))
  expect(targets(await Promise.all([second, third]))).toEqual(['second', 'third'])
})

test('where nobody is asked, nothing waits for what goes by the inbox', async () => {
  const { asking } = world({ 1: null })
  asking.hold(1, 'event')
  expect(asking.reaches(1)).toBe(false)
  expect(await asking.ask(ask(1, 'x'))).toEqual({ unasked: true })
})

test('what is too large, or too much, does not go before what its shard was asked for already', async () => {
  const { asking, requests } = world()
  const came: string[] = []
  const put = (target: string, data?: string): Promise<number> =>
    asking.ask(ask(1, target, data)).then((one) => came.push(`${target} ${Object.keys(one).join('')}`))
  const all = [put('small')]
  await round()
  all.push(put('next'), put('large', 'x'.repeat(300 * 1024)), put('last'))
  await round()
  expect(came).toEqual([])
  requests[0]?.answer(done(requests[0].asks))
  await all[0]
  await round()
  expect(requests.map(({ asks }) => named(asks))).toEqual(['small', 'next'])
  requests[1]?.answer(done(requests[1].asks))
  await Promise.all(all)
  expect(came).toEqual(['small done', 'next done', 'large unasked', 'last unasked'])
})

test('what is asked and has no answer yet has a limit in all, behind which it goes by inboxes', async () => {
  const { asking } = world()
  const large = 'x'.repeat(256 * 1024)
  const asked = Array.from({ length: 256 }, (_, shard) => asking.ask(ask(100 + shard, 'x', large)))
  expect(await asking.ask(ask(99, 'x', large))).toEqual({ unasked: true })
  asking.close()
  expect(new Set((await Promise.all(asked)).flatMap((one) => Object.keys(one)))).toEqual(
    new Set(['unknown', 'unasked']),
  )
})

test('what has waited for its turn for too long goes by the inbox, and its owner, which answers, is asked on', async () => {
  const { asking, requests, clock } = world()
  const first = asking.ask(ask(1, 'first'))
  await round()
  const second = asking.ask(ask(1, 'second'))
  await clock.moveTo(clock.now() + 2001)
  requests[0]?.answer(done(requests[0].asks))
  expect(targets([await first])).toEqual(['first'])
  expect(await second).toEqual({ unasked: true })
  expect(asking.reaches(1)).toBe(true)
})

test('a node is asked on when it was only a shard that went to another', async () => {
  const { asking, clock, owners } = world()
  const lost = asking.ask(ask(1, 'lost'))
  await round()
  owners[1] = 'b'
  await clock.moveTo(clock.now() + 250)
  expect(await lost).toEqual({ unknown: true })
  expect(asking.reaches(2)).toBe(true)
})

test('what always goes by inboxes holds nothing up', async () => {
  const { asking, requests } = world()
  asking.hold(1, 'signal')
  const came = asking.ask(ask(1, 'x'))
  await round()
  requests[0]?.answer(done(requests[0].asks))
  expect(targets([await came])).toEqual(['x'])
})
