// What the three systems say to each other, by way of Ballet: events, all keyed by the number of the deal in the CRM. The
// numbers that the other systems gave (an invoice, a project) travel in them as data. A report is what a webhook said, and
// no more than that: the system is asked before anything follows of it. Money is in cents.
import { event } from 'ballet'
import { z } from 'zod'

const key = { key: 'dealId' } as const
export const About = z.object({ dealId: z.string().regex(/^D-\d{1,12}$/, 'write it as the CRM does: D-1001') })

export const Deal = About.extend({
  account: z.object({ id: z.string(), name: z.string(), vatId: z.string() }),
  title: z.string(),
  amount: z.int(),
  hours: z.int(),
})
export const Job = About.extend({ invoiceNumber: z.string(), title: z.string(), hours: z.int() })

// From outside
export const WinReported = event('win.reported', About, key)
export const LossReported = event('loss.reported', About, key)
export const InvoicePaid = event('invoice.paid', About.extend({ invoiceNumber: z.string() }), key)

/** Under which name a payment is known, whoever tells of it. */
export const paymentOf = (invoiceNumber: string) => ({ id: `${invoiceNumber}:paid`, source: 'accounting' }) as const

// The CRM
export const DealWon = event('deal.won', Deal, key)
export const DealLost = event('deal.lost', About, key)
/** The deal has moved on since; a report of its own tells that. */
export const ReportOutdated = event('report.outdated', About, key)
/** The CRM shows the invoice and the team. */
export const DealUpdated = event('deal.updated', About, key)
/** The CRM shows why there is no invoice. */
export const RefusalNoted = event('refusal.noted', About, key)
/** The CRM shows the credit note, and no team any more. */
export const DealWithdrawn = event('deal.withdrawn', About, key)
export const DealPaid = event('deal.paid', About, key)

// Accounting
export const Invoiced = event('deal.invoiced', Job.extend({ customerNumber: z.int() }), key)
export const InvoiceRefused = event('invoice.refused', About.extend({ reason: z.string() }), key)
export const InvoiceCredited = event(
  'invoice.credited',
  About.extend({ invoiceNumber: z.string(), creditNote: z.string() }),
  key,
)
export const NothingToCredit = event('invoice.nothing-to-credit', About, key)

// HR
export const ProjectStaffed = event(
  'project.staffed',
  About.extend({ invoiceNumber: z.string(), projectId: z.string(), team: z.array(z.string()) }),
  key,
)
export const ProjectReleased = event('project.released', About.extend({ creditNote: z.string() }), key)
