// The CRM, as a service: sales works in it, and it knows first how a deal went. It limits how often it is asked. What is
// written into it sets fields to values, so that doing it twice is doing it once.
import { operation, service, TerminalError, type OperationContext, type Policy } from 'ballet'
import { z } from 'zod'
import { apiOf, type System } from '../api.ts'
import {
  About,
  DealLost,
  DealPaid,
  DealUpdated,
  DealWithdrawn,
  DealWon,
  RefusalNoted,
  ReportOutdated,
} from '../contracts.ts'

/** A deal as the CRM tells it. More may stand in its answer; that is not ours. */
export const CrmDeal = z.object({
  id: z.string(),
  stage: z.enum(['open', 'won', 'lost']),
  account: z.object({ id: z.string(), name: z.string(), vatId: z.string() }),
  title: z.string(),
  amount: z.int(),
  hours: z.int(),
  invoiceNumber: z.string().nullable(),
  team: z.array(z.string()),
  paid: z.boolean(),
  /** Ours alone to write: why there is no invoice, or by what it was credited. */
  note: z.string().nullable(),
})
const CrmPage = z.object({ deals: z.array(CrmDeal), next: z.string().nullable() })

type Ask = ReturnType<typeof apiOf>

export function crmService(system: System, policy: Policy) {
  const ask = apiOf('the CRM', system)
  return service('crm', { ...asked(ask, policy), ...written(ask, policy) })
}

const asked = (ask: Ask, policy: Policy) => ({
  /** Webhooks come late and in any order. What counts is how the deal stands now. */
  confirmWin: operation({
    ...policy,
    input: About,
    outcomes: [DealWon, ReportOutdated],
    async run({ dealId }, context) {
      const { stage, account, title, amount, hours } = await ask(context, `/deals/${dealId}`, CrmDeal)
      return stage === 'won' ? DealWon({ dealId, account, title, amount, hours }) : ReportOutdated({ dealId })
    },
  }),
  confirmLoss: operation({
    ...policy,
    input: About,
    outcomes: [DealLost],
    async run({ dealId }, context) {
      const { stage } = await ask(context, `/deals/${dealId}`, CrmDeal)
      // In this CRM a deal that is lost stays so; a customer who comes back is a new deal.
      if (stage !== 'lost') throw new TerminalError(`the CRM reported that ${dealId} is lost, and says it is ${stage}`)
      return DealLost({ dealId })
    },
  }),

  // For the reconciliation
  page: operation({
    ...policy,
    input: z.object({ after: z.string().nullable(), limit: z.int() }),
    output: CrmPage,
    run: ({ after, limit }, context) =>
      ask(context, `/deals?limit=${limit}${after === null ? '' : `&after=${encodeURIComponent(after)}`}`, CrmPage),
  }),
  /** Asks for the webhook of a stage once more. It says the same as the first, so that it is the same event. */
  sendAgain: operation({
    ...policy,
    input: About.extend({ stage: z.enum(['won', 'lost']) }),
    async run({ dealId, stage }, context) {
      await ask(context, `/deals/${dealId}/webhooks`, z.unknown(), { method: 'POST', body: { stage } })
    },
  }),
})

function written(ask: Ask, policy: Policy) {
  const set = (context: OperationContext, dealId: string, fields: Partial<z.infer<typeof CrmDeal>>) =>
    ask(context, `/deals/${dealId}`, CrmDeal, { method: 'PATCH', body: fields })
  return {
    update: operation({
      ...policy,
      input: About.extend({ invoiceNumber: z.string(), team: z.array(z.string()) }),
      outcomes: [DealUpdated],
      async run({ dealId, invoiceNumber, team }, context) {
        await set(context, dealId, { invoiceNumber, team })
        return DealUpdated({ dealId })
      },
    }),
    withdraw: operation({
      ...policy,
      input: About.extend({ creditNote: z.string() }),
      undoes: 'update',
      outcomes: [DealWithdrawn],
      async run({ dealId, creditNote }, context) {
        await set(context, dealId, { team: [], note: `credited by ${creditNote}` })
        return DealWithdrawn({ dealId })
      },
    }),
    noteRefusal: operation({
      ...policy,
      input: About.extend({ reason: z.string() }),
      outcomes: [RefusalNoted],
      async run({ dealId, reason }, context) {
        await set(context, dealId, { note: reason })
        return RefusalNoted({ dealId })
      },
    }),
    markPaid: operation({
      ...policy,
      input: About,
      outcomes: [DealPaid],
      async run({ dealId }, context) {
        await set(context, dealId, { paid: true })
        return DealPaid({ dealId })
      },
    }),
  }
}
