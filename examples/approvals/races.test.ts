// Two things in one moment: the run takes one of them first, and everybody is told what holds. And what waits is there again
// when the application is.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HandClock } from 'ballet/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { withdraw as withdrawClaim } from './claims.ts'
import type { Problem } from './problem.ts'
import { decideTask } from './tasks.ts'
import { openApprovals } from './testing.ts'

const styles = ['orchestrated', 'choreographed'] as const

test('two directors decide at once: one of them does, the other hears who, and that is what holds', async () => {
  const { clock, handIn, asked, decide, when, money } = await openApprovals()
  await handIn()
  await asked('bob')
  clock.pass('2d')
  await asked('directors')
  const task = 'claim:c1~task.1'
  const answers = await Promise.all([decide('carol', 'approve', { task }), decide('dave', 'reject', { task })])
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409])
  const [isApproved] = answers.map(({ status }) => status === 200)
  await when(isApproved ? 'paid' : 'rejected')
  expect(money().bank).toHaveLength(isApproved ? 1 : 0)
})

/** Two things that begin apart by so many rounds of the event loop, either of them first. */
const APART = Array.from({ length: 25 }, (_, index) => index - 12)
const rounds = async (count: number): Promise<void> => {
  for (let round = 0; round < count; round++) await new Promise((resolve) => setImmediate(resolve))
}
/** Does both, the first so many rounds before the second, or behind it. */
async function both<First>(apart: number, first: () => First, second: () => void): Promise<Awaited<First>> {
  if (apart < 0) second()
  await rounds(-apart)
  const answer = first()
  await rounds(apart)
  if (apart >= 0) second()
  return await answer
}
const statusOf = (answer: Promise<unknown>): Promise<number> =>
  answer.then(
    () => 200,
    (error: unknown) => (error as Problem).status,
  )

const approval = { by: 'bob', decision: 'approve', note: '' } as const

test('a decision in the moment of the deadline: whoever decides hears what holds', async () => {
  const { app, clock, handIn, when, read } = await openApprovals()
  const seen = new Set<string>()
  for (const apart of APART) {
    const claimId = `c${apart + 12}`
    await handIn({ claimId })
    await when('deciding', claimId)
    const decide = (): Promise<number> => statusOf(decideTask(app, `claim:${claimId}~task.0`, approval))
    const status = await both(apart, decide, () => clock.pass('2d'))
    await when(status === 200 ? 'paid' : 'deciding', claimId)
    seen.add(`${status}, and the task is ${(await read(claimId)).tasks[0]?.status}`)
  }
  expect([...seen].toSorted()).toEqual(['200, and the task is decided', '410, and the task is lapsed'])
})

test.each(styles)('a withdrawal in the moment of the decision, %s: the claimant hears what holds', async (style) => {
  const { app, handIn, when, money } = await openApprovals()
  const seen = new Set<string>()
  for (const apart of APART) {
    const claimId = `c${apart + 12}`
    await handIn({ claimId, style })
    await when('deciding', claimId)
    const decide = (): void => void decideTask(app, `claim:${claimId}~task.0`, approval).catch(() => {})
    const status = await both(apart, () => statusOf(withdrawClaim(app, claimId, 'ann')), decide)
    await when(status === 200 ? 'withdrawn' : 'paid', claimId)
    seen.add(`${status}, ${money(claimId).bank.some(({ state }) => state === 'paid') ? 'paid' : 'not paid'}`)
  }
  expect([...seen].toSorted()).toEqual(['200, not paid', '409, paid'])
})

