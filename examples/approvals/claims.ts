// Handing in a claim, withdrawing it, and what became of it: derived from its run and those of its tasks.
import { isBalletError, type RunView } from 'ballet'
import { Stage, type ClaimWorkflow } from './claim.ts'
import { Claim, ClaimEnd, Withdraw } from './contracts.ts'
import { isKnown } from './people.ts'
import { Problem } from './problem.ts'
import { allRuns, taskOf, type Desk, type TaskView } from './tasks.ts'

/** How long a withdrawal waits for what the bank says. */
const WAIT_MS = 5_000

const OPEN: ReadonlySet<string> = new Set([...Stage.shape.stage.options, 'stuck'])

export interface ClaimView extends Pick<Claim, 'claimId' | 'by' | 'amount' | 'reason' | 'style'> {
  /** How it has ended, or where it stands; `stuck` and `failed` are for an operator: `npx ballet show claim:<claimId>`. */
  readonly status: ClaimEnd['status'] | Stage['stage'] | 'stuck' | 'failed'
  readonly note?: string | undefined
  /** Who is asked, and until when. */
  readonly with?: string | undefined
  readonly due?: string | undefined
  /** Everybody who was asked, and what they said, in order. */
  readonly tasks: readonly TaskView[]
}

/** Durable when it resolves; asking again for the same is asking once. @throws Problem 422 for nobody we know, 409 */
export async function handIn(app: Desk, workflow: ClaimWorkflow, claim: Claim): Promise<void> {
  if (!isKnown(claim.by))
    throw new Problem(422, 'PERSON_UNKNOWN', `There is no ${claim.by} here.`, 'Hand it in as ann, say.')
  try {
    await app.start(workflow(claim))
  } catch (error) {
    if (!isBalletError(error) || error.code !== 'RUN_CONFLICT') throw error
    throw new Problem(
      409,
      'CLAIM_CONFLICT',
      `The claim ${claim.claimId} exists, and is another.`,
      'Use another claimId.',
    )
  }
}

/** @throws Problem 404 */
export async function readClaim(app: Desk, claimId: string, waitMs = 0): Promise<ClaimView> {
  const run = await app.settled(`claim:${claimId}`, waitMs)
  if (run === null)
    throw new Problem(404, 'CLAIM_UNKNOWN', `There is no claim "${claimId}".`, 'GET /claims lists them.')
  const tasks = await allRuns(app, { name: 'task', root: run.root })
  return { ...claimOf(run), tasks: tasks.map(taskOf).toReversed() }
}

/** A claim without its tasks. */
export function claimOf({ status, state, input, output }: RunView): Omit<ClaimView, 'tasks'> {
  const { claimId, by, amount, reason, style } = Claim.parse(input)
  const claim = { claimId, by, amount, reason, style }
  // One that an operator has cancelled has an output as well.
  const end = ClaimEnd.safeParse(output).data
  if (end !== undefined) return { ...claim, ...end }
  if (status !== 'running') return { ...claim, status: status === 'stuck' ? 'stuck' : 'failed' }
  const { stage, ...where } = Stage.safeParse(state).data ?? { stage: 'deciding' }
  return { ...claim, status: stage, ...where }
}

/**
 * Withdraws a claim. What became of it is `withdrawn`, or not settled yet when the bank has not said which was first.
 * @throws Problem 404 for no claim, 403 for somebody else's, 409 when it is too late
 */
export async function withdraw(app: Desk, claimId: string, by: string): Promise<ClaimView> {
  const claim = await readClaim(app, claimId)
  if (claim.by !== by)
    throw new Problem(403, 'CLAIM_OF_ANOTHER', `The claim ${claimId} is not of ${by}.`, `Ask ${claim.by}.`)
  try {
    await app.signal(`claim:${claimId}`, Withdraw({}), { id: 'withdraw' })
  } catch (error) {
    if (!isBalletError(error) || error.code !== 'RUN_ENDED') throw error
  }
  const after = await readClaim(app, claimId, WAIT_MS)
  if (after.status === 'withdrawn' || OPEN.has(after.status)) return after
  throw new Problem(409, 'CLAIM_FINAL', `The claim ${claimId} is ${after.status}.`, 'It is too late to withdraw it.')
}
