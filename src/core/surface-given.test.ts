// What a program without types hands over in the place of a call, an event, a signal, a name or a body: told in the words of the author's
// own code, and never carried out.
import { describe, expect, it } from 'vitest'
import { aSignal, call, Driver, event, opsOf, replay } from '../../test/core/machine-driver.ts'
import { letPass } from '../../test/core/repeats.ts'
import type { Surface } from './surface.ts'

const given = (value: unknown): never => value as never
/** An operation, a workflow, an event type: a function that gives a value when it is called. */
const definition = Object.assign(() => null, { kind: 'event', type: 'order.paid' })

/** A function that has all that a value has, which the code went on with when nobody looked. */
const shapedAs = (value: object): unknown =>
  Object.defineProperties(() => null, Object.getOwnPropertyDescriptors(value))

const NOT_CALLED = 'it is not given what a definition gives when it is called:'
const refused: readonly (readonly [what: string, door: (run: Surface) => unknown, words: string])[] = [
  ['an operation', (run) => run.call(given(definition)), `run.call: ${NOT_CALLED} run.call(payment.charge(input)).`],
  ['the name of one', (run) => run.call(given('a.do')), `run.call: ${NOT_CALLED}`],
  ['nothing', (run) => run.call(given(undefined)), `run.call: ${NOT_CALLED}`],
  ['a workflow', (run) => run.start(given(definition)), `run.start: ${NOT_CALLED} run.start(checkout(input)).`],
  ['an event type', (run) => run.emit(given(definition)), `run.emit: ${NOT_CALLED} run.emit(OrderCreated(data)).`],
  [
    'the name of a signal',
    (run) => run.start(call('child')).signal(given('go')),
    `signal of a child: ${NOT_CALLED} child.signal(Approve(data)).`,
  ],
  ['a name to wait for', (run) => run.receive(given('go')), 'run.receive: it takes an event or a signal'],
  ['nothing to wait for', (run) => run.receive(given(undefined)), 'run.receive: it takes an event or a signal'],
  [
    'names to wait for',
    (run) => run.receive(given([aSignal('ok'), 'go'])),
    'run.receive: it takes an event or a signal',
  ],
  ['a call to wait for', (run) => run.receive(given(call('a.do'))), 'run.receive: it takes an event or a signal'],
  [
    'a step without a name',
    (run) =>
      run.step(
        given(() => 1),
        given(undefined),
      ),
    'run.step: it takes a name and a function',
  ],
  ['a step without a body', (run) => run.step('s', given(5)), 'run.step: it takes a name and a function'],
]

describe('what is handed over in the place of a value', () => {
  it.each(refused)('%s is told, also where the code lets it pass', async (_what, door, words) => {
    expect(await letPass(door)).toMatchObject({
      kind: 'threw',
      error: { message: expect.stringContaining(words), cause: { code: 'DEFINITION_INVALID' } },
    })
  })

  it('is not looked at where a journal is repeated: the code had gone on when nobody looked', async () => {
    const body = (first: unknown) => async (run: Surface) => {
      await run.call(given(first)).catch(() => {})
      await run.receive(aSignal('ok'))
    }
    const before = new Driver(body(call('a.do')))
    await before.start()
    await before.done('a.do#0')
    const { driver } = await replay(before, body(shapedAs(call('a.do'))))
    expect(opsOf(await driver.signal('ok'))).toEqual(['end'])
  })

  it('an undo that gives nothing leaves the run to a person, with what it must give', async () => {
    const driver = new Driver(async (run) => {
      await run.call(call('a.do'), { undo: given(() => {}) })
      await run.undo()
    })
    await driver.start()
    expect(await driver.done('a.do#0')).toMatchObject({
      kind: 'threw',
      error: {
        message: expect.stringContaining(
          'the undo of a.do: it must be a call, or a function that returns one or null.',
        ),
      },
    })
  })

  it('nor is what an undo gives looked at there', async () => {
    const body = (undo: unknown) => async (run: Surface) => {
      await run.call(call('a.do'), { undo: () => given(undo) })
      await run.undo()
      await run.receive(aSignal('ok'))
    }
    const before = new Driver(body(call('a.undo')))
    await before.start()
    await before.done('a.do#0')
    await before.done('undo:a.do#0')
    const { driver } = await replay(before, body(shapedAs(call('a.undo'))))
    expect(opsOf(await driver.signal('ok'))).toEqual(['end'])
  })

  it.each<[string, string, (run: Surface, id: string) => unknown]>([
    ['step', '5#0', (run, id) => run.step(id, () => 1)],
    ['call', 'a.do/5', (run, id) => run.call(call('a.do'), { id })],
    ['patch', '', (run, id) => run.patched(id)],
  ])('a number as the id of a %s is its digits where a journal is repeated', async (_what, op, door) => {
    const body = (id: unknown) => async (run: Surface) => {
      await door(run, given(id))
      await run.receive(aSignal('ok'))
    }
    const before = new Driver(body('5'))
    await before.start()
    if (op !== '') await before.done(op)
    const { driver } = await replay(before, body(5))
    expect(opsOf(await driver.signal('ok'))).toEqual(['end'])
  })

  it('an id that is no text is refused as one', async () => {
    const driver = new Driver(async (run) => {
      run.patched(given(undefined))
    })
    expect(await driver.start()).toMatchObject({
      kind: 'threw',
      error: { message: expect.stringContaining('The id of the patch "undefined" is not a valid id: it is no text.') },
    })
  })

  it('events and signals are waited for by their types or by what they gave', async () => {
    const driver = new Driver(async (run) => {
      void run.receive(given(definition))
      await run.receive([event('order.paid'), aSignal('ok')] as never)
    })
    expect(opsOf(await driver.start())).toEqual(['wait receive#0', 'wait receive#1'])
  })
})
