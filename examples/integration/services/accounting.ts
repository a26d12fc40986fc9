// Accounting, as a service: customers, invoices, credit notes. A customer is put under our own number, which can be done any
// number of times. For the rest it takes an Idempotency-Key, and for a day answers what it has had under that key as it did
// then. The keys are named for the deal and not for the call: whoever asks for the invoice of a deal, however often, asks for one.
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

type Context = Pick<OperationContext, 'signal'>

/** What is asked of accounting, request by request. */
function clientOf(system: System) {
  const ask = apiOf('accounting', system)
  return {
    customer: async (context: Context, { id, name, vatId }: z.infer<typeof Deal>['account']): Promise<number> => {
      const answer = z.object({ number: z.int() })
      return (
        await ask(context, `/customers/${encodeURIComponent(id)}`, answer, { method: 'PUT', body: { name, vatId } })
      ).number
    },
    /** By our number: theirs may never have reached us. */
    find: async (context: Context, dealId: string): Promise<Invoice | null> =>
      (await ask(context, `/invoices?reference=${dealId}`, Invoices)).invoices[0] ?? null,
    create: (context: Context, dealId: string, customer: number, amount: number): Promise<Invoice> =>
      ask(context, '/invoices', Invoice, {
        method: 'POST',
        body: { customer, reference: dealId, amount },
        idempotencyKey: `invoice-${dealId}`,
      }),
    credit: async (context: Context, dealId: string, invoice: string): Promise<string> => {
      const answer = z.object({ creditNote: z.string() })
      const asked = { method: 'POST', idempotencyKey: `credit-${dealId}` } as const
      return (await ask(context, `/invoices/${encodeURIComponent(invoice)}/credit-note`, answer, asked)).creditNote
    },
  }
}

export function accountingService(system: System, policy: Policy) {
  const client = clientOf(system)
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
        try {
          const customerNumber = await client.customer(context, account)
          // The key is for two who ask at once; it is forgotten after a day, and a call may have been stuck for longer.
          const known = await client.find(context, dealId)
          const { number: invoiceNumber } = known ?? (await client.create(context, dealId, customerNumber, amount))
          return Invoiced({ dealId, title, hours, customerNumber, invoiceNumber })
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
        const found = await client.find(context, dealId)
        if (found === null) return NothingToCredit({ dealId })
        const creditNote = found.creditNote ?? (await client.credit(context, dealId, found.number))
        return InvoiceCredited({ dealId, invoiceNumber: found.number, creditNote })
      },
    }),

    find: operation({
      ...policy,
      input: About,
      output: Invoice.nullable(),
      run: ({ dealId }, context) => client.find(context, dealId),
    }),
  })
}
