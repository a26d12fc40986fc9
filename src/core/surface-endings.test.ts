import { describe, expect, it } from 'vitest'
import { Driver, call, event, opsOf, signal, type Body } from '../../test/core/machine-driver.ts'
import { answer, expectRepeats, outputOf } from '../../test/core/repeats.ts'
import { TerminalError } from './errors.ts'
import type { Surface } from './surface.ts'

const reserve = (run: Surface, name: string): Promise<unknown> =>
  run.call(call(`${name}.do`), { undo: call(`${name}.undo`) })

describe('a run that fails', () => {
  it('takes back in reverse order before it ends, with the failure that it had', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      await reserve(run, 'b')
      throw new TerminalError('we do not ship there')
    })
    await driver.start()
    expect(await answer(driver, 'a.do#0', 'b.do#0', 'undo:b.do#0')).toEqual([
      ['call b.do#0'],
      ['phase undoing', 'call undo:b.do#0'],
      ['call undo:a.do#0'],
    ])
    expect(await driver.done('undo:a.do#0')).toEqual({
      kind: 'ended',
      status: 'failed',
      commands: [
        { kind: 'phase', phase: null },
        { kind: 'fail', error: { code: 'TERMINAL', message: 'we do not ship there' } },
      ],
    })
    await expectRepeats(driver)
  })

  it('for a fault in its code takes nothing back', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      throw new TypeError('x is not a function')
    })
    await driver.start()
    expect((await driver.done('a.do#0')).kind).toBe('threw')
  })

  it('joins an undo that is under way', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      await reserve(run, 'b')
      void run.undo()
      await run.sleep('1s')
      throw new TerminalError('no')
    })
    await driver.start()
    expect(await answer(driver, 'a.do#0', 'b.do#0')).toEqual([
      ['call b.do#0'],
      ['phase undoing', 'sleep sleep#0', 'call undo:b.do#0'],
    ])
    // That it has failed is said: nobody can ask it to stop any more.
    expect(await answer(driver, 'sleep#0', 'undo:b.do#0', 'undo:a.do#0')).toEqual([
      ['phase undoing'],
      ['call undo:a.do#0'],
      ['phase over', 'fail'],
    ])
    await expectRepeats(driver)
  })

  it('takes back in order although another branch asks for an undo meanwhile', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      await reserve(run, 'b')
      const branch = async (): Promise<void> => {
        await run.sleep('1s')
        await run.undo()
      }
      await Promise.all([run.step('s', () => {}), branch()])
    })
    await driver.start()
    await answer(driver, 'a.do#0', 'b.do#0')
    expect(opsOf(await driver.failed('s#0'))).toEqual(['phase undoing', 'call undo:b.do#0'])
    expect(await answer(driver, 'sleep#0', 'undo:b.do#0', 'undo:a.do#0')).toEqual([
      [],
      ['call undo:a.do#0'],
      ['phase over', 'fail'],
    ])
    await expectRepeats(driver)
  })

  it('lets its other branches do nothing more', async () => {
    const driver = new Driver(async (run) => {
      const branch = async (): Promise<void> => {
        await run.sleep('1s')
        await run.call(call('payment.charge'))
      }
      await Promise.all([reserve(run, 'a').then(() => run.step('s', () => {})), branch()])
    })
    await driver.start()
    await answer(driver, 'a.do#0')
    expect(opsOf(await driver.failed('s#0'))).toEqual(['phase undoing', 'call undo:a.do#0'])
    expect(await answer(driver, 'sleep#0', 'undo:a.do#0')).toEqual([[], ['phase over', 'fail']])
    await expectRepeats(driver)
  })
})

describe('a run that returns', () => {
  it('takes back the losers of its races before it ends, and nothing else', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'kept')
      return Promise.race(['a', 'b', 'c'].map(async (name) => (await reserve(run, name), name)))
    })
    await driver.start()
    expect(await answer(driver, 'kept.do#0', 'b.do#0')).toEqual([
      ['call a.do#0', 'call b.do#0', 'call c.do#0'],
      ['drop a.do#0', 'drop c.do#0', 'phase undoing'],
    ])
    expect(driver.waits).toEqual(['a.do#0', 'c.do#0'])
    expect(await answer(driver, 'a.do#0', 'c.do#0', 'undo:c.do#0', 'undo:a.do#0')).toEqual([
      [],
      ['call undo:c.do#0'],
      ['call undo:a.do#0'],
      ['phase over', 'end'],
    ])
    expect(outputOf(driver)).toBe('b')
    await expectRepeats(driver)
  })

  it('leaves calls without an undo to the engine', async () => {
    const driver = new Driver((run) => Promise.race([run.call(call('a.b')), run.call(call('a.c'))]))
    await driver.start()
    expect(opsOf(await driver.done('a.c#0'))).toEqual(['end'])
    expect(driver.waits).toEqual(['a.b#0'])
  })

  it('leaves no call behind that a loser would go on with', async () => {
    const driver = new Driver((run) => {
      const slow = async (): Promise<void> => {
        await reserve(run, 'a')
        await reserve(run, 'b')
      }
      return Promise.race([slow(), run.sleep('1s')])
    })
    await driver.start()
    expect(await answer(driver, 'sleep#0', 'a.do#0', 'undo:a.do#0')).toEqual([
      ['drop a.do#0', 'phase undoing'],
      ['call undo:a.do#0'],
      ['phase over', 'end'],
    ])
    expect(driver.waits).toEqual([])
    await expectRepeats(driver)
  })

  it('lets its losers tell nobody anything more', async () => {
    const driver = new Driver((run) => {
      const child = run.start(call('notify'))
      const slow = async (): Promise<void> => {
        await reserve(run, 'a')
        run.emit(event('order.paid'))
        run.set('paid')
        child.signal(signal('paid'))
        const other = run.start(call('ship'))
        await other.result()
      }
      return Promise.race([slow(), run.sleep('1s')])
    })
    await driver.start()
    expect(await answer(driver, 'sleep#0', 'a.do#0', 'undo:a.do#0')).toEqual([
      ['drop a.do#0', 'phase undoing'],
      ['call undo:a.do#0'],
      ['phase over', 'end'],
    ])
    await expectRepeats(driver)
  })

  it('ends when an undo that it did not wait for is done', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      await reserve(run, 'b')
      return Promise.race([run.undo(), run.sleep('1s').then(() => 'late')])
    })
    await driver.start()
    expect(await answer(driver, 'a.do#0', 'b.do#0', 'sleep#0', 'undo:b.do#0', 'undo:a.do#0')).toEqual([
      ['call b.do#0'],
      ['phase undoing', 'sleep sleep#0', 'call undo:b.do#0'],
      [],
      ['call undo:a.do#0'],
      ['phase over', 'end'],
    ])
    await expectRepeats(driver)
  })

  it('stands where it is, for a person to look, when the undo of a loser fails', async () => {
    const body: Body = async (run) => {
      await reserve(run, 'a')
      await Promise.race([run.call(call('ship'), { undo: call('unship') }), run.sleep('1s')])
    }
    const driver = new Driver(body)
    await driver.start()
    expect(await answer(driver, 'a.do#0', 'sleep#0', 'ship#0')).toEqual([
      ['child ship#0', 'sleep sleep#0'],
      ['drop ship#0', 'stop r1~ship.0', 'phase undoing'],
      ['child undo:ship#0'],
    ])
    expect(await driver.failed('undo:ship#0')).toMatchObject({
      kind: 'threw',
      error: { message: expect.stringContaining('UNDO_FAILED: ship#0 was not taken back') },
    })
  })
})
