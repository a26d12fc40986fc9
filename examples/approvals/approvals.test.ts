// What becomes of a claim, over HTTP: who is asked, until when, and what is paid.
import { expect, test } from 'vitest'
import { openApprovals } from './testing.ts'

const styles = ['orchestrated', 'choreographed'] as const
const paid = { booked: [{ amount: 30_000, reversed: 0 }], bank: [{ state: 'paid', amount: 30_000 }] }
const nothing = { booked: [], bank: [] }

test.each(styles)('a small claim is approved by rule, %s: booked, paid once, and told', async (style) => {
  const { handIn, when, money, mailed } = await openApprovals()
  expect(await handIn({ amount: 5_000, style })).toEqual({ status: 202, body: { claimId: 'c1', url: '/claims/c1' } })
  expect(await when('paid')).toMatchObject({ by: 'ann', amount: 5_000, style, tasks: [] })
  expect(money()).toEqual({ booked: [{ amount: 5_000, reversed: 0 }], bank: [{ state: 'paid', amount: 5_000 }] })
  expect(await mailed(1)).toEqual(['ann: your claim c1 is paid: by rule, it is small'])
})

test.each(styles)('a larger one is on the list of the manager until that decides, %s', async (style) => {
  const { handIn, asked, tasks, decide, when, money } = await openApprovals()
  await handIn({ style })
  expect(await asked('bob')).toMatchObject({ status: 'deciding', due: '2030-01-03T00:00:00.000Z' })
  expect(await tasks('bob')).toMatchObject([{ id: 'claim:c1~task.0', kind: 'decide', status: 'open' }])
  expect([await tasks('ann'), await tasks('carol')]).toEqual([[], []])
  expect(money()).toEqual(nothing)
  expect(await decide('bob', 'approve', { note: 'fine' })).toMatchObject({ status: 200, body: { status: 'decided' } })
  expect(await tasks('bob')).toEqual([])
  expect(await when('paid')).toMatchObject({ note: 'by bob, fine', tasks: [{ decision: { by: 'bob' } }] })
  expect(money()).toEqual(paid)
})

test('who rejects it ends it, and nothing is paid', async () => {
  const { handIn, asked, decide, when, money, mailed } = await openApprovals()
  await handIn()
  await asked('bob')
  expect((await decide('bob', 'reject', { note: 'too much' })).status).toBe(200)
  expect(await when('rejected')).toMatchObject({ note: 'by bob, too much' })
  expect(money()).toEqual(nothing)
  expect((await mailed(2))[1]).toBe('ann: your claim c1 is rejected: by bob, too much')
})

test('the manager is reminded at half of the time, and behind it the next in the line is asked', async () => {
  const { clock, handIn, asked, tasks, decide, when, mailed } = await openApprovals()
  await handIn()
  await asked('bob')
  clock.pass('24h')
  expect((await mailed(2)).map((mail) => mail.slice(0, 16))).toEqual(['bob: please deci', 'bob: a reminder:'])
  clock.pass('24h')
  await asked('directors')
  expect(await tasks('bob')).toEqual([])
  expect(await tasks('carol')).toMatchObject([{ assignee: 'directors', due: '2030-01-05T00:00:00.000Z' }])
  expect(await tasks('dave')).toEqual(await tasks('carol'))
  // Bob is late.
  expect(await decide('bob', 'approve')).toMatchObject({ status: 410, body: { code: 'TASK_LAPSED' } })
  expect((await decide('dave', 'approve', { task: 'claim:c1~task.1' })).status).toBe(200)
  const { tasks: all } = await when('paid')
  expect(all.map(({ assignee, status }) => `${assignee} ${status}`)).toEqual(['bob lapsed', 'directors decided'])
})

test('a claim about which nobody decides expires', async () => {
  const { clock, handIn, asked, when, money, mailed } = await openApprovals()
  await handIn()
  await asked('bob')
  clock.pass('2d')
  await asked('directors')
  clock.pass('2d')
  expect(await when('expired')).toMatchObject({ note: 'nobody has decided in time' })
  expect(money()).toEqual(nothing)
  // Nobody is reminded of what is over: all of the time has passed at one go.
  expect((await mailed(3)).map((mail) => mail.split(':', 1)[0])).toEqual(['bob', 'directors', 'ann'])
})

test('a question goes to the claimant as a task, and the answer back to whoever has asked', async () => {
  const { handIn, asked, tasks, decide, when } = await openApprovals()
  await handIn()
  await asked('bob')
  expect((await decide('bob', 'ask', { note: 'where to?' })).status).toBe(200)
  expect(await asked('ann')).toMatchObject({ status: 'answering' })
  const said = [{ by: 'bob', text: 'where to?' }]
  expect(await tasks('ann')).toMatchObject([{ id: 'claim:c1~task.1', kind: 'answer', said }])
  const task = 'claim:c1~task.1'
  expect(await decide('ann', 'answer', { task })).toMatchObject({ status: 422, body: { code: 'NOTE_MISSING' } })
  expect(await decide('ann', 'approve', { task })).toMatchObject({ status: 422, body: { code: 'DECISION_UNFIT' } })
  expect((await decide('ann', 'answer', { task, note: 'Vienna' })).status).toBe(200)
  await asked('bob')
  expect(await tasks('bob')).toMatchObject([{ said: [...said, { by: 'ann', text: 'Vienna' }] }])
  expect((await decide('bob', 'approve', { task: 'claim:c1~task.2' })).status).toBe(200)
  await when('paid')
})

