// The stand-ins against their own documents: every route of each, well and badly asked. A document that promised something
// else would be found here, and so would an answer that it does not have.
import { afterEach, beforeEach, expect, test } from 'vitest'
import newDeal from '../deal.json' with { type: 'json' }
import { GOOD } from './api-server.ts'
import accounting from './accounting.openapi.json' with { type: 'json' }
import crm from './crm.openapi.json' with { type: 'json' }
import hr from './hr.openapi.json' with { type: 'json' }
import { startSystems } from './systems.ts'

let systems: Awaited<ReturnType<typeof startSystems>>
beforeEach(async () => {
  // Nobody listens to the webhooks: they are kept.
  systems = await startSystems({ folder: null, hooks: 'http://127.0.0.1:9', secret: 'secret', now: () => 0 }, 0)
})
afterEach(() => systems.close())

async function ask(system: 'crm' | 'accounting' | 'hr', request: string, body?: object, key?: string) {
  const [method = '', path = ''] = request.split(' ')
  const response = await fetch(systems.addresses[system].url + path, {
    method,
    body: body === undefined ? null : JSON.stringify(body),
    headers: key === undefined ? {} : { 'idempotency-key': key },
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? null : (JSON.parse(text) as Record<string, unknown>) }
}
const statuses = async (asked: readonly ReturnType<typeof ask>[]): Promise<number[]> =>
  (await Promise.all(asked)).map(({ status }) => status)

/** Whether each operation of the documents was asked, and what was answered that they do not have. */
function covered(system: 'crm' | 'accounting' | 'hr', document: { readonly paths: object }) {
  const { log, misfits } = systems[system].server
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map(
      (method) => new RegExp(`^${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, '[^/ ]+')}[? ]`),
    ),
  )
  return { misfits, unasked: routes.filter((route) => !log.some((line) => route.test(line))).map(String) }
}

test('the CRM', async () => {
  expect(await ask('crm', 'POST /deals', newDeal)).toMatchObject({ status: 201, body: { id: 'D-1001' } })
  expect(await ask('crm', 'POST /deals', { ...newDeal, amount: -1 })).toMatchObject({ status: 400 })
  expect(await ask('crm', 'POST /deals', newDeal)).toMatchObject({ status: 201, body: { id: 'D-1002' } })
  expect(await ask('crm', 'GET /deals?limit=1')).toMatchObject({ body: { deals: [{ id: 'D-1001' }], next: 'D-1001' } })
  expect(await ask('crm', 'GET /deals?after=D-1001')).toMatchObject({ body: { deals: [{ id: 'D-1002' }], next: null } })
  expect(await ask('crm', 'PATCH /deals/D-1001', { note: 'x' })).toMatchObject({ status: 200, body: { note: 'x' } })
  expect(await ask('crm', 'PATCH /deals/D-1001', { stage: 'won' })).toMatchObject({ status: 400 })
  expect(await ask('crm', 'POST /deals/D-1001/win')).toMatchObject({ status: 200, body: { stage: 'won' } })
  expect(await ask('crm', 'POST /deals/D-1001/win')).toMatchObject({ status: 409 })
  expect(await ask('crm', 'POST /deals/D-1001/lose')).toMatchObject({ status: 200, body: { stage: 'lost' } })
  expect(await ask('crm', 'POST /deals/D-1001/lose')).toMatchObject({ status: 409 })
  expect(await ask('crm', 'POST /deals/D-1001/webhooks', { stage: 'won' })).toEqual({ status: 202, body: null })
  const none = ['GET /deals/D-9', 'POST /deals/D-9/win', 'POST /deals/D-9/lose', 'GET /people']
  expect(await statuses(none.map((request) => ask('crm', request)))).toEqual([404, 404, 404, 404])
  expect(covered('crm', crm)).toEqual({ misfits: [], unasked: [] })
})

