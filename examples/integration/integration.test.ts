// A deal on its way through three systems that misbehave: each story is carried through over real HTTP, and what counts in
// the end is what stands in the systems themselves.
import { createHmac } from 'node:crypto'
import { checkApplication } from 'ballet'
import { afterEach, expect, test } from 'vitest'
import { makeIntegration, systemsOf } from './integration.ts'
import { GOOD } from './systems/api-server.ts'
import { puttableClock, startAll, until, type Options, type Running } from './testing.ts'

let running: Running | undefined
async function start(options?: Options): Promise<Running> {
  running = await startAll(options)
  return running
}
afterEach(async () => {
  const misfits = running?.systems.misfits() ?? []
  await running?.close()
  running = undefined
  if (misfits.length > 0) throw new Error(`a stand-in does not answer as its document says: ${misfits.join('; ')}`)
})

const writes = (log: readonly string[]): string[] => log.filter((line) => !line.startsWith('GET'))

test('a check finds nothing', () => {
  expect(checkApplication(makeIntegration(systemsOf({})).definition)).toEqual([])
})

test('a deal that is won is invoiced and staffed, the CRM shows both, and that it was paid', async () => {
  const { openDeal, win, pay, everywhere } = await start()
  const dealId = await openDeal()
  await win(dealId)
  const won = await everywhere(dealId)
  expect(won).toMatchObject({
    crm: { stage: 'won', invoiceNumber: '2026-0001', team: ['Giselle', 'Albrecht'], paid: false },
    accounting: [{ number: '2026-0001', customer: 70_001, reference: dealId, amount: 4_800_000, paid: false }],
    hr: [{ externalReference: dealId, state: 'planned', team: [{ hours: 60 }, { hours: 60 }] }],
    flow: { state: 'may end', ending: 'won' },
  })
  await pay('2026-0001')
  expect((await everywhere(dealId)).crm.paid).toBe(true)
})

test('two deals of one account are two invoices of one customer', async () => {
  const { openDeal, win, everywhere } = await start()
  const deals = [await openDeal(), await openDeal()]
  await Promise.all(deals.map(win))
  const invoices = (await Promise.all(deals.map(everywhere))).flatMap(({ accounting }) => accounting)
  expect(invoices.map(({ customer }) => customer)).toEqual([70_001, 70_001])
  expect(new Set(invoices.map(({ number }) => number)).size).toBe(2)
})

test('a deal that is lost after all is taken back: a credit note, the team released, the CRM says so', async () => {
  const { openDeal, win, lose, everywhere } = await start()
  const dealId = await openDeal()
  await win(dealId)
  await everywhere(dealId)
  await lose(dealId)
  expect(await everywhere(dealId)).toMatchObject({
    crm: { stage: 'lost', team: [], note: 'credited by C-1' },
    accounting: [{ creditNote: 'C-1' }],
    hr: [{ state: 'released' }],
    flow: { ending: 'taken-back' },
  })
})

test('every webhook comes twice: one event, one invoice, one project', async () => {
  const { app, systems, openDeal, win, pay, everywhere } = await start()
  systems.crm.server.manners = { ...GOOD, webhooks: 'twice' }
  systems.accounting.server.manners = { ...GOOD, webhooks: 'twice' }
  const dealId = await openDeal()
  await win(dealId)
  const { accounting, hr } = await everywhere(dealId)
  expect([accounting.length, hr.length]).toEqual([1, 1])
  await pay('2026-0001')
  await everywhere(dealId)
  const { items } = await app.events({ types: ['win.reported', 'invoice.paid'] })
  expect(items.map(({ id, source }) => `${source} ${id}`)).toEqual([`crm ${dealId}:won`, 'accounting 2026-0001:paid'])
})

test('the loss is reported before the win: nothing is invoiced', async () => {
  const { systems, openDeal, win, lose, everywhere } = await start()
  systems.crm.server.manners = { ...GOOD, webhooks: 'held' }
  const dealId = await openDeal()
  await win(dealId)
  await lose(dealId)
  systems.crm.server.manners = GOOD
  await systems.crm.outbox.deliver(true)
  expect(await everywhere(dealId)).toMatchObject({
    accounting: [],
    hr: [],
    flow: { state: 'complete', ending: 'lost' },
  })
})