test('a claimant who does not answer in time lets it expire', async () => {
  const { clock, handIn, asked, decide, when } = await openApprovals()
  await handIn()
  await asked('bob')
  await decide('bob', 'ask', { note: 'where to?' })
  await asked('ann')
  clock.pass('2d')
  expect(await when('expired')).toMatchObject({ note: 'you have not answered in time' })
})

test.each(styles)('what the bank does not pay is taken out of the books again, %s', async (style) => {
  const { handIn, when, money, mailed } = await openApprovals()
  await handIn({ amount: 4_000, account: 'closed', style })
  await when('bounced')
  expect(money()).toEqual({ booked: [{ amount: 4_000, reversed: 1 }], bank: [{ state: 'bounced', amount: 4_000 }] })
  expect(await mailed(1)).toEqual(['ann: your claim c1 is bounced: the bank does not pay it'])
})

test('a decision gets a clear answer: unknown, of another, unfit, twice, withdrawn', async () => {
  const { handIn, asked, decide, withdraw, tasks, when, post, send } = await openApprovals()
  await handIn()
  await asked('bob')
  expect(await decide('bob', 'approve', { task: 'none' })).toMatchObject({
    status: 404,
    body: { code: 'TASK_UNKNOWN' },
  })
  expect(await decide('bob', 'approve', { task: 'claim:c1' })).toMatchObject({ status: 404 })
  expect(await decide('carol', 'approve')).toMatchObject({ status: 403, body: { code: 'TASK_OF_ANOTHER' } })
  expect(await decide('bob', 'answer', { note: 'x' })).toMatchObject({ status: 422, body: { code: 'DECISION_UNFIT' } })
  expect(await decide('bob', 'maybe')).toMatchObject({ status: 422, body: { code: 'REQUEST_INVALID' } })
  expect(await decide('bob', 'approve', { note: 'ok' })).toMatchObject({ status: 200 })
  // Asking again for the same is asking once.
  expect(await decide('bob', 'approve', { note: 'ok' })).toMatchObject({ status: 200 })
  expect(await decide('bob', 'reject')).toMatchObject({ status: 409, body: { code: 'TASK_DECIDED' } })
  await when('paid')

  // Nobody decides about a claim of their own, whichever group they are in.
  await handIn({ claimId: 'c2', by: 'carol' })
  await when('deciding', 'c2')
  const task = 'claim:c2~task.0'
  expect([await tasks('carol'), (await tasks('dave')).map(({ id }) => id)]).toEqual([[], [task]])
  expect(await decide('carol', 'approve', { task })).toMatchObject({ status: 403 })
  expect(await post('/claims/c2/withdrawal', { by: 'dave' })).toMatchObject({ status: 403 })
  expect(await post('/claims/c2/withdrawal', { by: 'carol' })).toMatchObject({ status: 200 })
  expect(await decide('dave', 'approve', { task })).toMatchObject({ status: 410, body: { code: 'TASK_WITHDRAWN' } })
  expect(await tasks('dave')).toEqual([])

  expect(await withdraw()).toMatchObject({ status: 409, body: { code: 'CLAIM_FINAL' } })
  expect(await post('/claims/c3/withdrawal', { by: 'ann' })).toMatchObject({ status: 404 })
  expect(await send('/claims/%')).toMatchObject({ status: 404 })
  expect(await send('/tasks')).toMatchObject({ status: 422 })
  expect(await send('/claims/c1?wait=10')).toMatchObject({ status: 422 })
  expect(await send('/tasks', { method: 'DELETE' })).toMatchObject({ status: 405 })
})

test('a claim is handed in once, by somebody whom the company knows', async () => {
  const { handIn, send } = await openApprovals()
  expect([(await handIn()).status, (await handIn()).status]).toEqual([202, 202])
  expect(await handIn({ amount: 30_001 })).toMatchObject({ status: 409, body: { code: 'CLAIM_CONFLICT' } })
  expect(await handIn({ claimId: 'c2', by: 'zoe' })).toMatchObject({ status: 422, body: { code: 'PERSON_UNKNOWN' } })
  expect(await handIn({ claimId: 'c2', amount: -1 })).toMatchObject({ status: 422, body: { code: 'REQUEST_INVALID' } })
  expect(await send('/claims')).toMatchObject({ body: { claims: [{ claimId: 'c1' }] } })
})
