// The way of a claim: the people of its line are asked one after the other, each with a deadline; then it is settled, and
// the claimant is told. The claimant may withdraw at any time: until the decision that ends it at once, behind it the bank
// says whether it was in time.
import { isBalletError, workflow, type Run } from 'ballet'
import { z } from 'zod'
import { Claim, ClaimEnd, Name, Withdraw, type Said, type Task } from './contracts.ts'
import type { Services } from './services.ts'
import { settle } from './settlement.ts'
import type { TaskWorkflow } from './task.ts'

/** Where a claim stands: who is asked what, and until when. */
export const Stage = z.object({
  stage: z.enum(['deciding', 'answering', 'settling']),
  with: Name.optional(),
  due: z.string().optional(),
})
export type Stage = z.infer<typeof Stage>

export const claimWorkflow = (services: Services, task: TaskWorkflow) =>
  workflow(
    'claim',
    { input: Claim, output: ClaimEnd, state: Stage, key: 'claimId', signals: [Withdraw] },
    async (run, claim) => {
      const { claimId, by } = claim
      const withdrawn = new AbortController()
      const withdrawal = run.receive(Withdraw).then(() => withdrawn.abort())
      withdrawal.catch(() => {})
      const decided = await decide(run, claim, task, withdrawn.signal).catch(givenUp)
      // What is decided is carried through and told, also when an operator cancels the run: money is never left half way.
      return run.shield(async (safe) => {
        const end = decided.status === 'approved' ? await pay(safe, decided.note) : decided
        safe.start(services.mail.send({ to: by, text: `your claim ${claimId} is ${end.status}: ${end.note}` }))
        return end
      })

      async function pay(safe: Run<Stage, never, 'claimId'>, note: string): Promise<ClaimEnd> {
        safe.set({ stage: 'settling' })
        const status = await settle(safe, claim, services, withdrawal)
        return { status, note: status === 'paid' ? note : status === 'bounced' ? 'the bank does not pay it' : WISH }
      }
    },
  )
export type ClaimWorkflow = ReturnType<typeof claimWorkflow>

const WISH = 'as you wish'

/** It is over by that, or it is approved. */
type Decided = ClaimEnd | { readonly status: 'approved'; readonly note: string }

/** The claimant has withdrawn, or an operator has cancelled the run: the task that was open is cancelled with it. */
function givenUp(error: unknown): Decided {
  if (!isBalletError(error) || !['CALL_ABORTED', 'RUN_CANCELLED'].includes(error.code)) throw error
  return { status: 'withdrawn', note: error.code === 'CALL_ABORTED' ? WISH : 'by an operator' }
}

/** A task that an operator has cancelled is as one whose time is up. */
function lapsedIfCancelled(error: unknown): { readonly decision: null } {
  if (isBalletError(error) && error.code === 'CHILD_FAILED') return { decision: null }
  throw error
}

/** Asks the people of the line. Rejects when `abort` is aborted. */
async function decide(run: Run<Stage>, claim: Claim, task: TaskWorkflow, abort: AbortSignal): Promise<Decided> {
  const { claimId, by, amount, reason, line, decideWithinMs } = claim
  if (line.length === 0) return { status: 'approved', note: 'by rule, it is small' }
  const said: Said[] = []
  const ask = async (assignee: string, kind: Task['kind']) => {
    const due = new Date(run.now().getTime() + decideWithinMs).toISOString()
    run.set({ stage: kind === 'decide' ? 'deciding' : 'answering', with: assignee, due })
    const about = { claimId, by, amount, reason }
    const asked = run.call(task({ assignee, kind, claim: about, said: [...said], due }), { abort })
    return (await asked.catch(lapsedIfCancelled)).decision
  }
  for (const assignee of line) {
    for (;;) {
      const decision = await ask(assignee, 'decide')
      // The next one in the line is asked.
      if (decision === null) break
      const note = `by ${decision.by}${decision.note === '' ? '' : `, ${decision.note}`}`
      if (decision.decision === 'approve') return { status: 'approved', note }
      if (decision.decision === 'reject') return { status: 'rejected', note }
      said.push({ by: decision.by, text: decision.note })
      const answer = await ask(by, 'answer')
      if (answer === null) return { status: 'expired', note: 'you have not answered in time' }
      said.push({ by, text: answer.note })
    }
  }
  return { status: 'expired', note: 'nobody has decided in time' }
}