test('the loss is reported while HR has not answered the win: it is taken back behind it', async () => {
  const { app, systems, openDeal, win, lose, everywhere } = await start({
    policy: { retry: { attempts: 3, backoff: '1ms', limit: '1ms' } },
  })
  systems.hr.server.manners = { ...GOOD, down: true }
  const dealId = await openDeal()
  await win(dealId)
  await lose(dealId)
  await running?.settled(dealId)
  // What the operator sees: HR is what it waits for, and the release waits behind it.
  const [stuck] = (await app.runs({ status: ['stuck'] })).items
  expect(stuck).toMatchObject({
    name: 'hr:deal.invoiced',
    reason: 'call',
    waits: [{ for: 'hr.staff', attempt: { number: 3, error: { message: expect.stringContaining('503') as string } } }],
  })
  const held = (await app.runs({ name: 'hr:invoice.credited' })).items
  expect(held).toMatchObject([{ status: 'running', waits: [{ behind: stuck?.id }] }])

  systems.hr.server.manners = GOOD
  await app.retry(stuck?.id ?? '', { by: 'ann', why: 'HR is back' })
  expect(await everywhere(dealId)).toMatchObject({
    crm: { team: [], note: 'credited by C-1' },
    hr: [{ state: 'released' }],
    flow: { ending: 'taken-back' },
  })
})

test.each([
  ['loses its answer: the invoice is found by our number', { loseAnswers: 1 }, ['500']],
  ['carries the first attempt out behind the second: the key makes them one', { late: 1 }, ['504', '201']],
])('accounting %s', async (_how, manners, answers) => {
  const { systems, openDeal, win, everywhere } = await start()
  systems.accounting.server.manners = { ...GOOD, ...manners }
  const dealId = await openDeal()
  await win(dealId)
  const { accounting } = await everywhere(dealId)
  expect(accounting).toMatchObject([{ number: '2026-0001', customer: 70_001 }])
  const posts = systems.accounting.server.log.filter((line) => line.startsWith('POST'))
  expect(posts).toEqual(answers.map((status) => `POST /invoices ${status}`))
})

test('accounting lost its answer, and the call is tried again when its keys are forgotten: it is one invoice', async () => {
  const { app, systems, pass, openDeal, win, settled, everywhere } = await start({ policy: { retry: { attempts: 1 } } })
  const dealId = await openDeal()
  systems.accounting.server.manners = { ...GOOD, loseAnswers: 1 }
  await win(dealId)
  await settled(dealId)
  expect(writes(systems.accounting.server.log)).toEqual(['PUT /customers/A-7 200', 'POST /invoices 500'])
  pass(25 * 3_600_000)
  await app.actOnAll({ action: 'retry', name: 'accounting:deal.won', by: 'ann' })
  expect((await everywhere(dealId)).accounting).toMatchObject([{ number: '2026-0001' }])
})

test.each([
  ['answers 500 though it has done the work', { loseAnswers: 1 }, 1],
  ['does not answer at all', { silent: 1 }, 1],
  ['answers that it takes longer, and does the work behind the second attempt', { late: 1 }, 2],
])('HR %s: in the end there is one project', async (_how, manners, made) => {
  const { systems, openDeal, win, everywhere } = await start({
    policy: { retry: { attempts: 1_000, backoff: '1ms', limit: '1ms' }, timeout: '100ms' },
  })
  systems.hr.server.manners = { ...GOOD, ...manners }
  const dealId = await openDeal()
  await win(dealId)
  expect(await everywhere(dealId)).toMatchObject({ hr: [{ externalReference: dealId }], flow: { ending: 'won' } })
  const log = writes(systems.hr.server.log)
  expect(log.filter((line) => line.startsWith('POST /projects'))).toHaveLength(made)
  expect(log.filter((line) => line.startsWith('DELETE'))).toHaveLength(made - 1)
})

