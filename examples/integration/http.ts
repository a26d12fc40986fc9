// The routes of the integration: where the systems send their webhooks, and what became of one deal in each of them. A
// webhook is answered when its event is durable, and not when its consequences are done: then its sender may forget it.
//
// Webhooks come twice. The id of the event is made of the fact (`D-1001:won`) and not of the delivery, so that a fact is one
// event, whoever tells it and however often; its data says nothing that could differ between two deliveries. For the same
// reason a webhook that somebody has recorded and sends again says nothing new.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { RetryAfterError, type Application, type HttpRoutes } from 'ballet'
import { z } from 'zod'
import { apiOf, Refused } from './api.ts'
import { About, InvoicePaid, LossReported, paymentOf, WinReported } from './contracts.ts'
import type { Systems } from './integration.ts'
import { Invoices } from './services/accounting.ts'
import { CrmDeal } from './services/crm.ts'
import { Projects } from './services/hr.ts'

const FromCrm = z.object({ type: z.enum(['deal.won', 'deal.lost']), deal: About.shape.dealId })
const FromAccounting = z.object({ type: z.literal('invoice.paid'), invoice: z.string(), reference: About.shape.dealId })

export function integrationRoutes(systems: Systems): HttpRoutes {
  return (app) => async (request) => {
    const { pathname, searchParams } = new URL(request.url)
    if (request.method === 'POST' && pathname === '/webhooks/crm') return fromCrm(app, request, systems.crm.secret)
    if (request.method === 'POST' && pathname === '/webhooks/accounting')
      return fromAccounting(app, request, systems.accounting.secret)
    const dealId = /^\/deals\/(D-\d{1,12})$/.exec(pathname)?.[1]
    if (request.method !== 'GET' || dealId === undefined) return undefined
    const { signal } = request
    if (searchParams.has('wait')) await settled(app, dealId, AbortSignal.any([signal, AbortSignal.timeout(30_000)]))
    try {
      return Response.json(await everywhere(app, systems, dealId, signal))
    } catch (error) {
      // A system that is down, limits, or does not know the deal.
      const problem = error instanceof Error ? error.message : String(error)
      return Response.json({ problem }, { status: error instanceof Refused ? error.status : 502 })
    }
  }
}

/** Signed: the HMAC of the body under a secret that both know. */
async function fromCrm(app: Application, request: Request, secret: string): Promise<Response> {
  const body = await request.text()
  const expected = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
  if (!isSame(request.headers.get('x-crm-signature') ?? '', expected)) return new Response(null, { status: 401 })
  const { success, data } = FromCrm.safeParse(JSON.parse(body))
  if (!success) return new Response(null, { status: 422 })
  const { type, deal: dealId } = data
  const [report, stage] = type === 'deal.won' ? [WinReported, 'won'] : [LossReported, 'lost']
  await app.publish(report({ dealId }), { id: `${dealId}:${stage}`, source: 'crm' })
  return new Response(null, { status: 202 })
}

/** Not signed: it sends a token along. */
async function fromAccounting(app: Application, request: Request, secret: string): Promise<Response> {
  if (!isSame(request.headers.get('authorization') ?? '', `Bearer ${secret}`))
    return new Response(null, { status: 401 })
  const { success, data } = FromAccounting.safeParse(await request.json())
  if (!success) return new Response(null, { status: 422 })
  const { invoice: invoiceNumber, reference: dealId } = data
  await app.publish(InvoicePaid({ dealId, invoiceNumber }), paymentOf(invoiceNumber))
  return new Response(null, { status: 202 })
}

/** Takes the same time whatever differs. */
function isSame(given: string, expected: string): boolean {
  const [one, other] = [given, expected].map((text) => createHmac('sha256', 'length').update(text).digest())
  return one !== undefined && other !== undefined && timingSafeEqual(one, other)
}

/** Waits until nothing moves for a deal: what is open then is stuck, or waits for something from outside. */
export async function settled(app: Application, dealId: string, signal: AbortSignal): Promise<void> {
  let wake = (): void => {}
  const stop = app.watch(`dealId:${dealId}`, () => wake())
  const abort = (): void => wake()
  signal.addEventListener('abort', abort)
  try {
    for (;;) {
      const changed = new Promise<void>((resolve) => (wake = resolve))
      const { runs } = await app.key('dealId', dealId)
      // One that is held behind another moves when that one does.
      const moves = runs.some(
        ({ status, waits }) => status === 'running' && waits.every((wait) => wait.behind === undefined),
      )
      if (signal.aborted || !moves) return
      await changed
    }
  } finally {
    stop()
    signal.removeEventListener('abort', abort)
  }
}

/** What each system says of a deal, and how its flow stands; null before anything was reported. */
export interface Everywhere {
  readonly crm: z.infer<typeof CrmDeal>
  readonly accounting: z.infer<typeof Invoices>['invoices']
  readonly hr: z.infer<typeof Projects>['projects']
  readonly flow: { readonly state: string; readonly ending: string | null } | null
}

/** A page is no operation that is tried again: for a system that limits it waits a little. */
async function patiently<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof RetryAfterError) || error.retryAfterMs > 2_000 || attempt === 5) throw error
      await pause(error.retryAfterMs, undefined, { signal })
    }
  }
}

async function everywhere(
  app: Application,
  systems: Systems,
  dealId: string,
  signal: AbortSignal,
): Promise<Everywhere> {
  const [crm, { invoices }, { projects }, flow] = await Promise.all([
    patiently(signal, () => apiOf('the CRM', systems.crm)({ signal }, `/deals/${dealId}`, CrmDeal)),
    apiOf('accounting', systems.accounting)({ signal }, `/invoices?reference=${dealId}`, Invoices),
    apiOf('HR', systems.hr)({ signal }, `/projects?externalReference=${dealId}`, Projects),
    app.flow('deal', dealId),
  ])
  return { crm, accounting: invoices, hr: projects, flow: flow && { state: flow.state, ending: flow.ending ?? null } }
}
