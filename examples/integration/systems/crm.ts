// The stand-in of the CRM: deals, in stages. Sales opens, wins and loses them; each change of stage is told by a webhook that
// is signed. crm.openapi.json is its API.
import { createHmac } from 'node:crypto'
import document from './crm.openapi.json' with { type: 'json' }
import { ApiServer, type Answer } from './api-server.ts'
import { Outbox } from './outbox.ts'
import { Records } from './records.ts'
import type { Place } from './systems.ts'

interface Deal {
  readonly id: string
  readonly stage: 'open' | 'won' | 'lost'
  readonly title: string
}
type Moves = Readonly<Record<string, readonly string[]>>
const missing: Answer = { status: 404, body: { problem: 'there is no such deal' } }

export function makeCrm({ folder, hooks, secret, now }: Place) {
  const records = new Records(folder, 'crm')
  const send = (body: string): Promise<Response> =>
    fetch(`${hooks}/webhooks/crm`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-crm-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      },
      body,
    })
  const outbox: Outbox = new Outbox(records, () => server.manners.webhooks, send)

  async function move(id: string, stage: 'won' | 'lost', from: Moves): Promise<Answer> {
    const deal = records.get('deal', id) as Deal | null
    if (deal === null) return missing
    if (from[stage]?.includes(deal.stage) !== true)
      return { status: 409, body: { problem: `the deal is ${deal.stage}` } }
    const body = records.put('deal', id, { ...deal, stage })
    await outbox.tell({ type: `deal.${stage}`, deal: id })
    return { status: 200, body }
  }
  const moves: Moves = { won: ['open'], lost: ['open', 'won'] }

  const server: ApiServer = new ApiServer(
    document,
    {
      openDeal: ({ body }) => {
        const id = `D-${1000 + records.next('deal')}`
        const news = { stage: 'open', invoiceNumber: null, team: [], paid: false, note: null }
        return { status: 201, body: records.put('deal', id, { id, ...(body as object), ...news }) }
      },
      getDeal: ({ parameters: { id = '' } }) => {
        const deal = records.get('deal', id) as Deal | null
        return deal === null ? missing : { status: 200, body: deal }
      },
      listDeals: ({ parameters: { after = '', limit = '50' } }) => {
        const rest = (records.all('deal') as Deal[]).filter(({ id }) => id > after)
        const deals = rest.slice(0, Number(limit))
        return { status: 200, body: { deals, next: rest.length > deals.length ? (deals.at(-1)?.id ?? null) : null } }
      },
      updateDeal: ({ parameters: { id = '' }, body }) => {
        const deal = records.get('deal', id) as Deal | null
        return deal === null
          ? missing
          : { status: 200, body: records.put('deal', id, { ...deal, ...(body as object) }) }
      },
      winDeal: ({ parameters: { id = '' } }) => move(id, 'won', moves),
      loseDeal: ({ parameters: { id = '' } }) => move(id, 'lost', moves),
      sendAgain: async ({ parameters: { id = '' }, body }) => {
        await outbox.tell({ type: `deal.${(body as { stage: string }).stage}`, deal: id })
        return { status: 202 }
      },
    },
    now,
  )
  return { server, outbox, records }
}
