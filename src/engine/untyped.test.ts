// What a program without types gives an application: every door says in words what is wrong with it.
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import type { CALL_OPTIONS, RECEIVE_OPTIONS, START_OPTIONS, STEP_OPTIONS } from '../core/options.ts'
import type { CallOptions, ReceiveOptions, StartOptions, StepOptions } from '../define/run.ts'
import {
  ballet,
  choreography,
  event,
  open,
  operation,
  seq,
  service,
  signal,
  workflow,
  type OpenOptions,
} from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Fact = event('a.fact', z.object({ id: z.string() }), { key: 'id' })
const facts = choreography('facts', { key: 'id' }, seq(Fact.as('told')))
const go = signal('go', z.null())
const flow = workflow('flow', { input: z.null(), output: z.json(), signals: [go] }, async () => null)
const definition = ballet({ services: [], workflows: [flow], events: [Fact], choreographies: [facts] })

type Door = (...given: readonly unknown[]) => unknown

const doors: readonly (readonly [door: string, given: readonly unknown[], path: string])[] = [
  ['start', [flow], 'call'],
  ['start', [null], 'call'],
  ['publish', [Fact], 'event'],
  ['publish', [{ type: 'a.fact', data: { id: 'a' } }], 'event'],
  ['signal', ['flow:1', Fact], 'signal'],
  ['conduct', [null], 'choreography'],
  ['startNamed', [{}], 'call'],
  ['startNamed', [null], 'request'],
  ['publishNamed', [{}], 'type'],
  ['signalNamed', [{}], 'run'],
  ['signalNamed', [{ run: 'flow:1' }], 'name'],
  ['conductNamed', [{}], 'choreography'],
  ['cancel', [{ id: 'flow:1' }], 'run'],
  ['retry', [5], 'run'],
  ['answer', ['flow:1'], 'request'],
  ['answer', ['flow:1', { value: 1 }], 'op'],
  ['fail', ['flow:1', {}], 'error'],
  ['actOnAll', [], 'request'],
  ['run', [undefined], 'run'],
  ['run', ['flow:\u0000'], 'run'],
  ['result', [{}], 'run'],
  ['settled', [null, 1000], 'run'],
  ['journal', [[]], 'run'],
  ['runs', [null], 'request'],
  ['events', ['a.fact'], 'request'],
  ['key', ['id'], 'value'],
  ['flows', [{ name: 'facts' }], 'choreography'],
  ['flow', ['facts', 5], 'key'],
  ['graph', [undefined], 'root'],
  ['start', [flow(null), null], 'options'],
  ['start', [flow(null), { id: 5 }], 'id'],
  ['start', [flow(null), { id: null }], 'id'],
  ['startNamed', [{ call: 'flow', input: null, id: {} }], 'id'],
  ['publish', [Fact({ id: 'a' }), null], 'options'],
  ['publish', [Fact({ id: 'a' }), { id: 5 }], 'id'],
  ['publish', [Fact({ id: 'a' }), { source: null }], 'source'],
  ['publishNamed', [{ type: 'a.fact', data: { id: 'a' }, cause: 5 }], 'cause'],
  ['publishNamed', [{ type: 'a.fact', data: { id: 'a' }, cause: 'a b' }], 'cause'],
  ['publishNamed', [{ type: 'a.fact', data: { id: 'a' }, cause: 'a\ud800' }], 'cause'],
  ['conductNamed', [{ choreography: 'facts', type: 'a.fact', data: { id: 'a' }, cause: '' }], 'cause'],
  ['conductNamed', [{ choreography: 'facts', type: 'a.fact', data: { id: 'a' }, id: 5 }], 'id'],
  ['signal', ['flow:1', go(null), { id: 5 }], 'id'],
  ['signal', ['flow:1', go(null), null], 'options'],
  ['signalNamed', [{ run: 'flow:1', name: 'go', data: null, id: 5 }], 'id'],
  ['cancel', ['flow:1', null], 'request'],
  ['retry', ['flow:1', null], 'request'],
  ['retry', ['flow:1', { op: 5 }], 'op'],
  ['answer', ['flow:1', {}], 'op'],
  ['fail', ['flow:1', { op: 5, error: {} }], 'op'],
  ['journal', ['flow:1', null], 'options'],
  ['flows', ['facts', null], 'request'],
  ['settled', ['flow:1', '5'], 'waitMs'],
  ['settled', ['flow:1', Number.NaN], 'waitMs'],
  ['settled', ['flow:1', 5, {}], 'signal'],
]

