import { describe, expect, it } from 'vitest'
import { Driver, call, event, linesOf, opsOf, replay, signal, type Body } from '../../test/core/machine-driver.ts'
import { TerminalError, fault } from './errors.ts'
import type { Surface } from './surface.ts'

async function expectRepeats(driver: Driver): Promise<void> {
  const again = await replay(driver)
  expect(again.lines).toEqual(linesOf(driver))
  expect(again.driver.waits).toEqual(driver.waits)
}

/** Answers all of these, one a turn, and says what each turn issued. */
async function answer(driver: Driver, ...ops: readonly string[]): Promise<readonly (readonly string[])[]> {
  const issued: (readonly string[])[] = []
  for (const op of ops)
    issued.push(opsOf(op.startsWith('sleep') ? await driver.timer(op) : await driver.done(op, `outcome of ${op}`)))
  return issued
}

const reserve = (run: Surface, name: string): Promise<unknown> =>
  run.call(call(`${name}.do`), { undo: call(`${name}.undo`) })

describe('undo', () => {
  it('takes back in reverse order, one after the other, and the run goes on', async () => {
    const driver = new Driver(async (run) => {
      for (const name of ['a', 'b', 'c']) await reserve(run, name)
      await run.undo()
      return 'declined'
    })
    await driver.start()
    expect(await answer(driver, 'a.do#0', 'b.do#0', 'c.do#0')).toEqual([
      ['call b.do#0'],
      ['call c.do#0'],
      ['call undo:c.do#0'],
    ])
    expect(driver.machine.pending.get('undo:c.do#0')?.command).toEqual({
      kind: 'call',
      op: 'undo:c.do#0',
      call: 'c.undo',
      input: '{}',
      undoes: 'c.do#0',
    })
    expect(await answer(driver, 'undo:c.do#0', 'undo:b.do#0', 'undo:a.do#0')).toEqual([
      ['call undo:b.do#0'],
      ['call undo:a.do#0'],
      ['end'],
    ])
    await expectRepeats(driver)
  })

  it('asks a function with the outcome, and does nothing for null', async () => {
    const outcomes: unknown[] = []
    const undo = (name: string | null) => (outcome: unknown) => {
      outcomes.push(outcome)
      return name === null ? null : call(name, { outcome })
    }
    const driver = new Driver(async (run) => {
      await run.call(call('a.do'), { undo: undo('a.undo'), id: 'x' })
      await run.step('s', () => {}, { undo: undo(null) })
      await run.step('s', () => {}, { undo: undo('s.undo') })
      await run.call(call('ship'), { undo: undo('unship') })
      await run.undo()
    })
    await driver.start()
    const issued = await answer(driver, 'a.do/x', 's#0', 's#1', 'ship#0')
    expect(issued.at(-1)).toEqual(['child undo:ship#0'])
    expect(driver.machine.pending.get('undo:ship#0')?.command).toMatchObject({
      run: 'r1~undo:ship.0',
      undoes: 'ship#0',
      wait: true,
    })
    expect(await answer(driver, 'undo:ship#0', 'undo:s#1', 'undo:a.do/x')).toEqual([
      ['call undo:s#1'],
      ['call undo:a.do/x'],
      ['end'],
    ])
    expect(outcomes).toEqual(['outcome of ship#0', 'outcome of s#1', 'outcome of s#0', 'outcome of a.do/x'])
    await expectRepeats(driver)
  })

  it('of a call that failed asks without an outcome: it may have happened', async () => {
    const outcomes: unknown[] = []
    const driver = new Driver(async (run) => {
      const undo = (outcome: unknown) => {
        outcomes.push(outcome)
        return call('a.undo')
      }
      await run.call(call('a.do'), { undo }).catch(() => {})
      await run.undo()
    })
    await driver.start()
    expect(opsOf(await driver.failed('a.do#0'))).toEqual(['call undo:a.do#0'])
    expect(outcomes).toEqual([undefined])
    await driver.done('undo:a.do#0')
    await expectRepeats(driver)
  })

  it('waits for a call that is under way before it takes it back', async () => {
    const driver = new Driver(async (run) => {
      void reserve(run, 'a')
      await reserve(run, 'b')
      void reserve(run, 'c')
      await run.undo()
    })
    await driver.start()
    expect(await answer(driver, 'b.do#0', 'c.do#0', 'undo:c.do#0', 'undo:b.do#0')).toEqual([
      ['call c.do#0'],
      ['call undo:c.do#0'],
      ['call undo:b.do#0'],
      [],
    ])
    expect(driver.waits).toEqual(['a.do#0'])
    expect(await answer(driver, 'a.do#0', 'undo:a.do#0')).toEqual([['call undo:a.do#0'], ['end']])
    await expectRepeats(driver)
  })

  it('asked for twice at once is done once, and asked for again takes back what came since', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      await reserve(run, 'b')
      await Promise.all([run.undo(), run.undo()])
      await reserve(run, 'a')
      await run.undo()
      await run.undo()
    })
    await driver.start()
    await answer(driver, 'a.do#0')
    expect(await answer(driver, 'b.do#0', 'undo:b.do#0', 'undo:a.do#0')).toEqual([
      ['call undo:b.do#0'],
      ['call undo:a.do#0'],
      ['call a.do#1'],
    ])
    expect(await answer(driver, 'a.do#1', 'undo:a.do#1')).toEqual([['call undo:a.do#1'], ['end']])
    await expectRepeats(driver)
  })

  it('by a call that does not take it back is a fault in the code', async () => {
    const contracts = {
      checkUndo: (name: string, undo: { readonly name: string }) => {
        throw fault('DEFINITION_INVALID', { what: `The undo of ${name}`, problem: `${undo.name} does not undo it` })
      },
    }
    const driver = new Driver(
      async (run) => {
        await reserve(run, 'a')
        await run.undo()
      },
      { contracts },
    )
    await driver.start()
    expect(await driver.done('a.do#0')).toMatchObject({
      kind: 'threw',
      error: {
        message: 'The code of the run "r1" threw DEFINITION_INVALID: The undo of a.do: a.undo does not undo it.',
      },
    })
  })

  it('is not registered for a call that was refused', async () => {
    const driver = new Driver(async (run) => {
      await run.call(call('a.do', 1n), { undo: call('a.undo') }).catch(() => {})
      await run.undo()
    })
    expect(opsOf(await driver.start())).toEqual(['end'])
  })
})

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
      ['call undo:b.do#0'],
      ['call undo:a.do#0'],
    ])
    expect(await driver.done('undo:a.do#0')).toEqual({
      kind: 'ended',
      status: 'failed',
      commands: [{ kind: 'fail', error: { code: 'TERMINAL', message: 'we do not ship there' } }],
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
    expect(await answer(driver, 'a.do#0', 'b.do#0')).toEqual([['call b.do#0'], ['sleep sleep#0', 'call undo:b.do#0']])
    expect(await answer(driver, 'sleep#0', 'undo:b.do#0', 'undo:a.do#0')).toEqual([[], ['call undo:a.do#0'], ['fail']])
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
    expect(opsOf(await driver.failed('s#0'))).toEqual(['call undo:b.do#0'])
    expect(await answer(driver, 'sleep#0', 'undo:b.do#0', 'undo:a.do#0')).toEqual([[], ['call undo:a.do#0'], ['fail']])
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
    expect(opsOf(await driver.failed('s#0'))).toEqual(['call undo:a.do#0'])
    expect(await answer(driver, 'sleep#0', 'undo:a.do#0')).toEqual([[], ['fail']])
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
    expect(await answer(driver, 'kept.do#0', 'b.do#0')).toEqual([['call a.do#0', 'call b.do#0', 'call c.do#0'], []])
    expect(driver.waits).toEqual(['a.do#0', 'c.do#0'])
    expect(await answer(driver, 'a.do#0', 'c.do#0', 'undo:c.do#0', 'undo:a.do#0')).toEqual([
      [],
      ['call undo:c.do#0'],
      ['call undo:a.do#0'],
      ['end'],
    ])
    expect(linesOf(driver).at(-1)).toBe('[{"kind":"end","output":"b"}]')
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
    expect(await answer(driver, 'sleep#0', 'a.do#0', 'undo:a.do#0')).toEqual([[], ['call undo:a.do#0'], ['end']])
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
    expect(await answer(driver, 'sleep#0', 'a.do#0', 'undo:a.do#0')).toEqual([[], ['call undo:a.do#0'], ['end']])
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
      ['sleep sleep#0', 'call undo:b.do#0'],
      [],
      ['call undo:a.do#0'],
      ['end'],
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
      [],
      ['child undo:ship#0'],
    ])
    expect(await driver.failed('undo:ship#0')).toMatchObject({
      kind: 'threw',
      error: { message: expect.stringContaining('UNDO_FAILED: ship#0 was not taken back') },
    })
  })
})
