import { describe, expect, it } from 'vitest'
import { Driver, commandsOf, event, signal, call, type Body } from '../../test/core/machine-driver.ts'
import { TerminalError, type BalletError } from './errors.ts'
import type { ChildHandle, Surface } from './surface.ts'

/** A promise that the test settles when it likes: what is not durable. */
function foreign(): { readonly promise: Promise<void>; settle: () => Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const settle = (): Promise<void> => {
    resolve()
    return new Promise((done) => setImmediate(done))
  }
  return { promise, settle }
}

const FOREIGN = { code: 'FOREIGN_AWAIT', message: 'the run "r1" awaits something that is not durable.' }

describe('a run that awaits what is not durable', () => {
  it('is found when its turn is closed and nothing else is under way', async () => {
    const { promise } = foreign()
    const driver = new Driver(() => promise)
    expect(await driver.start()).toMatchObject({ kind: 'threw', error: FOREIGN })
  })

  it('is found in a later turn too', async () => {
    const { promise } = foreign()
    const driver = new Driver(async (run) => {
      await run.sleep('1s')
      await promise
    })
    expect((await driver.start()).kind).toBe('open')
    expect(await driver.timer('sleep#0')).toMatchObject({ kind: 'threw', error: FOREIGN })
  })

  it('is found when its body settles outside of a turn', async () => {
    const one = foreign()
    const driver = new Driver((run) => Promise.race([run.sleep('1d'), one.promise]))
    expect((await driver.start()).kind).toBe('open')
    expect(driver.faults).toEqual([])
    await one.settle()
    expect(driver.faults).toMatchObject([FOREIGN])
  })

  it('is found when its body fails outside of a turn, before it takes anything back', async () => {
    const one = foreign()
    const driver = new Driver(async (run) => {
      await run.call(call('a.do'), { undo: call('a.undo') })
      void run.sleep('1d')
      await one.promise
      throw new TerminalError('no')
    })
    await driver.start()
    await driver.done('a.do#0')
    await one.settle()
    expect(driver.faults).toMatchObject([FOREIGN])
    expect(driver.waits).toEqual(['sleep#0'])
  })

  it('is found when its body throws outside of a turn', async () => {
    const one = foreign()
    const body: Body = async (run) => {
      void run.sleep('1d')
      await one.promise
      throw new TypeError('x is not a function')
    }
    const driver = new Driver(body)
    await driver.start()
    await one.settle()
    expect(driver.faults).toMatchObject([FOREIGN])
  })
})

describe('a door that is used outside of a turn', () => {
  const late = async (
    work: (run: Surface, child: ChildHandle) => unknown,
  ): Promise<{ driver: Driver; thrown: unknown[] }> => {
    const one = foreign()
    const thrown: unknown[] = []
    const driver = new Driver(async (run) => {
      const child = run.start(call('notify'))
      void run.sleep('1d')
      await one.promise
      try {
        await work(run, child)
        thrown.push('went on')
      } catch (error) {
        thrown.push((error as BalletError).code)
      }
      await run.sleep('1d')
    })
    const before = commandsOf(await driver.start()).length
    await one.settle()
    expect(driver.machine.commands.length).toBe(before)
    return { driver, thrown }
  }

  it.each<[string, (run: Surface, child: ChildHandle) => unknown]>([
    ['call', (run) => run.call(call('payment.charge'))],
    ['step', (run) => run.step('a', () => {})],
    ['sleep', (run) => run.sleep('1s')],
    ['receive', (run) => run.receive({ kind: 'signal', type: 'a' })],
    ['undo', (run) => run.undo()],
    ['shield', (run) => run.shield(() => Promise.resolve())],
    ['result', (_run, child) => child.result()],
  ])('%s never answers', async (_name, work) => {
    const { driver, thrown } = await late(work)
    expect(driver.faults).toMatchObject([FOREIGN])
    expect(thrown).toEqual([])
    expect(driver.waits).toEqual(['sleep#0'])
  })

  it.each<[string, (run: Surface, child: ChildHandle) => unknown]>([
    ['start', (run) => run.start(call('ship'))],
    ['emit', (run) => run.emit(event('order.paid'))],
    ['set', (run) => run.set('paid')],
    ['patched', (run) => run.patched('v2')],
    ['now', (run) => run.now()],
    ['random', (run) => run.random()],
    ['uuid', (run) => run.uuid()],
    ['log', (run) => run.log.info('paid')],
    ['signal', (_run, child) => child.signal(signal('stop'))],
  ])('%s throws', async (_name, work) => {
    const { driver, thrown } = await late(work)
    // Once for the door, once for the sleep after it.
    expect(driver.faults).toMatchObject([FOREIGN, FOREIGN])
    expect(thrown).toEqual(['FOREIGN_AWAIT'])
    expect(driver.logs).toEqual([])
  })

  it('does not keep its id and key from being read', async () => {
    const { driver, thrown } = await late((run) => `${run.id} ${run.key}`)
    expect(thrown).toEqual(['went on'])
    expect(driver.faults).toHaveLength(1)
  })
})

describe('a fault that the engine lays on a run', () => {
  it('in its turn parks it when the turn is closed: the first one holds', async () => {
    const driver = new Driver(async (run) => {
      await run.sleep('1s')
      driver.machine.blame(new TypeError('nobody handled this'))
      driver.machine.blame(new TypeError('nor this'))
      return 'went well'
    })
    await driver.start()
    expect(await driver.timer('sleep#0')).toMatchObject({
      kind: 'threw',
      error: { message: 'The code of the run "r1" threw TypeError: nobody handled this' },
    })
    expect(driver.faults).toEqual([])
  })

  it('outside of a turn is told at once', async () => {
    const driver = new Driver((run) => run.sleep('1s'))
    await driver.start()
    driver.machine.blame(new TypeError('nobody handled this'))
    expect(driver.faults).toMatchObject([{ code: 'RUN_THREW' }])
  })
})
