// The application in stories in which processes die and requests get lost, late and doubled: people decide, ask, let time
// pass and withdraw as the dice say, and in the end the books of the services agree with what everybody was told.
import { simulate, type Dice, type Story, type StoryApp } from 'ballet/testing'
import { expect, test } from 'vitest'
import { makeApprovals } from './approvals.ts'
import { readClaim, withdraw, type ClaimView } from './claims.ts'
import { BookingReversed, type Decision } from './contracts.ts'
import { lineOf } from './people.ts'
import { Problem } from './problem.ts'
import { decideTask, openTasks } from './tasks.ts'

type Made = ReturnType<typeof makeApprovals>

function story(dice: Dice, make: () => Made = makeApprovals): Story {
  const made = make()
  const ids = ['c1', 'c2', 'c3']
  const claims = ids.map((claimId) => {
    const [by, amount] = [dice.pick(['ann', 'bob', 'carol']), dice.pick([4_000, 30_000, 30_000])]
    const account = dice.is(0.2) ? 'closed' : '17'
    const style = dice.pick(['orchestrated', 'choreographed'] as const)
    return { claimId, by, amount, account, style, reason: 'a train', line: lineOf(by, amount), decideWithinMs: 6_000 }
  })
  /** What people are told of what they do, when it does not hold: nothing is wrong about that. */
  const ignore = (error: unknown): void => {
    if (!(error instanceof Problem)) throw error
  }
  const isOpen = async (app: StoryApp): Promise<boolean> =>
    (await app.runs({ name: 'claim', status: ['running', 'stuck'] })).items.length > 0

  /** Looks at the list now and then, and does something about it, or not. */
  const person = async (app: StoryApp, name: string): Promise<void> => {
    for (; await isOpen(app); await app.settled('claim:c1', dice.between(100, 2_000))) {
      for (const { id, kind } of await openTasks(app, name)) {
        const decision: Decision['decision'] =
          kind === 'answer' ? 'answer' : dice.pick(['approve', 'approve', 'reject', 'ask'])
        if (dice.is(0.5)) await decideTask(app, id, { by: name, decision, note: 'a note' }).catch(ignore)
      }
      // `settled` answers at once for a claim that has ended: then time passes by another that has not.
      const [open] = (await app.runs({ name: 'claim', status: ['running', 'stuck'] })).items
      if (open !== undefined) await app.settled(open.id, 500)
    }
  }

  return {
    application: made.definition,
    clients: async (app) => {
      await Promise.all(claims.map((claim) => app.start(made.claim(claim))))
      const withdrawing = claims
        .filter(() => dice.is(0.4))
        .map(async ({ claimId, by }) => {
          await app.settled(`claim:${claimId}`, dice.between(0, 8_000))
          await withdraw(app, claimId, by).catch(ignore)
        })
      await Promise.all([...['ann', 'bob', 'carol', 'dave'].map((name) => person(app, name)), ...withdrawing])
    },
    judge: async (app) => {
      for (const claim of claims) judge(await readClaim(app, claim.claimId), made)
      for (const state of ['broken', 'overdue'] as const)
        expect((await app.flows('settlement', { state })).items).toEqual([])
    },
  }
}

/** Whether what services did about a claim is what it came to. */
function judge({ claimId, by, amount, status, tasks }: ClaimView, { books }: Made): void {
  const booked = books.accounting.prepare('SELECT amount, reversed FROM bookings WHERE claim_id = ?').all(claimId)
  const bank = books.bank.prepare('SELECT state, amount FROM payments WHERE claim_id = ?').all(claimId)
  const told = books.mail
    .prepare('SELECT recipient FROM messages WHERE text LIKE ?')
    .all(`your claim ${claimId} is ${status}:%`)
  const isPaid = bank.some(({ state }) => state === 'paid')
  const isApproved = amount <= 5_000 || tasks.some(({ decision }) => decision?.decision === 'approve')
  const isBooked = booked.some(({ reversed }) => reversed === 0)
  expect({ status, isPaid, isBooked }).toEqual({ status, isPaid: status === 'paid', isBooked: status === 'paid' })
  if (isPaid && !isApproved) throw new Error(`${claimId} is paid, and nobody has approved it`)
  if (isApproved && !['paid', 'bounced', 'withdrawn'].includes(status))
    throw new Error(`${claimId} is approved, and ${status}`)
  if (told.length !== 1 || told[0]?.['recipient'] !== by) throw new Error(`${claimId}: told ${told.length} times`)
  if (tasks.some((task) => task.status === 'open')) throw new Error(`${claimId} is over, and somebody is asked`)
}

test('whatever dies and gets lost: who is approved is paid once, who is not is not, and everybody is told', async () => {
  const report = await simulate((dice) => story(dice), { seeds: 30, storm: '10s' })
  expect(report.found).toBeNull()
  expect(report.crashes).toBeGreaterThan(10)
})

test('an accounting that forgets to reverse is found', async () => {
  const forgetful = (): Made => {
    const made = makeApprovals()
    const services = made.definition.services.map((service) => ({
      ...service,
      operations: service.operations.map((operation) =>
        operation.name === 'accounting.reverse'
          ? { ...operation, run: (input: unknown) => BookingReversed(input as { claimId: string; why: 'bounced' }) }
          : operation,
      ),
    }))
    return { ...made, definition: { ...made.definition, services } }
  }
  const { found } = await simulate((dice) => story(dice, forgetful), { seeds: 60, storm: '10s' })
  expect(found).toMatchObject({ rule: 'JUDGE' })
})