/** What there is no such option for: the one that is meant is named. */
const typos: readonly (readonly [door: string, given: readonly unknown[], path: string, meant: string])[] = [
  ['start', [flow(null), { idd: 'a' }], 'idd', 'id'],
  ['start', [flow(null), { deadLine: '2h' }], 'deadLine', 'deadline'],
  ['startNamed', [{ call: 'flow', inptu: null }], 'inptu', 'input'],
  ['publish', [Fact({ id: 'a' }), { sourc: 'a' }], 'sourc', 'source'],
  ['publishNamed', [{ type: 'a.fact', data: { id: 'a' }, ids: 'a' }], 'ids', 'id'],
  ['conductNamed', [{ choreography: 'facts', type: 'a.fact', data: { id: 'a' }, couse: 'a' }], 'couse', 'cause'],
  ['signal', ['flow:1', go(null), { ID: 'a' }], 'ID', 'id'],
  ['signalNamed', [{ run: 'flow:1', name: 'go', data: null, idd: 'a' }], 'idd', 'id'],
  ['cancel', ['flow:1', { wy: 'so' }], 'wy', 'by'],
  ['cancel', ['flow:1', { tx: {} }], 'tx', 'by'],
  ['retry', ['flow:1', { ops: 'a' }], 'ops', 'op'],
  ['answer', ['flow:1', { op: 'a', valeu: 1 }], 'valeu', 'value'],
  ['fail', ['flow:1', { eror: { message: 'a' } }], 'eror', 'error'],
  ['actOnAll', [{ action: 'cancel', nmae: 'flow' }], 'nmae', 'name'],
  ['runs', [{ staus: ['stuck'] }], 'staus', 'status'],
  ['journal', ['flow:1', { limits: 5 }], 'limits', 'limit'],
  ['events', [{ type: ['a.fact'] }], 'type', 'types'],
  ['flows', ['facts', { sate: 'broken' }], 'sate', 'state'],
]

const times = [{}, [], null, true, 5n, Object.create(null)] as const
const cursors: readonly (readonly [door: string, given: readonly unknown[]])[] = [
  ['runs', [{ cursor: 5 }]],
  ['events', [{ cursor: 5 }]],
  ['key', ['id', 'a', 5]],
  ['graph', ['event:a:b', 5]],
  ['flows', ['facts', { cursor: 5 }]],
  ['journal', ['there', { cursor: 5 }]],
]

test.each(times)('a time that is none (%#) is refused in words', async (at) => {
  const app = await openForTest(definition, { store: memory() })
  for (const settings of [{ at }, { deadline: at }])
    await expect(app.start(flow(null), settings as never)).rejects.toMatchObject({ code: 'TIME_INVALID' })
})

test.each(cursors)('a cursor that no list has given, of %s(...), is refused in words', async (door, given) => {
  const app = await openForTest(definition, { store: memory() })
  await app.start(flow(null), { id: 'there' })
  const call = (Reflect.get(app, door) as Door).bind(app)
  await expect((async () => call(...given))()).rejects.toMatchObject({ code: 'QUERY_INVALID' })
})