describe.each(styles)('a withdrawal, %s', (style) => {
  test('while somebody is asked: it is over at once', async () => {
    const { handIn, asked, tasks, withdraw, decide, when, money } = await openApprovals()
    await handIn({ style })
    await asked('bob')
    expect(await withdraw()).toMatchObject({ status: 200, body: { status: 'withdrawn' } })
    expect(await withdraw()).toMatchObject({ status: 200, body: { status: 'withdrawn' } })
    expect(await decide('bob', 'approve')).toMatchObject({ status: 410 })
    expect(await tasks('bob')).toEqual([])
    expect(await when('withdrawn')).toMatchObject({ tasks: [{ status: 'withdrawn' }] })
    expect(money()).toEqual({ booked: [], bank: [] })
  })

  test.each(['accounting.book', 'bank.pay'])('before %s does anything: nothing is paid', async (operation) => {
    const { handIn, withdraw, told, letGo, money } = await openApprovals({ hold: { operation, when: 'before' } })
    await handIn({ style, amount: 4_000 })
    const answer = withdraw()
    await told('payment.stopped')
    letGo()
    expect(await answer).toMatchObject({ status: 200, body: { status: 'withdrawn' } })
    expect(money()).toEqual({ booked: [{ amount: 4_000, reversed: 1 }], bank: [{ state: 'withdrawn', amount: 0 }] })
  })

  test('behind what the bank has paid, though nobody knows yet: it is too late', async () => {
    const hold = { operation: 'bank.pay', when: 'behind' } as const
    const { clock, handIn, reached, withdraw, told, letGo, money, when } = await openApprovals({ hold })
    await handIn({ style, amount: 4_000 })
    await reached
    const answer = withdraw()
    await told('payment.stop-too-late')
    clock.pass('5s')
    expect(await answer).toMatchObject({ status: 202, body: { status: 'settling' } })
    letGo()
    await when('paid')
    expect(await withdraw()).toMatchObject({ status: 409, body: { code: 'CLAIM_FINAL' } })
    expect(money()).toMatchObject({ booked: [{ reversed: 0 }], bank: [{ state: 'paid', amount: 4_000 }] })
  })
})

describe('an operator', () => {
  test('who cancels a claim withdraws it', async () => {
    const { app, handIn, asked, tasks, when } = await openApprovals()
    await handIn()
    await asked('bob')
    await app.cancel('claim:c1')
    expect(await when('withdrawn')).toMatchObject({ note: 'by an operator' })
    expect(await tasks('bob')).toEqual([])
  })

  test('who cancels a task hands it on', async () => {
    const { app, handIn, asked } = await openApprovals()
    await handIn()
    await asked('bob')
    await app.cancel('claim:c1~task.0')
    expect(await asked('directors')).toMatchObject({ tasks: [{ status: 'withdrawn' }, { status: 'open' }] })
  })

  test('who gives a payment up has it taken out of the books, and it is not made later either', async () => {
    const { handIn, when, money } = await openApprovals({ hold: { operation: 'bank.pay', when: 'never' } })
    await handIn({ amount: 4_000 })
    await when('failed')
    expect(money()).toMatchObject({ booked: [{ reversed: 1 }], bank: [{ state: 'withdrawn', amount: 0 }] })
  })

  test.each(styles)('who cancels a claim while it is paid stops nothing, %s', async (style) => {
    const { app, handIn, when, letGo, money } = await openApprovals({ hold: { operation: 'bank.pay', when: 'before' } })
    await handIn({ style, amount: 4_000 })
    await when('settling')
    await app.cancel('claim:c1')
    letGo()
    await when('paid')
    expect(money()).toMatchObject({ booked: [{ reversed: 0 }], bank: [{ state: 'paid' }] })
  })
})

test('closed in the middle of a wait: the list is there again, and a deadline that passed meanwhile holds', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'approvals-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const clock = new HandClock()
  const first = await openApprovals({ folder, clock })
  await first.handIn()
  await first.asked('bob')
  const list = await first.tasks('bob')
  await first.end()

  const second = await openApprovals({ folder, clock })
  expect(await second.tasks('bob')).toEqual(list)
  await second.end()
  clock.pass('3d')

  const third = await openApprovals({ folder, clock })
  expect(await third.asked('directors')).toMatchObject({ due: '2030-01-06T00:00:00.000Z' })
  expect(await third.decide('bob', 'approve')).toMatchObject({ status: 410 })
  expect(await third.decide('carol', 'approve', { task: 'claim:c1~task.1' })).toMatchObject({ status: 200 })
  await third.when('paid')
  expect(third.money().bank).toEqual([{ state: 'paid', amount: 30_000 }])
})
