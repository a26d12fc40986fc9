// What becomes of the runs that a run has started, when it is cancelled, fails or gives them up.
import { describe, expect, it } from 'vitest'
import { Driver, call, commandsOf, linesOf, opsOf, replay, type Body } from '../../test/core/machine-driver.ts'
import { answer, expectRepeats, finish, undoneOf } from '../../test/core/repeats.ts'
import { TerminalError, type BalletError } from './errors.ts'
import { CHILD_ID_LIMIT } from './ids.ts'
import type { OnCancel } from './contracts.ts'
import type { Surface } from './surface.ts'

const reserve = (run: Surface, name: string): Promise<unknown> =>
  run.call(call(`${name}.do`), { undo: call(`${name}.undo`) })

describe('a child that a run waits for, when that is cancelled', () => {
  const cancelled = async (body: Body, ...before: readonly string[]): Promise<Driver> => {
    const driver = new Driver(body)
    await driver.start()
    await answer(driver, ...before)
    await driver.cancel()
    return driver
  }
  const body =
    (onCancel: OnCancel | undefined): Body =>
    async (run) => {
      await reserve(run, 'a')
      await run.call(call('ship'), onCancel === undefined ? {} : { onCancel })
      await run.step('next', () => {})
    }
  const lastOf = (driver: Driver): readonly string[] =>
    (JSON.parse(linesOf(driver).at(-1) as string) as { kind: string; op?: string; run?: string }[]).map(
      ({ kind, op, run }) => [kind, op ?? run].join(' ').trim(),
    )

  it.each([undefined, 'cancel'] as const)(
    'is asked to stop, and waited for before anything is taken back (%s)',
    async (how) => {
      const driver = await cancelled(body(how), 'a.do#0')
      expect(lastOf(driver)).toEqual(['drop ship#0', 'stop r1~ship.0', 'phase'])
      expect(linesOf(driver).at(-1)).toContain('{"kind":"drop","op":"ship#0","settles":true}')
      expect(driver.waits).toEqual(['ship#0'])
      // It has stopped: `failed` is how it came out.
      expect(opsOf(await driver.failed('ship#0', 'cancelled', 'by ann'))).toEqual(['call undo:a.do#0'])
      expect(await finish(driver)).toMatchObject({ kind: 'ended', status: 'cancelled' })
      await expectRepeats(driver)
    },
  )

  it('is left alone with `leave`', async () => {
    const driver = await cancelled(body('leave'), 'a.do#0')
    expect(lastOf(driver)).toEqual(['drop ship#0', 'phase', 'call undo:a.do#0'])
    expect(driver.waits).toEqual(['undo:a.do#0'])
    expect(await finish(driver)).toMatchObject({ kind: 'ended', status: 'cancelled' })
    await expectRepeats(driver)
  })

  it('is waited for with `wait`, and what follows is cancelled', async () => {
    const driver = await cancelled(body('wait'), 'a.do#0')
    expect(lastOf(driver)).toEqual([])
    expect(driver.waits).toEqual(['ship#0'])
    expect(opsOf(await driver.done('ship#0'))).toEqual(['phase undoing', 'call undo:a.do#0'])
    expect(await finish(driver)).toMatchObject({ kind: 'ended', status: 'cancelled' })
    await expectRepeats(driver)
  })

  it.each(['cancel', 'leave', 'wait'] as const)(
    'with an undo is taken back once it has ended (%s)',
    async (onCancel) => {
      const ship: Body = (run) => run.call(call('ship'), { onCancel, undo: call('unship') })
      const driver = await cancelled(ship)
      expect(driver.waits).toEqual(['ship#0'])
      expect(lastOf(driver).includes('stop r1~ship.0')).toBe(onCancel === 'cancel')
      // With `wait` it ended before the run took notice; the run returns, is cancelled all the same, and takes it back.
      const asked = commandsOf(await driver.done('ship#0')).find(({ kind }) => kind === 'child')
      expect(asked).toMatchObject({ run: 'r1~undo:ship.0', call: 'unship', undoes: 'ship#0', wait: true })
      expect(await finish(driver)).toMatchObject({ kind: 'ended', status: 'cancelled' })
      await expectRepeats(driver)
    },
  )

  it('and is an undo, is not asked to stop', async () => {
    const driver = new Driver(async (run) => {
      await run.call(call('a.do'), { undo: call('unship') })
      throw new TerminalError('no')
    })
    await driver.start()
    expect(await answer(driver, 'a.do#0')).toEqual([['phase undoing', 'child undo:a.do#0']])
    expect(opsOf(await driver.cancel())).toEqual([])
    expect(opsOf(await driver.cancel(true))).toEqual([])
    expect(driver.waits).toEqual(['undo:a.do#0'])
    expect(await finish(driver)).toMatchObject({ kind: 'ended', status: 'cancelled' })
    await expectRepeats(driver)
  })
})