test('accounting answers a request under its key once', async () => {
  const customer = { name: 'Coppelia', vatId: 'DE123456789' }
  expect(await ask('accounting', 'PUT /customers/A-7', customer)).toMatchObject({ body: { number: 70_001 } })
  expect(await ask('accounting', 'PUT /customers/A-7', customer)).toMatchObject({ body: { number: 70_001 } })
  expect(await ask('accounting', 'PUT /customers/A-8', { ...customer, vatId: '1' })).toMatchObject({ status: 422 })
  const invoice = { customer: 70_001, reference: 'D-1001', amount: 100 }
  const made = await ask('accounting', 'POST /invoices', invoice, 'one')
  expect(made).toMatchObject({ status: 201, body: { number: '2026-0001' } })
  expect(await ask('accounting', 'POST /invoices', invoice, 'one')).toEqual(made)
  expect(await ask('accounting', 'POST /invoices', { ...invoice, amount: 101 }, 'one')).toMatchObject({ status: 409 })
  expect(await ask('accounting', 'POST /invoices', invoice)).toMatchObject({ status: 400 })
  expect(await ask('accounting', 'POST /invoices/2026-0001/payment')).toMatchObject({ body: { paid: true } })
  const credit = 'POST /invoices/2026-0001/credit-note'
  expect(await ask('accounting', credit, undefined, 'two')).toMatchObject({ status: 201, body: { creditNote: 'C-1' } })
  expect(await ask('accounting', credit, undefined, 'two')).toMatchObject({ status: 201, body: { creditNote: 'C-1' } })
  const none = ['POST /invoices/9/payment', 'POST /invoices/9/credit-note']
  expect(await statuses(none.map((request) => ask('accounting', request, undefined, request)))).toEqual([404, 404])
  expect(await ask('accounting', 'GET /invoices?reference=D-1001')).toMatchObject({ body: { invoices: [{}] } })
  expect(covered('accounting', accounting)).toEqual({ misfits: [], unasked: [] })
})

test('HR makes a project each time that it is asked', async () => {
  const project = { externalReference: 'D-1001', name: 'A doll that dances', hours: 9 }
  const { body } = await ask('hr', 'POST /projects', project)
  expect(body).toMatchObject({ sequence: 1, team: [{ hours: 5 }, { hours: 4 }] })
  expect(await ask('hr', 'POST /projects', project)).toMatchObject({ status: 201, body: { sequence: 2 } })
  expect(await ask('hr', 'GET /projects?externalReference=D-1001')).toMatchObject({ body: { projects: [{}, {}] } })
  expect(await ask('hr', `POST /projects/${String(body?.['id'])}/release`)).toMatchObject({ status: 200 })
  expect(await ask('hr', `DELETE /projects/${String(body?.['id'])}`)).toEqual({ status: 204, body: null })
  const none = ['DELETE /projects/9', 'POST /projects/9/release']
  expect(await statuses(none.map((request) => ask('hr', request)))).toEqual([404, 404])
  expect(covered('hr', hr)).toEqual({ misfits: [], unasked: [] })
})

test('an answer that the document does not have is found', async () => {
  const { server, records } = systems.crm
  records.put('deal', 'D-7', { id: 'D-7', stage: 'sold' })
  await ask('crm', 'GET /deals/D-7')
  expect(server.misfits).toEqual([expect.stringContaining('GET /deals/D-7 200')])
})

test('manners are told by a request as well', async () => {
  expect(await ask('crm', 'POST /manners', { perSecond: 1 })).toEqual({ status: 200, body: { ...GOOD, perSecond: 1 } })
  expect(await statuses([ask('crm', 'GET /deals')])).toEqual([200])
  expect(await statuses([ask('crm', 'GET /deals')])).toEqual([429])
  expect(await ask('crm', 'POST /manners', { down: true })).toMatchObject({ status: 200 })
  expect(await statuses([ask('crm', 'GET /deals')])).toEqual([503])
})
