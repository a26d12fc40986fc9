// What a cancellation does not interrupt.
import { describe, expect, it } from 'vitest'
import { Driver, aSignal, call, linesOf, opsOf, type Body } from '../../test/core/machine-driver.ts'
import { answer, expectRepeats, finish, outputOf, undoneOf } from '../../test/core/repeats.ts'
import type { BalletError } from './errors.ts'
import type { Surface } from './surface.ts'

const reserve = (run: Surface, name: string): Promise<unknown> =>
  run.call(call(`${name}.do`), { undo: call(`${name}.undo`) })

describe('a shielded part', () => {
  it('just runs, with a run to do it by', async () => {
    const driver = new Driver((run) =>
      run.shield(async (shielded) => [await shielded.step('a', () => {}), shielded.id]),
    )
    await driver.start()
    await driver.done('a#0', 5)
    expect(outputOf(driver)).toEqual([5, 'r1'])
    await expectRepeats(driver)
  })

  it('goes on when the run is cancelled, whatever it is waiting for, and asks for more', async () => {
    const body: Body = (run) =>
      run.shield(async (shielded) => {
        const parts = [
          shielded.call(call('a.do')),
          shielded.step('s', () => {}),
          shielded.sleep('1h'),
          shielded.receive(aSignal('approve')),
          shielded.call(call('ship')),
          shielded.start(call('notify')).result(),
        ]
        await Promise.all(parts)
        await shielded.shield((again) => again.step('more', () => {}))
        return 'told'
      })
    const driver = new Driver(body)
    await driver.start()
    const { waits } = driver
    expect(waits).toHaveLength(6)
    expect(opsOf(await driver.cancel())).toEqual([])
    expect(driver.waits).toEqual(waits)
    await driver.signal('approve')
    await answer(driver, 'a.do#0', 's#0', 'sleep#0', 'ship#0')
    expect(await answer(driver, 'join:notify#0', 'more#0')).toEqual([['step more#0'], ['end']])
    expect(linesOf(driver).at(-1)).toContain('"output":"told","cancelled":')
    await expectRepeats(driver)
  })

  it('is shielded by its handle alone: a branch that has the other is cancelled', async () => {
    const codes: string[] = []
    const note = (error: BalletError): void => void codes.push(error.code)
    const driver = new Driver((run) =>
      run.shield(async (shielded) => {
        const branch = run.step('branch', () => {}).catch(note)
        await shielded.step('kept', () => {})
        await branch
        // The counter of a shield would let this through: another branch is in one.
        await run.call(call('payment.charge')).catch(note)
      }),
    )
    await driver.start()
    expect(opsOf(await driver.cancel())).toEqual(['drop branch#0'])
    expect(opsOf(await driver.done('kept#0'))).toEqual(['end'])
    expect(codes).toEqual(['RUN_CANCELLED', 'RUN_CANCELLED'])
    await expectRepeats(driver)
  })

  it('does not shield what was asked for before it, nor after it', async () => {
    const codes: string[] = []
    const driver = new Driver(async (run) => {
      const note = (error: BalletError): void => void codes.push(error.code)
      const before = run.step('before', () => {}).catch(note)
      await run.shield((shielded) => shielded.step('in', () => {}))
      await before
      await run.step('after', () => {}).catch(note)
    })
    await driver.start()
    await driver.cancel()
    expect(opsOf(await driver.done('in#0'))).toEqual(['end'])
    expect(codes).toEqual(['RUN_CANCELLED', 'RUN_CANCELLED'])
    await expectRepeats(driver)
  })

  it('in a finally block tells somebody before what was done is taken back', async () => {
    const driver = new Driver(async (run) => {
      try {
        await reserve(run, 'a')
        await run.sleep('1h')
      } finally {
        await run.shield((shielded) => shielded.call(call('notification.notify')))
      }
    })
    await driver.start()
    await driver.done('a.do#0')
    expect(opsOf(await driver.cancel())).toEqual(['drop sleep#0', 'call notification.notify#0'])
    expect(await answer(driver, 'notification.notify#0', 'undo:a.do#0')).toEqual([
      ['phase undoing', 'call undo:a.do#0'],
      ['phase over', 'end'],
    ])
    expect(linesOf(driver).at(-1)).toContain('"cancelled"')
    await expectRepeats(driver)
  })

  it('may begin after the cancellation, and what it does is taken back too', async () => {
    const driver = new Driver(async (run) => {
      await run.sleep('1h').catch(() => {})
      await run.shield((shielded) => reserve(shielded, 'a'))
      return 'told'
    })
    await driver.start()
    expect(opsOf(await driver.cancel())).toEqual(['drop sleep#0', 'call a.do#0'])
    expect(opsOf(await driver.done('a.do#0'))).toEqual(['phase undoing', 'call undo:a.do#0'])
    expect(await finish(driver)).toMatchObject({ kind: 'ended', status: 'cancelled' })
    expect([undoneOf(driver), outputOf(driver)]).toEqual([['a.do#0'], 'told'])
    await expectRepeats(driver)
  })

  it('waits for itself: the same wait without a shield is another one', async () => {
    const driver = new Driver((run) =>
      run.shield(async (shielded) => {
        const open = run.receive(aSignal('approve')).catch((error: BalletError) => error.code)
        const one = shielded.receive(aSignal('approve'))
        return [await open, one === shielded.receive(aSignal('approve')), await one]
      }),
    )
    await driver.start()
    expect(driver.waits).toEqual(['receive#0', 'receive#1'])
    expect(opsOf(await driver.cancel())).toEqual(['drop receive#0'])
    await driver.signal('approve', 5)
    expect(outputOf(driver)).toEqual(['RUN_CANCELLED', true, { kind: 'signal', type: 'approve', data: 5 }])
    await expectRepeats(driver)
  })

  it('asks for nothing when the body is over', async () => {
    const driver = new Driver(async (run) => {
      const late = async (): Promise<void> => {
        await run.sleep('1s')
        await run.shield(async (shielded) => shielded.call(call('payment.charge')))
      }
      await Promise.race([late(), reserve(run, 'lost'), run.step('s', () => {})])
    })
    await driver.start()
    expect(await answer(driver, 's#0', 'sleep#0', 'lost.do#0', 'undo:lost.do#0')).toEqual([
      ['drop lost.do#0', 'phase undoing'],
      [],
      ['call undo:lost.do#0'],
      ['phase over', 'end'],
    ])
    await expectRepeats(driver)
  })

  it('cannot go on as a new generation once the run is cancelled', async () => {
    const driver = new Driver((run) =>
      run.shield(async (shielded) => {
        await shielded.sleep('1s')
        await shielded.continueAs({ round: 2 })
      }),
    )
    await driver.start()
    await driver.cancel()
    expect(await driver.timer('sleep#0')).toMatchObject({ kind: 'ended', status: 'cancelled' })
    await expectRepeats(driver)
  })
})