describe('a child that a run waits for, when that fails or takes back', () => {
  it('is asked to stop by run.undo, and settles in its place', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      const child = run.call(call('ship')).catch((error: BalletError) => error.code)
      await reserve(run, 'b')
      await run.undo()
      return child
    })
    await driver.start()
    expect(await answer(driver, 'a.do#0', 'b.do#0', 'undo:b.do#0', 'ship#0', 'undo:a.do#0')).toEqual([
      ['child ship#0', 'call b.do#0'],
      ['drop ship#0', 'stop r1~ship.0', 'phase undoing', 'call undo:b.do#0'],
      [],
      ['call undo:a.do#0'],
      ['phase over', 'end'],
    ])
    expect(linesOf(driver).at(-1)).toContain('"output":"CALL_ABORTED"')
    await expectRepeats(driver)
  })

  it('is asked to stop and waited for when a race is lost to something else', async () => {
    const driver = new Driver((run) => Promise.race([run.call(call('ship')), run.sleep('1h')]))
    await driver.start()
    expect(await answer(driver, 'sleep#0', 'ship#0')).toEqual([
      ['drop ship#0', 'stop r1~ship.0', 'phase undoing'],
      ['phase over', 'end'],
    ])
    await expectRepeats(driver)
  })

  it('that lost a race and is to be left is left', async () => {
    const driver = new Driver((run) => Promise.race([run.call(call('ship'), { onCancel: 'leave' }), run.sleep('1h')]))
    await driver.start()
    expect(await answer(driver, 'sleep#0')).toEqual([['end']])
    await expectRepeats(driver)
  })

  it('has settled: nothing of it is waited for', async () => {
    const driver = new Driver(async (run) => {
      await run.call(call('ship'))
      await run.call(call('bill')).catch(() => {})
      throw new TerminalError('no')
    })
    await driver.start()
    expect(await answer(driver, 'ship#0')).toEqual([['child bill#0']])
    expect(opsOf(await driver.failed('bill#0'))).toEqual(['fail'])
    await expectRepeats(driver)
  })
})

describe('a child that a run does not wait for', () => {
  const starting: Body = async (run) => {
    const follower = run.start(call('notify'), { onCancel: 'cancel' })
    run.start(call('report'), { onCancel: 'leave' })
    run.start(call('bill'))
    run.start(call('notify'), { id: 'x', onCancel: 'cancel' })
    await run.sleep('1h')
    return follower.id
  }

  it('stops with the run where it was asked to, before anything rejects', async () => {
    const driver = new Driver(starting)
    await driver.start()
    expect(opsOf(await driver.cancel())).toEqual(['stop r1~notify.0', 'stop r1~notify~x', 'drop sleep#0', 'end'])
    await expectRepeats(driver)
  })

  it('stops with the run once', async () => {
    const driver = new Driver((run) => {
      run.start(call('notify'), { onCancel: 'cancel' })
      return run.shield((shielded) => shielded.sleep('1h'))
    })
    await driver.start()
    expect(opsOf(await driver.cancel())).toEqual(['stop r1~notify.0'])
    expect(opsOf(await driver.cancel(true))).toEqual(['drop sleep#0', 'end'])
    await expectRepeats(driver)
  })

  it('does not stop when the run ends or fails', async () => {
    const driver = new Driver(starting)
    await driver.start()
    expect(opsOf(await driver.timer('sleep#0'))).toEqual(['end'])
    const failing = new Driver(async (run) => {
      await starting(run, null)
      throw new TerminalError('no')
    })
    await failing.start()
    expect(opsOf(await failing.timer('sleep#0'))).toEqual(['fail'])
    await expectRepeats(failing)
  })

  it('is asked to stop by its handle, as often as the code says, also when the run is cancelled', async () => {
    const driver = new Driver(async (run) => {
      const child = run.start(call('notify'))
      child.cancel()
      await run.sleep('1h').catch(() => child.cancel())
      return child.result().catch((error: BalletError) => error.code)
    })
    expect(opsOf(await driver.start())).toEqual(['child notify#0', 'stop r1~notify.0', 'sleep sleep#0'])
    expect(opsOf(await driver.cancel())).toEqual(['drop sleep#0', 'stop r1~notify.0', 'end'])
    await expectRepeats(driver)
  })

  it('is not asked by its handle when the body is over', async () => {
    const driver = new Driver((run) => {
      const child = run.start(call('notify'))
      const late = run.sleep('1s').then(() => child.cancel())
      return Promise.race([late, reserve(run, 'lost'), run.step('s', () => {})])
    })
    await driver.start()
    expect(await answer(driver, 's#0', 'sleep#0')).toEqual([['drop lost.do#0', 'phase undoing'], []])
    await expectRepeats(driver)
  })
})

