// Webhooks that were lost, and the night in which that is noticed.
import { afterEach, expect, test } from 'vitest'
import { difference } from './reconciliation.ts'
import { GOOD } from './systems/api-server.ts'
import { puttableClock, startAll, until, type Options, type Running } from './testing.ts'

let running: Running | undefined
async function start(options?: Options): Promise<Running> {
  running = await startAll(options)
  return running
}
afterEach(async () => {
  await running?.close()
  running = undefined
})

test('what lost webhooks left out is mended, over several pages, and the next time nothing is left', async () => {
  const { app, systems, reconcile, openDeal, win, lose, pay, everywhere } = await start()
  const deals: string[] = []
  for (let count = 0; count < 45; count++) deals.push(await openDeal())
  const [unpaid = '', fine = '', unlost = ''] = deals
  const unheard = deals.at(-1) ?? ''
  for (const dealId of [unpaid, fine, unlost]) {
    await win(dealId)
    await everywhere(dealId)
  }
  systems.crm.server.manners = { ...GOOD, webhooks: 'lost' }
  systems.accounting.server.manners = { ...GOOD, webhooks: 'lost' }
  await win(unheard)
  await lose(unlost)
  await pay('2026-0001')
  systems.crm.server.manners = GOOD

  const { id } = await app.start(reconcile({}))
  expect(await app.result(id)).toEqual({
    compared: 45,
    mended: [
      `${unpaid}: the payment was not heard`,
      `${unlost}: the loss was not heard`,
      `${unheard}: the win was not heard`,
    ],
    open: [],
  })
  expect((await app.run(id))?.generation).toBe(2)
  expect(await everywhere(unpaid)).toMatchObject({ crm: { paid: true }, flow: { state: 'may end', ending: 'won' } })
  expect(await everywhere(unlost)).toMatchObject({ accounting: [{ creditNote: 'C-1' }], hr: [{ state: 'released' }] })
  expect(await everywhere(unheard)).toMatchObject({ crm: { invoiceNumber: '2026-0004' }, flow: { ending: 'won' } })

  const again = await app.start(reconcile({}))
  expect(await app.result(again.id)).toEqual({ compared: 45, mended: [], open: [] })
})

test('a webhook that was only late is the same event as the one that was asked for', async () => {
  const { app, systems, reconcile, openDeal, win, everywhere } = await start()
  const dealId = await openDeal()
  systems.crm.server.manners = { ...GOOD, webhooks: 'held' }
  await win(dealId)
  // What is held goes with what the reconciliation asks for.
  systems.crm.server.manners = { ...GOOD, webhooks: 'twice' }
  await app.result((await app.start(reconcile({}))).id)
  expect(await everywhere(dealId)).toMatchObject({
    accounting: [{ number: '2026-0001' }],
    flow: { state: 'may end', ending: 'won' },
  })
  expect((await app.events({ types: ['win.reported'] })).items).toHaveLength(1)
})

test('a payment that is heard late is the event that the reconciliation has said: the CRM is asked once to show it', async () => {
  const { app, systems, reconcile, openDeal, win, pay, everywhere } = await start()
  const dealId = await openDeal()
  await win(dealId)
  await everywhere(dealId)
  systems.accounting.server.manners = { ...GOOD, webhooks: 'held' }
  await pay('2026-0001')
  const { id } = await app.start(reconcile({}))
  expect(await app.result(id)).toMatchObject({ mended: [`${dealId}: the payment was not heard`] })
  // It stands right behind the turn that says it.
  await until(app, async () => (await app.events({ types: ['invoice.paid'] })).items[0])
  systems.accounting.server.manners = GOOD
  await systems.accounting.outbox.deliver()
  expect(await everywhere(dealId)).toMatchObject({ crm: { paid: true }, flow: { state: 'may end', ending: 'won' } })
  const { items } = await app.events({ key: `dealId:${dealId}` })
  expect(items.filter(({ type }) => type === 'invoice.paid' || type === 'deal.paid')).toHaveLength(2)
})

test('what no webhook is to blame for is told, and left to a person', async () => {
  const { app, systems, reconcile, openDeal, win, settled } = await start({
    policy: { retry: { attempts: 2, backoff: '1ms', limit: '1ms' } },
  })
  // Writes alone: the reconciliation reads.
  systems.hr.server.manners = { ...GOOD, late: 1_000 }
  const dealId = await openDeal()
  await win(dealId)
  await settled(dealId)
  const { id } = await app.start(reconcile({}))
  expect(await app.result(id)).toEqual({ compared: 1, mended: [], open: [`${dealId}: it has no team`] })
})

test('at night it comes by itself, and the next time it compares from the beginning', async () => {
  const clock = puttableClock()
  const { app, systems, openDeal, win, everywhere } = await start({ clock })
  const dealId = await openDeal()
  systems.crm.server.manners = { ...GOOD, webhooks: 'lost' }
  await win(dealId)
  systems.crm.server.manners = GOOD
  /** What the next night finds. */
  const night = async (before: string | undefined): Promise<unknown> => {
    await until(app, async () => {
      const run = await app.run('@schedule:nightly')
      return run?.waits[0]?.kind === 'receive' ? run : undefined
    })
    clock.pass(24 * 3_600_000)
    const { last } = await until(app, async () => {
      const view = await app.schedule('nightly')
      return view.last === null || view.last.run === before ? undefined : view
    })
    return [last?.run, await app.result(last?.run ?? '')]
  }
  const [first, found] = (await night(undefined)) as [string, unknown]
  expect(found).toEqual({ compared: 1, mended: [`${dealId}: the win was not heard`], open: [] })
  expect((await everywhere(dealId)).crm.invoiceNumber).toBe('2026-0001')
  expect(await night(first)).toMatchObject([expect.stringMatching(/^nightly@/), { mended: [] }])
})

test.each([
  [{ stage: 'open' }, null, null, null],
  [{ stage: 'won' }, null, null, 'the win was not heard'],
  [{ stage: 'won', note: 'refused' }, null, null, null],
  [{ stage: 'won' }, {}, { state: 'planned' }, null],
  [{ stage: 'won' }, {}, null, 'it has no team'],
  [{ stage: 'won' }, { paid: true }, { state: 'planned' }, 'the payment was not heard'],
  [{ stage: 'lost' }, null, null, null],
  [{ stage: 'lost' }, {}, { state: 'planned' }, 'the loss was not heard'],
  [{ stage: 'lost' }, { creditNote: 'C-1' }, { state: 'planned' }, 'its team was not released'],
  [{ stage: 'lost' }, { creditNote: 'C-1' }, { state: 'released' }, null],
] as const)('%j with invoice %j and project %j: %s', (deal, invoice, project, expected) => {
  const found = difference({
    deal: { paid: false, note: null, ...deal },
    invoice: invoice && { paid: false, creditNote: null, ...invoice },
    project,
  })
  expect(found).toBe(expected)
})
