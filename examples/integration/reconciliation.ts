// What a lost webhook left out: once a night the three systems are compared, page by page, and what is missing is mended.
// This is a workflow, because somebody has to be in charge. Each page is a generation of its own (`continueAs`), so that its
// journal stays small however many deals there are.
//
// A change of stage is not carried out from here: the CRM is asked to report it again, and the reactions do what they would
// have done, in their order, behind whatever is under way for that deal. It is the same event as the one that was lost, so
// nothing happens twice if it was only late. Accounting reports nothing again: a payment is said from here, under the name that the
// webhook would have given it.
import { workflow } from 'ballet'
import { z } from 'zod'
import { InvoicePaid, paymentOf } from './contracts.ts'
import type { Services } from './integration.ts'

const Found = z.object({
  compared: z.int(),
  /** What was missing: reported again, or done. What stands here every night is stuck, or has failed. */
  mended: z.array(z.string()),
  /** What is not as it should be, and no webhook's fault: see `npx ballet why <deal>`. */
  open: z.array(z.string()),
})
const Input = z.object({
  /** Of this round, so far. */
  after: z.string().nullable().default(null),
  found: Found.default({ compared: 0, mended: [], open: [] }),
})
const PAGE = 20

interface Compared {
  readonly deal: { readonly stage: 'open' | 'won' | 'lost'; readonly paid: boolean; readonly note: string | null }
  readonly invoice: { readonly paid: boolean; readonly creditNote: string | null } | null
  readonly project: { readonly state: 'planned' | 'released' } | null
}

/** What is wrong with a deal, the first thing first; null when nothing is. */
export function difference({ deal, invoice, project }: Compared) {
  if (deal.stage === 'won' && invoice === null && deal.note === null) return 'the win was not heard'
  if (deal.stage === 'lost' && invoice !== null && invoice.creditNote === null) return 'the loss was not heard'
  if (invoice?.paid === true && !deal.paid) return 'the payment was not heard'
  if (deal.stage === 'won' && invoice !== null && project === null) return 'it has no team'
  if (deal.stage === 'lost' && project?.state === 'planned') return 'its team was not released'
  return null
}

export const reconciliation = ({ crm, accounting, hr }: Services) =>
  workflow('reconcile', { input: Input, output: Found, state: Found }, async (run, { after, found }) => {
    const { deals, next } = await run.call(crm.page({ after, limit: PAGE }))
    const mended: string[] = []
    const open: string[] = []
    for (const deal of deals) {
      const dealId = deal.id
      const [invoice, project] = await Promise.all([
        run.call(accounting.find({ dealId }), { id: `accounting:${dealId}` }),
        run.call(hr.find({ dealId }), { id: `hr:${dealId}` }),
      ])
      const what = difference({ deal, invoice, project })
      if (what === 'the win was not heard') await run.call(crm.sendAgain({ dealId, stage: 'won' }), { id: dealId })
      if (what === 'the loss was not heard') await run.call(crm.sendAgain({ dealId, stage: 'lost' }), { id: dealId })
      if (what === 'the payment was not heard' && invoice !== null)
        run.emit(InvoicePaid({ dealId, invoiceNumber: invoice.number }), paymentOf(invoice.number))
      if (what !== null) (what.endsWith('heard') ? mended : open).push(`${dealId}: ${what}`)
    }
    const sum = {
      compared: found.compared + deals.length,
      mended: [...found.mended, ...mended],
      open: [...found.open, ...open],
    }
    run.set(sum)
    return next === null ? sum : run.continueAs({ after: next, found: sum })
  })
