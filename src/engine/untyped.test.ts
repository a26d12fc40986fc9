// What a program without types gives an application: every door says in words what is wrong with it.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest } from '../../test/support/applications.ts'
import { ballet, choreography, event, memory, seq, workflow } from '../index.ts'

const Fact = event('a.fact', z.object({ id: z.string() }), { key: 'id' })
const facts = choreography('facts', { key: 'id' }, seq(Fact.as('told')))
const flow = workflow('flow', { input: z.null(), output: z.json() }, async () => null)
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
]

test.each(doors)(
  '%s(...) is given what it cannot take (%j): it says what is wrong at %s',
  async (door, given, path) => {
    const app = await openForTest(definition, { store: memory() })
    const call = (Reflect.get(app, door) as Door).bind(app)
    await expect((async () => call(...given))()).rejects.toMatchObject({ code: 'REQUEST_INVALID', details: { path } })
  },
)

test('a flow is begun with what is no event: that is said', async () => {
  const app = await openForTest(definition, { store: memory() })
  const begin = app.conduct(facts)
  await expect(
    (async (): Promise<unknown> => Reflect.apply(begin, null, [{ id: 'a' }]) as unknown)(),
  ).rejects.toMatchObject({
    details: { path: 'event' },
  })
})
