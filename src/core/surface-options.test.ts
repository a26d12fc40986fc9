// What a program without types says beside a call, a step, a start or a wait, and no option there: told, and never carried out.
import { describe, expect, it } from 'vitest'
import { aSignal, call, Driver, event, opsOf, replay, type Body } from '../../test/core/machine-driver.ts'
import { expectRepeats, letPass } from '../../test/core/repeats.ts'
import type { Surface } from './surface.ts'

const said = (options: unknown): never => options as never
const refused: readonly (readonly [what: string, door: (run: Surface) => unknown, words: string])[] = [
  [
    'a call',
    (run) => run.call(call('a.do'), said({ undoo: call('a.undo') })),
    'run.call of a.do: there is no option "undoo". Did you mean "undo"?',
  ],
  ['a child', (run) => run.call(call('child'), said({ onCancel: 'leav' })), 'onCancel must be "cancel" or "leave"'],
  ['a step', (run) => run.step('s', () => {}, said({ publish: true })), 'the step "s": there is no option "publish"'],
  [
    'a transaction',
    (run) =>
      run.tx(
        't',
        () => {},
        () => {},
        said({ ids: 'a' }),
      ),
    '"ids". Did you mean "id"?',
  ],
  ['a start', (run) => run.start(call('child'), said({ undo: call('a.undo') })), 'there is no option "undo".'],
  ['a wait', (run) => run.receive(aSignal('ok'), said({ witin: '1h' })), '"witin". Did you mean "within"?'],
  [
    'an event',
    (run) => run.emit(event('order.paid'), said({ ids: 'a' })),
    'run.emit of order.paid: there is no option "ids". Did you mean "id"?',
  ],
  ['an id', (run) => run.emit(event('order.paid'), said({ id: 5 })), 'id must be a text'],
  ['no object', (run) => run.call(call('a.do'), said(null)), 'its options must be an object with id, undo'],
  ['an undo', (run) => run.call(call('a.do'), said({ undo: 'a.undo' })), 'undo must be a call, or a function'],
  ['a publication', (run) => run.call(call('a.do'), said({ publish: 'yes' })), 'publish must be true or false'],
  ['a signal', (run) => run.call(call('a.do'), said({ abort: {} })), 'abort must be an AbortSignal'],
]

describe('an option that does not exist, or can mean nothing', () => {
  it.each(refused)('of %s is told, also where the code lets it pass', async (_what, door, words) => {
    expect(await letPass(door)).toMatchObject({
      kind: 'threw',
      error: { message: expect.stringContaining(words), cause: { code: 'DEFINITION_INVALID' } },
    })
  })

  it('was passed over when the turn was made: that is made again, and the next one is refused', async () => {
    const bodies = (options: object): Body => {
      return async (run) => {
        run.start(call('child'), options)
        await run.call(call('a.do'), options)
        await run.receive(aSignal('ok'), options)
        await run.call(call('b.do'), options)
      }
    }
    const before = new Driver(bodies({}))
    await before.start()
    await before.done('a.do#0')
    await expectRepeats(before, bodies({ undoo: call('a.undo') }))
    const { driver } = await replay(before, bodies({ undoo: call('a.undo') }))
    expect(await driver.signal('ok')).toMatchObject({ kind: 'threw', error: { cause: { code: 'DEFINITION_INVALID' } } })
  })

  it('of a branch that is left when the run is over says nothing: it does nothing more', async () => {
    const driver = new Driver(async (run) => {
      const step = run.step('a', () => {})
      void step.then(async () => {
        for (let rest = 0; rest < 20; rest++) await Promise.resolve()
        run.start(call('child'), said({ undo: 5 }))
      })
      await step
      return 'over'
    })
    await driver.start()
    expect(opsOf(await driver.done('a#0'))).toEqual(['end'])
  })
})

it('takes what exists, and what is undefined', async () => {
  const { signal: abort } = new AbortController()
  const driver = new Driver(async (run) => {
    void run.call(call('a.do'), { id: 'x', undo: call('a.undo'), publish: false, abort, onCancel: 'wait' })
    void run.call(call('a.do'), said({ undo: undefined, publish: undefined, id: undefined }))
    void run.call(call('a.do'), said({ undo: null }))
    void run.step('s', () => {}, { undo: () => null, retry: { attempts: 1 }, timeout: '1s' })
    run.start(call('child'), { onCancel: 'leave', id: 'y' })
    await run.receive(aSignal('ok'), { within: '1h' })
  })
  expect(opsOf(await driver.start())).toEqual([
    'call a.do/x',
    'call a.do#0',
    'call a.do#1',
    'step s#0',
    'child child/y',
    'wait receive#0',
  ])
  await expectRepeats(driver)
})
