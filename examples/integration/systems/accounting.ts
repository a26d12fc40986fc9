// The stand-in of accounting: customers, invoices, credit notes, and payments, which the bank reports to it and it reports by
// a webhook with a token. What came under an Idempotency-Key is answered as it was then, for a day.
// accounting.openapi.json is its API.
import document from './accounting.openapi.json' with { type: 'json' }
import { ApiServer, type Answer, type Asked } from './api-server.ts'
import { Outbox } from './outbox.ts'
import { Records } from './records.ts'
import type { Place } from './systems.ts'

interface Invoice {
  readonly number: string
  readonly customer: number
  readonly reference: string
  readonly amount: number
  readonly paid: boolean
  readonly creditNote: string | null
}
/** Under an Idempotency-Key, for a day. */
interface Kept {
  readonly at: number
  readonly request: string
  readonly answer: Answer
}
const KEY_MS = 24 * 3_600_000
const missing: Answer = { status: 404, body: { problem: 'there is no such invoice' } }

export function makeAccounting({ folder, hooks, secret, now }: Place) {
  const records = new Records(folder, 'accounting')
  const send = (body: string): Promise<Response> =>
    fetch(`${hooks}/webhooks/accounting`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
      body,
    })
  const outbox: Outbox = new Outbox(records, () => server.manners.webhooks, send)

  /** Once for each key; another request under it is refused. */
  function once(work: (asked: Asked) => Answer) {
    return (asked: Asked): Answer => {
      const { idempotencyKey, ...rest } = asked
      if (idempotencyKey === undefined) return { status: 400, body: { problem: 'an Idempotency-Key is needed' } }
      const request = JSON.stringify(rest)
      const had = records.get('key', idempotencyKey) as Kept | null
      const isKnown = had !== null && had.at > now() - KEY_MS
      if (isKnown && had.request !== request)
        return { status: 409, body: { problem: 'the Idempotency-Key was used for another request' } }
      if (isKnown) return had.answer
      return records.put<Kept>('key', idempotencyKey, { at: now(), request, answer: work(asked) }).answer
    }
  }

  const server: ApiServer = new ApiServer(
    document,
    {
      putCustomer: ({ parameters: { reference = '' }, body }) => {
        const { vatId } = body as { readonly vatId: string }
        if (!/^[A-Z]{2}\d{6,12}$/.test(vatId)) return { status: 422, body: { problem: `no VAT number: ${vatId}` } }
        const number =
          (records.get('customer', reference) as { number: number } | null)?.number ?? 70_000 + records.next('customer')
        return { status: 200, body: records.put('customer', reference, { number, reference, ...(body as object) }) }
      },
      createInvoice: once(({ body }) => {
        const number = `2026-${String(records.next('invoice')).padStart(4, '0')}`
        const news = { paid: false, creditNote: null }
        return { status: 201, body: records.put('invoice', number, { number, ...(body as object), ...news }) }
      }),
      findInvoices: ({ parameters: { reference } }) => ({
        status: 200,
        body: { invoices: (records.all('invoice') as Invoice[]).filter((invoice) => invoice.reference === reference) },
      }),
      creditInvoice: once(({ parameters: { number = '' } }) => {
        const invoice = records.get('invoice', number) as Invoice | null
        if (invoice === null) return missing
        const creditNote = invoice.creditNote ?? `C-${records.next('credit note')}`
        return { status: 201, body: records.put('invoice', number, { ...invoice, creditNote }) }
      }),
      payInvoice: async ({ parameters: { number = '' } }) => {
        const invoice = records.get('invoice', number) as Invoice | null
        if (invoice === null) return missing
        const body = records.put('invoice', number, { ...invoice, paid: true })
        await outbox.tell({ type: 'invoice.paid', invoice: number, reference: invoice.reference })
        return { status: 200, body }
      },
    },
    now,
  )
  return { server, outbox, records }
}