describe('what an undo by a workflow comes to', () => {
  const body: Body = async (run) => {
    await reserve(run, 'a')
    await run.call(call('b.do'), { undo: call('undoing') })
    // Whatever the code does about it, a run is not half undone quietly.
    await run.undo().catch(() => {})
    return 'as if nothing had been'
  }

  it('is waited for', async () => {
    const driver = new Driver(body)
    await driver.start()
    expect(await answer(driver, 'a.do#0', 'b.do#0', 'undo:b.do#0')).toEqual([
      ['call b.do#0'],
      ['phase undoing', 'child undo:b.do#0'],
      ['call undo:a.do#0'],
    ])
    await driver.done('undo:a.do#0')
    expect(undoneOf(driver)).toEqual(['b.do#0', 'a.do#0'])
    await expectRepeats(driver)
  })

  it('parks the run when it is a failure, also where its code would catch that', async () => {
    const driver = new Driver(body)
    await driver.start()
    await answer(driver, 'a.do#0', 'b.do#0')
    expect(await driver.failed('undo:b.do#0', 'failed', 'no truck')).toMatchObject({
      kind: 'threw',
      error: {
        message:
          'The code of the run "r1" threw UNDO_FAILED: b.do#0 was not taken back: undoing failed: The run "r1~undo:b.do.0" ended as failed: no truck',
      },
    })
  })

  it('parks the run when nobody waits for the undo', async () => {
    const driver = new Driver(async (run) => {
      await run.call(call('b.do'), { undo: call('undoing') })
      void run.undo().catch(() => {})
      return run.sleep('1h')
    })
    await driver.start()
    await driver.done('b.do#0')
    expect(await driver.failed('undo:b.do#0')).toMatchObject({ kind: 'threw' })
  })

  it.each<[string, () => never]>([
    [
      'throws',
      () => {
        throw new TypeError('x is not a function')
      },
    ],
    ['answers with nothing', (() => undefined) as never],
  ])('cannot be known when its function %s', async (_name, undo) => {
    const driver = new Driver(async (run) => {
      await run.call(call('b.do'), { undo })
      await run.undo().catch(() => {})
    })
    await driver.start()
    expect(await driver.done('b.do#0')).toMatchObject({
      kind: 'threw',
      error: { message: expect.stringContaining('UNDO_FAILED: b.do#0 was not taken back: the undo of b.do failed:') },
    })
  })

  it('is not taken for a cancellation, although its function meets one', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      const undo = (): never => run.start(call('notify')) as never
      await run.call(call('b.do'), { undo })
      await run.sleep('1h')
    })
    await driver.start()
    await answer(driver, 'a.do#0', 'b.do#0')
    expect(await driver.cancel()).toMatchObject({
      kind: 'threw',
      error: {
        message: expect.stringContaining('UNDO_FAILED: b.do#0 was not taken back: the undo of b.do failed: The run'),
      },
    })
  })
})

describe('a child whose id would be longer than a store might keep', () => {
  const id = 'r'.repeat(CHILD_ID_LIMIT - '~ship.0'.length)

  it('is refused where it is asked for, whether it is waited for or not, and again in a replay', async () => {
    const driver = new Driver(
      async (run) => {
        // Its id is as long as it may be.
        void run.call(call('ship'))
        const refused: unknown[] = []
        const note = (error: unknown): unknown => refused.push((error as BalletError).code)
        await run.call(call('ships')).catch(note)
        try {
          run.start(call('ship'), { id: 'no' })
        } catch (error) {
          note(error)
        }
        run.start(call('shi'))
        await run.step(refused.join(':'), () => {})
      },
      { id },
    )
    expect(opsOf(await driver.start())).toEqual([
      'child ship#0',
      'child shi#0',
      'step CHILD_ID_TOO_LONG:CHILD_ID_TOO_LONG#0',
    ])
    await expectRepeats(driver)
    const uncaught = new Driver((run) => run.call(call('ship'), { id: '8841' }), { id })
    expect(await uncaught.start()).toMatchObject({
      kind: 'threw',
      error: {
        code: 'RUN_THREW',
        details: {
          name: 'CHILD_ID_TOO_LONG',
          message: 'The run that ship/8841 would begin has an id of 1003 characters, and 1000 are the limit.',
        },
      },
    })
  })

  it('is begun where it takes something back: a run that came to be can be undone', async () => {
    const driver = new Driver(
      async (run) => {
        await run.call(call('a.do'), { undo: call('unship') })
        throw new TerminalError('no')
      },
      { id },
    )
    await driver.start()
    expect(opsOf(await driver.done('a.do#0'))).toEqual(['phase undoing', 'child undo:a.do#0'])
    await expectRepeats(driver)
  })

  it('goes on when an older version has begun it', async () => {
    const driver = new Driver((run) => run.call(call('ship')))
    await driver.start()
    const old = 'r'.repeat(CHILD_ID_LIMIT)
    const rows = driver.rows.map((row) => ({ ...row, text: row.text.replaceAll('"r1~', `"${old}~`) }))
    driver.rows.splice(0, rows.length, ...rows)
    const again = await replay(driver, driver.body, { id: old })
    expect([again.driver.waits, again.driver.faults]).toEqual([['ship#0'], []])
  })
})
