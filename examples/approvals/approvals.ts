// The application: claims, tasks and the three services. The default export is what the command line loads
// (`npx ballet check examples/approvals/approvals.ts`); tests make applications of their own.
import { ballet } from 'ballet'
import { claimWorkflow } from './claim.ts'
import { approvalRoutes } from './http.ts'
import { openServices, type Message } from './services.ts'
import { connect, settlement } from './settlement.ts'
import { taskWorkflow } from './task.ts'

/** How long whoever is asked has, unless it is said otherwise: two days. */
const DECIDE_WITHIN_MS = 2 * 86_400_000

export interface ApprovalsOptions {
  /** Where the services keep their databases; null keeps them in memory. */
  readonly folder?: string | null
  readonly decideWithinMs?: number
  /** Called with every message that the mail takes, once. */
  readonly delivered?: (message: Message) => void
}

export function makeApprovals(options: ApprovalsOptions = {}) {
  const { folder = null, decideWithinMs = DECIDE_WITHIN_MS, delivered = () => {} } = options
  const { services, books, close } = openServices(folder, delivered)
  connect(services)
  const task = taskWorkflow(services)
  const claim = claimWorkflow(services, task)
  const definition = ballet({
    name: 'approvals',
    version: '1',
    services: Object.values(services),
    workflows: [claim, task],
    choreographies: [settlement],
    http: approvalRoutes(claim, decideWithinMs),
  })
  return { definition, claim, books, close }
}

export default makeApprovals({ folder: '.ballet/approvals' }).definition
