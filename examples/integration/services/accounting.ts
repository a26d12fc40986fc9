// Accounting, as a service: customers, invoices, credit notes. A customer is put under our own number, which can be done any
// number of times. For the rest it takes an Idempotency-Key, and answers what it has had under that key as it did then. The
// keys are named for the deal and not for the call: whoever asks for the invoice of a deal, however often, asks for one.
import { operation, service, type OperationContext, type Policy } from 'ballet'
import { z } from 'zod'
import { apiOf, Refused, type System } from '../api.ts'
import { About, Deal, Invoiced, InvoiceCredited, InvoiceRefused, NothingToCredit } from '../contracts.ts'

const Invoice = z.object({
  number: z.string(),
  customer: z.int(),
  reference: z.string(),
  amount: z.int(),
  paid: z.boolean(),
  creditNote: z.string().nullable(),
})
type Invoice = z.infer<typeof Invoice>
export const Invoices = z.object({ invoices: z.array(Invoice) })

export function accountingService(system: System, policy: Policy) {
  const ask = apiOf('accounting', system)

  /** By our number: theirs may never have reached us. */
  async function find(context: Pick<OperationContext, 'signal'>, dealId: string): Promise<Invoice | null> {
    const { invoices } = await ask(context, `/invoices?reference=${dealId}`, Invoices)
    return invoices[0] ?? null
  }

  return service('accounting', {
    /**
     * A customer, then an invoice: one operation, so that a loss which is reported in between comes behind both. As two, joined
     * by an event, a credit note could find nothing to credit, and the invoice come after it.
     */
    invoice: operation({
      ...policy,
      input: Deal,
      outcomes: [Invoiced, InvoiceRefused],
      async run({ dealId, account, title, amount, hours }, context) {
        const { id, name, vatId } = account
        try {
          const { number: customer } = await ask(context, `/customers/${id}`, z.object({ number: z.int() }), {
            method: 'PUT',
            body: { name, vatId },
          })
          const { number: invoiceNumber } = await ask(context, '/invoices', Invoice, {
            method: 'POST',
            body: { customer, reference: dealId, amount },
            idempotencyKey: `invoice-${dealId}`,
          })
          return Invoiced({ dealId, title, hours, customerNumber: customer, invoiceNumber })
        } catch (error) {
          // What the business expects of accounting: it does not know such a VAT number. Any other 4xx is a fault of ours.
          if (error instanceof Refused && error.status === 422) return InvoiceRefused({ dealId, reason: error.message })
          throw error
        }
      },
    }),

    credit: operation({
      ...policy,
      input: About,
      undoes: 'invoice',
      outcomes: [InvoiceCredited, NothingToCredit],
      async run({ dealId }, context) {
        const found = await find(context, dealId)
        if (found === null) return NothingToCredit({ dealId })
        const { number: invoiceNumber } = found
        const { creditNote } = await ask(
          context,
          `/invoices/${invoiceNumber}/credit-note`,
          z.object({ creditNote: z.string() }),
          { method: 'POST', idempotencyKey: `credit-${dealId}` },
        )
        return InvoiceCredited({ dealId, invoiceNumber, creditNote })
      },
    }),

    find: operation({
      ...policy,
      input: About,
      output: Invoice.nullable(),
      run: ({ dealId }, context) => find(context, dealId),
    }),
  })
}