test('the CRM limits: the next attempt is made when it asks for it', async () => {
  const clock = puttableClock()
  const { app, systems, pass, openDeal, win, settled } = await start({ clock })
  systems.crm.server.manners = { ...GOOD, perSecond: 2 }
  const dealId = await openDeal()
  const before = clock.now()
  await win(dealId)
  const { attempt } = await until(app, async () =>
    (await app.runs({ key: `dealId:${dealId}` })).items.flatMap(({ waits }) => waits).find((wait) => wait.attempt),
  )
  expect(attempt).toMatchObject({ number: 1, error: { message: expect.stringContaining('429') as string } })
  expect(Date.parse(attempt?.next ?? '')).toBeGreaterThanOrEqual(before + 1_000)
  pass(1_000)
  clock.pass(1_001)
  await settled(dealId)
  expect(systems.crm.server.log.slice(2)).toEqual([
    `GET /deals/${dealId} 429`,
    `GET /deals/${dealId} 200`,
    `PATCH /deals/${dealId} 200`,
  ])
  expect(await app.flow('deal', dealId)).toMatchObject({ ending: 'won' })
})

test('accounting refuses a customer: that is an outcome, asked once, and the CRM says why', async () => {
  const { systems, openDeal, win, everywhere } = await start()
  const dealId = await openDeal({ account: { id: 'A-8', name: 'Drosselmeyer', vatId: 'unknown' } })
  await win(dealId)
  expect(await everywhere(dealId)).toMatchObject({
    crm: { note: expect.stringContaining('no VAT number: unknown') as string, invoiceNumber: null },
    accounting: [],
    flow: { ending: 'refused' },
  })
  expect(writes(systems.accounting.server.log)).toEqual(['PUT /customers/A-8 422'])
})

/** As the CRM signs it. */
const signed = (secret: string, body: string): Record<string, string> => ({
  'x-crm-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
})

test('a webhook that is not signed as agreed is refused, and nothing follows of it', async () => {
  const { app, url, openDeal } = await start()
  const body = JSON.stringify({ type: 'deal.won', deal: await openDeal() })
  const crm = await fetch(`${url}/webhooks/crm`, { method: 'POST', body, headers: signed('another secret', body) })
  const accounting = await fetch(`${url}/webhooks/accounting`, {
    method: 'POST',
    body: JSON.stringify({ type: 'invoice.paid', invoice: '2026-0001', reference: 'D-1001' }),
    headers: { authorization: 'Bearer another secret' },
  })
  expect([crm.status, accounting.status]).toEqual([401, 401])
  expect((await app.events()).items).toEqual([])
})

test('any other 4xx is a fault of ours: it fails at once, for a person, who starts the operation when it is mended', async () => {
  const { app, url, secret, systems, openDeal, win, settled, everywhere } = await start()
  const body = JSON.stringify({ type: 'deal.won', deal: 'D-1001' })
  const { status } = await fetch(`${url}/webhooks/crm`, { method: 'POST', body, headers: signed(secret, body) })
  expect(status).toBe(202)
  await settled('D-1001')
  const [failed] = (await app.runs({ key: 'dealId:D-1001' })).items
  expect([failed]).toMatchObject([
    {
      status: 'failed',
      call: 'crm.confirmWin',
      input: { dealId: 'D-1001' },
      error: { message: expect.stringContaining('404') as string },
    },
  ])
  expect(systems.crm.server.log).toEqual(['GET /deals/D-1001 404'])
  expect((await fetch(`${url}/deals/D-1001`)).status).toBe(404)

  systems.crm.server.manners = { ...GOOD, webhooks: 'lost' }
  const dealId = await openDeal()
  await win(dealId)
  // What `ballet show` of the failed run says.
  const { id } = await app.startNamed({ call: String(failed?.call), input: failed?.input })
  await app.result(id)
  expect(await everywhere(dealId)).toMatchObject({ crm: { invoiceNumber: '2026-0001' }, flow: { ending: 'won' } })
})