test.each(doors)(
  '%s(...) is given what it cannot take (%j): it says what is wrong at %s',
  async (door, given, path) => {
    const app = await openForTest(definition, { store: memory() })
    const call = (Reflect.get(app, door) as Door).bind(app)
    await expect((async () => call(...given))()).rejects.toMatchObject({ code: 'REQUEST_INVALID', details: { path } })
  },
)

test.each(typos)('%s(...) is given an option that there is not (%j): it names %s, and %s', async (...given) => {
  const [door, asked, path, meant] = given
  const app = await openForTest(definition, { store: memory() })
  await app.start(flow(null), { id: 'flow:1' })
  const call = (Reflect.get(app, door) as Door).bind(app)
  const refused = (async () => call(...asked))()
  await expect(refused).rejects.toMatchObject({ code: 'REQUEST_INVALID', details: { path } })
  await expect(refused).rejects.toThrow(`there is no option "${path}". Did you mean "${meant}"?`)
})

test('a flow is begun with an option that there is not, as with a transaction: that is said', async () => {
  const app = await openForTest(definition, { store: memory() })
  const begin = app.conduct(facts) as Door
  const refused = (async () => begin(Fact({ id: 'a' }), { tx: {} }))()
  await expect(refused).rejects.toMatchObject({ code: 'REQUEST_INVALID', details: { path: 'tx' } })
})

test('an application is opened with an option that there is not: that is said, and nothing is opened', async () => {
  const options = { graceMS: 5, store: memory() } as OpenOptions
  await expect(open(definition, options)).rejects.toThrow('there is no option "graceMS". Did you mean "graceMs"?')
})

test('a flow is begun with what is no event: that is said', async () => {
  const app = await openForTest(definition, { store: memory() })
  const begin = app.conduct(facts)
  await expect(
    (async (): Promise<unknown> => Reflect.apply(begin, null, [{ id: 'a' }]) as unknown)(),
  ).rejects.toMatchObject({
    details: { path: 'event' },
  })
})

test('a call is made with an option that there is not: its run is stuck, the call is not made, and mended code goes on', async () => {
  const made: string[] = []
  const desk = service('desk', {
    charge: operation({ input: z.null(), output: z.null(), run: () => (made.push('charge'), null) }),
    refund: operation({ input: z.null(), output: z.null(), undoes: 'charge', run: () => (made.push('refund'), null) }),
  })
  const paid = (option: string) =>
    workflow('paid', { input: z.null(), output: z.json() }, async (run) => {
      // What a call answers when it fails is often caught: a mistake is not passed over by that.
      await run.call(desk.charge(null), { [option]: desk.refund(null) }).catch(() => {})
      await run.undo()
      return 'taken back'
    })
  const data = new MemoryData()
  const wrong = await openForTest(ballet({ services: [desk], workflows: [paid('undoo')] }), { store: memory(data) })
  await wrong.start(paid('undoo')(null), { id: 'p' })
  const found = await until(wrong, null, async () => {
    const run = await wrong.run('p')
    return run?.status === 'stuck' && run
  })
  expect(found).toMatchObject({ reason: 'threw', error: { code: 'RUN_THREW' } })
  expect(found.error?.message).toContain('there is no option "undoo". Did you mean "undo"?')
  expect(made).toEqual([])
  const mended = await openForTest(ballet({ services: [desk], workflows: [paid('undo')] }), { store: memory(data) })
  expect(await mended.result('p')).toBe('taken back')
  expect(made).toEqual(['charge', 'refund'])
})

test('the options of a run are those that its author can write', () => {
  expectTypeOf<keyof typeof CALL_OPTIONS>().toEqualTypeOf<keyof CallOptions>()
  expectTypeOf<keyof typeof STEP_OPTIONS>().toEqualTypeOf<keyof StepOptions>()
  expectTypeOf<keyof typeof START_OPTIONS>().toEqualTypeOf<keyof StartOptions>()
  expectTypeOf<keyof typeof RECEIVE_OPTIONS>().toEqualTypeOf<keyof ReceiveOptions>()
})
