// A node whose codec has another key than the store was written with: what it cannot read it leaves as it is, so that the right key
// alone is enough to go on, and what was sent meanwhile is refused or waits.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest, until } from '../../test/support/applications.ts'
import { inboxItem } from '../../test/support/stores.ts'
import type { Codec } from '../core/codec.ts'
import { ballet, event, operation, schedule, service, signal, sqlite, workflow, type Application } from '../index.ts'

const Go = signal('go', z.string())
const Paid = event('paid', z.object({ id: z.string() }), { key: 'id' })
const bank = service('bank', {
  charge: operation({
    input: z.object({ id: z.string() }),
    outcomes: [Paid],
    retry: { attempts: 1 },
    run: () => {
      throw new Error('the bank is away')
    },
  }),
})
const Odd = event('odd', z.object({ id: z.string() }), { key: 'id' })
bank.on(Odd, () => {
  throw new Error('this reaction has a fault')
})
const wait = workflow(
  'wait',
  { input: z.string(), output: z.string(), signals: [Go] },
  async (run) => (await run.receive(Go)).data,
)
const pay = workflow('pay', { input: z.string(), output: z.string() }, async (run, id) => {
  await run.call(bank.charge({ id }))
  return 'paid'
})
const yearly = (name: string) => schedule(name, { cron: '@yearly', timezone: 'UTC', call: () => wait(name) })
const scheduled = (...schedules: readonly string[]) =>
  ballet({ services: [bank], workflows: [wait, pay], schedules: schedules.map((name) => yearly(name)) })
const definition = scheduled('a', 'b')

/** Encodes with the first of its keys, and decodes with each. */
function codecOf(...keys: readonly string[]): Codec {
  return {
    encode: (text) => `${keys[0]}${text}`,
    decode: (payload) => {
      const key = keys.find((one) => String(payload).startsWith(one))
      if (key === undefined) throw new Error('there is no such key here')
      return String(payload).slice(key.length)
    },
  }
}

let folder: string
let app: Application
const reopen = async (...keys: readonly string[]): Promise<ReturnType<typeof keptLog>> => {
  const [store, log] = [sqlite({ file: join(folder, 'store.db') }), keptLog()]
  app = await openForTest(definition, { store, codec: codecOf(...keys), log })
  return log
}
const stuck = (id: string): Promise<unknown> =>
  until(app, null, async () => (await app.runs({ status: ['stuck'] })).items.some((one) => one.id === id))

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-key-'))
  await reopen('right ')
  await app.start(wait('x'), { id: 'w' })
  await app.start(pay('p'), { id: 'p' })
  await app.start(bank.charge({ id: 'c' }), { id: 'c' })
  await app.publish(Odd({ id: 'o' }), { id: 'o' })
  await stuck('p')
  await stuck('c')
  await until(app, null, async () => (await app.runs({ status: ['running'] })).items.length === 3)
  await app.close()
})

afterEach(async () => {
  await app.close()
  rmSync(folder, { recursive: true })
})

test('nothing is written of a run that cannot be read: with the right key alone it goes on as it was', async () => {
  const log = await reopen('wrong ')
  const seen = (await app.runs({ status: ['stuck'] })).items.filter(({ id }) => !id.startsWith('@'))
  expect(seen.map(({ id, reason, choices }) => [id, reason, choices.map(({ action }) => action)])).toEqual(
    ['bank:odd:o', 'c', 'p', 'w'].map((id) => [id, 'unreadable', ['retry', 'fail']]),
  )
  expect(await app.schedules()).toMatchObject([
    { name: 'a', state: 'stuck', next: null },
    { name: 'b', state: 'stuck', next: null },
  ])
  const schedules = { status: 'stuck', reason: 'unreadable', kind: 'workflow', name: '@schedule', runs: 2 }
  expect((await app.counts()).counts).toContainEqual(schedules)
  for (const ask of [app.signal('w', Go('lost')), app.cancel('w')])
    await expect(ask).rejects.toMatchObject({ code: 'RUN_UNREADABLE' })
  expect(await app.retry('w')).toMatchObject({ changed: true })
  await app.close()
  expect(log.lines.filter((line) => line.includes('is not begun'))).toEqual([])
  await reopen('right ')
  expect(await app.schedules()).toMatchObject([
    { state: 'active', next: expect.any(String) },
    { state: 'active', next: expect.any(String) },
  ])
  // One that goes on is nobody's open work.
  expect((await app.counts()).counts.map(({ name }) => name)).not.toContain('@schedule')
  expect(await app.run('w')).toMatchObject({ status: 'running', waits: [{ kind: 'receive' }] })
  for (const id of ['p', 'c'])
    expect(await app.run(id)).toMatchObject({
      status: 'stuck',
      reason: 'call',
      error: { message: expect.stringContaining('the bank is away') },
    })
  expect(await app.run('bank:odd:o')).toMatchObject({
    status: 'stuck',
    reason: 'threw',
    error: { message: expect.stringContaining('has a fault') },
  })
  await app.signal('w', Go('on'))
  expect(await app.result('w')).toBe('on')
})

test('what lay in the inbox for it waits for the right key', async () => {
  const store = sqlite({ file: join(folder, 'store.db') })
  await store.open()
  const item = inboxItem('signal', 'w', { run: 'w', name: 'go', id: 's', data: 'on' })
  await store.post(0, [{ ...item, data: `both ${String(item.data)}` }])
  await store.close()
  await reopen('wrong ', 'both ')
  expect((await app.runs({ status: ['stuck'] })).items).toHaveLength(6)
  await app.close()
  await reopen('right ', 'both ')
  expect(await app.result('w')).toBe('on')
})

test('what a lost key hides is named in a list, and hides nothing else of it', async () => {
  await reopen('wrong ')
  await app.publish(Odd({ id: 'o' }), { id: 'new' })
  const lost = [{ id: 'o', error: { code: 'RUN_UNREADABLE', message: expect.stringContaining('the event "o"') } }]
  expect(await app.events()).toMatchObject({ items: [{ id: 'new' }], unreadable: lost })
  const ofKey = await app.key('id', 'o')
  expect(ofKey).toMatchObject({ events: [{ id: 'new' }], unreadable: lost })
  expect(ofKey.runs.map(({ id }) => id).toSorted()).toEqual(['bank:odd:new', 'bank:odd:o'])
  await app.fail('w', { error: { code: 'KEY_LOST', message: 'nobody has its key' } })
  expect((await app.runs({ status: ['failed'] })).items).toMatchObject([
    { id: 'w', input: null, error: { code: 'KEY_LOST', message: 'nobody has its key' } },
  ])
})

test('a schedule whose key is lost is ended when it has left the code, and not before', async () => {
  await reopen('wrong ')
  const fail = () => app.fail('@schedule:a', { error: { message: 'nobody has its key' } })
  await expect(fail()).rejects.toMatchObject({ code: 'ACTION_REFUSED' })
  await app.close()
  app = await openForTest(scheduled('b', 'c'), {
    store: sqlite({ file: join(folder, 'store.db') }),
    codec: codecOf('wrong '),
  })
  expect(await fail()).toMatchObject({ changed: true })
  expect((await app.schedules()).map(({ name, state }) => [name, state])).toEqual([
    ['b', 'stuck'],
    ['c', 'active'],
  ])
  const open = (await app.runs({ name: '@schedule', status: ['stuck'] })).items
  expect(open.map(({ id }) => id)).toEqual(['@schedule:b'])
})
