import { describe, expect, it } from 'vitest'
import {
  Driver,
  aSignal,
  call,
  commandsOf,
  event,
  linesOf,
  opsOf,
  signal,
  type Body,
} from '../../test/core/machine-driver.ts'
import { answer, expectRepeats, finish, outputOf, undoneOf } from '../../test/core/repeats.ts'
import { TerminalError, type BalletError } from './errors.ts'
import type { Surface } from './surface.ts'

const reserve = (run: Surface, name: string): Promise<unknown> =>
  run.call(call(`${name}.do`), { undo: call(`${name}.undo`) })
const cancelled = { by: 'ann', why: 'changed her mind' }
/** What everything rejects with. */
const words = 'RUN_CANCELLED The run "r1" was cancelled by ann: changed her mind'
const wordsOf = ({ code, message }: BalletError): string => `${code} ${message}`

/** A run that is cancelled after its first turn, and what that turn issued. */
async function cancelledAtOnce(body: Body): Promise<Driver> {
  const driver = new Driver(body)
  await driver.start()
  await driver.cancel()
  await expectRepeats(driver)
  return driver
}

describe('a cancellation', () => {
  it('rejects whatever is waited for, in the order of the ids', async () => {
    const seen: string[] = []
    const body: Body = async (run) => {
      const waits = {
        step: run.step('z', () => {}),
        sleep: run.sleep('1h'),
        lapse: run.receive(aSignal('approve'), { within: '1h' }),
        charge: run.call(call('a.do')),
        child: run.call(call('ship')),
        join: run.start(call('notify')).result(),
        wait: run.receive(aSignal('approve')),
      }
      const note = (name: string) => (error: BalletError) => void seen.push(`${name} ${wordsOf(error)}`)
      await Promise.all(Object.entries(waits).map(([name, wait]) => wait.catch(note(name))))
      return 'stopped'
    }
    const driver = new Driver(body)
    await driver.start()
    const closed = await driver.cancel()
    expect(opsOf(closed)).toEqual([
      'drop a.do#0',
      'drop join:notify#0',
      'drop receive#0',
      'drop receive#1',
      'drop ship#0',
      'stop r1~ship.0',
      'drop sleep#0',
      'drop z#0',
      'phase undoing',
    ])
    expect(seen).toEqual(
      ['charge', 'join', 'lapse', 'wait', 'child', 'sleep', 'step'].map((name) => `${name} ${words}`),
    )
    // Only how the child came out is still wanted: what was done before it is taken back after it.
    expect(driver.waits).toEqual(['ship#0'])
    expect(driver.machine.released.map(({ op }) => op)).toEqual(['receive#0', 'sleep#0'])
    expect(await answer(driver, 'ship#0')).toEqual([['phase over', 'end']])
    await expectRepeats(driver)
  })

  it('that the run lets pass ends it as cancelled, with what it did taken back', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      await reserve(run, 'b')
      await reserve(run, 'c')
    })
    await driver.start()
    await answer(driver, 'a.do#0', 'b.do#0')
    expect(opsOf(await driver.cancel())).toEqual(['drop c.do#0', 'phase undoing'])
    // The call that was under way has to settle first.
    expect(driver.waits).toEqual(['c.do#0'])
    expect(await answer(driver, 'c.do#0', 'undo:c.do#0', 'undo:b.do#0')).toEqual([
      ['call undo:c.do#0'],
      ['call undo:b.do#0'],
      ['call undo:a.do#0'],
    ])
    expect(await driver.done('undo:a.do#0')).toEqual({
      kind: 'ended',
      status: 'cancelled',
      commands: [
        { kind: 'phase', phase: null },
        { kind: 'end', output: undefined, cancelled },
      ],
    })
    await expectRepeats(driver)
  })

  it('that the run catches takes back all the same, and keeps its output', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      await run.sleep('1h').catch(() => {})
      return { status: 'stopped' }
    })
    await driver.start()
    await driver.done('a.do#0')
    expect(opsOf(await driver.cancel())).toEqual(['drop sleep#0', 'phase undoing', 'call undo:a.do#0'])
    const closed = await driver.done('undo:a.do#0')
    expect(closed).toMatchObject({ kind: 'ended', status: 'cancelled' })
    expect(commandsOf(closed).at(-1)).toEqual({ kind: 'end', output: '{"status":"stopped"}', cancelled })
    await expectRepeats(driver)
  })

  it('refuses everything that is asked for afterwards, and lets the run tell what it likes', async () => {
    const codes: string[] = []
    const note = (error: BalletError): void => void codes.push(wordsOf(error))
    const driver = await cancelledAtOnce(async (run) => {
      const child = run.start(call('notify'))
      await run.sleep('1h').catch(note)
      await run.call(call('a.do')).catch(note)
      await run.step('s', () => {}).catch(note)
      await run.sleep('1s').catch(note)
      await run.receive(aSignal('approve')).catch(note)
      await run.continueAs(null).catch(note)
      await child.result().catch(note)
      try {
        run.start(call('ship'))
      } catch (error) {
        note(error as BalletError)
      }
      run.set('stopping')
      run.emit(event('order.stopped'))
      run.log.info('stopped', run.now())
      child.signal(signal('stop'))
      child.cancel()
      return run.patched('v2')
    })
    expect(codes).toEqual(Array.from({ length: 8 * 2 }, () => words))
    expect(linesOf(driver).at(-1)).toMatch(
      /^\[\{"kind":"drop","op":"sleep#0"\},\{"kind":"set".*"kind":"emit".*"kind":"send".*"kind":"stop","run":"r1~notify.0".*"kind":"patch".*"output":true,"cancelled"/,
    )
  })

  it('of a run that then fails leaves it failed, with what it did taken back', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      await run.sleep('1h').catch(() => {
        throw new TerminalError('too late to stop')
      })
    })
    await driver.start()
    await driver.done('a.do#0')
    await driver.cancel()
    expect(await driver.done('undo:a.do#0')).toMatchObject({
      kind: 'ended',
      status: 'failed',
      commands: [{}, { kind: 'fail', error: { code: 'TERMINAL', message: 'too late to stop' } }],
    })
    await expectRepeats(driver)
  })

  it('does not hide a fault in the code: nothing is taken back', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      await run.sleep('1h').catch(() => (null as unknown as Surface).id)
    })
    await driver.start()
    await driver.done('a.do#0')
    expect(await driver.cancel()).toMatchObject({ kind: 'threw', error: { code: 'RUN_THREW' } })
    const wrapped = new Driver((run) =>
      run.sleep('1h').catch((cause: unknown) => Promise.reject(new TypeError('no', { cause }))),
    )
    await wrapped.start()
    expect(await wrapped.cancel()).toMatchObject({ kind: 'threw', error: { message: expect.stringContaining('no') } })
  })

  it('does not let an output pass that its schema refuses', async () => {
    const contracts = {
      checkOutput: (output: unknown) => {
        if (output === undefined) throw new TypeError('no output')
        return output
      },
    }
    const driver = new Driver((run) => run.sleep('1h').catch(() => {}), { contracts })
    await driver.start()
    expect(await driver.cancel()).toMatchObject({ kind: 'threw' })
  })
})

describe('the rejections of a cancelled run', () => {
  const fails = (run: Surface): Promise<unknown> => run.step('fails', () => {})

  it('are a cancellation together: Promise.any', async () => {
    const driver = await cancelledAtOnce((run) => Promise.any([run.sleep('1h'), run.step('a', () => {})]))
    expect(linesOf(driver).at(-1)).toContain('"kind":"end","cancelled"')
  })

  it('are a cancellation beside failures of calls, and a fault beside another error', async () => {
    const body =
      (other: () => Promise<unknown>): Body =>
      (run) =>
        Promise.any([
          fails(run),
          Promise.any([run.sleep('1h'), run.sleep('2h')]),
          ...(run.id === 'other' ? [other()] : []),
        ])
    const bug = (): Promise<never> => Promise.reject(new RangeError('x'))
    for (const [id, kind] of [
      ['r1', 'ended'],
      ['other', 'threw'],
    ] as const) {
      const driver = new Driver(body(bug), { id })
      await driver.start()
      await driver.failed('fails#0')
      expect((await driver.cancel()).kind).toBe(kind)
      if (kind === 'ended') await expectRepeats(driver)
    }
  })

  it('that nobody looks at are no fault', async () => {
    const driver = new Driver(async (run) => {
      const first = run.sleep('1h')
      const second = run.sleep('2h').then(() => run.sleep('3h'))
      void second.catch(() => {})
      await first
      await second
    })
    await driver.start()
    const { machine } = driver
    machine.deliver({ kind: 'cancel', ...cancelled }, 0, 1, null)
    // As the engine does with what is rejected and not looked at while this run is in its turn.
    machine.blame(machine.cancellation)
    machine.blame(new AggregateError([machine.cancellation]))
    await new Promise((resolve) => setImmediate(resolve))
    expect(machine.close()).toMatchObject({ kind: 'ended', status: 'cancelled' })
  })

  it('are a fault in a run that is not cancelled', async () => {
    const stopped = await cancelledAtOnce((run) => run.sleep('1h'))
    const driver = new Driver(async () => {
      throw stopped.machine.cancellation
    })
    expect(await driver.start()).toMatchObject({
      kind: 'threw',
      error: { message: `The code of the run "r1" threw RUN_CANCELLED: ${words.slice(14)}` },
    })
    expect(() => driver.machine.cancellation).toThrow('a run that is not cancelled has no cancellation')
  })

  it('do not go on for ever: a loop that catches everything is stopped', async () => {
    const driver = new Driver(async (run) => {
      for (;;) await run.step('again', () => {}).catch(() => {})
    })
    await driver.start()
    expect(await driver.cancel()).toMatchObject({
      kind: 'threw',
      error: {
        message:
          'The code of the run "r1" threw CANCEL_IGNORED: the run "r1" was cancelled and goes on asking, 10000 times in one turn.',
      },
    })
  })

  it('are counted turn by turn', async () => {
    let rounds = 0
    const driver = new Driver((run) =>
      run.shield(async (shielded) => {
        for (let turn = 0; turn < 3; turn++) {
          await shielded.sleep('1s')
          for (let count = 0; count < 5000; count++) await run.sleep('1s').catch(() => rounds++)
        }
      }),
    )
    await driver.start()
    await driver.cancel()
    for (let turn = 0; turn < 2; turn++) expect((await driver.timer(`sleep#${turn}`)).kind).toBe('open')
    expect(await driver.timer('sleep#2')).toMatchObject({ kind: 'ended', status: 'cancelled' })
    expect(rounds).toBe(15_000)
  })
})

describe('when it comes', () => {
  it('before the run has begun, nothing of it is run', async () => {
    const driver = new Driver(() => expect.unreachable('it began'))
    expect(await driver.cancel()).toEqual({
      kind: 'ended',
      status: 'cancelled',
      commands: [{ kind: 'end', output: undefined, cancelled }],
    })
    expect(driver.machine.accepts({ kind: 'start', seed: 1 })).toBe(false)
    await expectRepeats(driver)
    const forced = new Driver(() => expect.unreachable('it began'))
    expect(await forced.cancel(true)).toMatchObject({ kind: 'ended', status: 'cancelled' })
    await expectRepeats(forced)
  })

  it('again, it is not taken', async () => {
    const driver = new Driver((run) => run.shield((shielded) => shielded.sleep('1h')))
    await driver.start()
    const { machine } = driver
    const again = { kind: 'cancel', by: 'bob', why: 'so do I' } as const
    expect(machine.accepts(again)).toBe(true)
    await driver.cancel()
    expect(machine.accepts(again)).toBe(false)
    expect(machine.accepts({ ...again, forced: true })).toBe(true)
    expect(machine.cancelled).toEqual(cancelled)
    await driver.timer('sleep#0')
    await expectRepeats(driver)
  })

  it('while the run takes back, that is not interrupted; what follows is', async () => {
    const seen: string[] = []
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      await reserve(run, 'b')
      await run.undo()
      seen.push('undone')
      await reserve(run, 'c').catch((error: BalletError) => seen.push(error.code))
      return 'declined'
    })
    await driver.start()
    await answer(driver, 'a.do#0', 'b.do#0')
    expect(opsOf(await driver.cancel())).toEqual([])
    expect(await answer(driver, 'undo:b.do#0')).toEqual([['call undo:a.do#0']])
    expect(await driver.done('undo:a.do#0')).toMatchObject({ kind: 'ended', status: 'cancelled' })
    expect(seen).toEqual(['undone', 'RUN_CANCELLED'])
    expect(outputOf(driver)).toBe('declined')
    await expectRepeats(driver)
  })

  it('while a run that fails takes back, it has failed', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      throw new TerminalError('no')
    })
    await driver.start()
    await driver.done('a.do#0')
    expect(opsOf(await driver.cancel())).toEqual([])
    expect(await driver.done('undo:a.do#0')).toMatchObject({ kind: 'ended', status: 'failed' })
    await expectRepeats(driver)
  })

  it('while a run that has returned settles its losers, everything is taken back', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'kept')
      return Promise.race([reserve(run, 'lost'), run.sleep('1s').then(() => 'late')])
    })
    await driver.start()
    await driver.done('kept.do#0')
    expect(opsOf(await driver.timer('sleep#0'))).toEqual(['drop lost.do#0', 'phase undoing'])
    expect(opsOf(await driver.cancel())).toEqual([])
    expect(await answer(driver, 'lost.do#0', 'undo:lost.do#0')).toEqual([
      ['call undo:lost.do#0'],
      ['phase over', 'phase undoing', 'call undo:kept.do#0'],
    ])
    expect(await driver.done('undo:kept.do#0')).toMatchObject({ kind: 'ended', status: 'cancelled' })
    expect(outputOf(driver)).toBe('late')
    await expectRepeats(driver)
  })

  it('late answers of what has no undo are not taken, and those of the others decide what is taken back', async () => {
    const undo = (outcome: unknown) => (outcome === 'nothing done' ? null : call('x.undo', { outcome }))
    const driver = new Driver((run) =>
      Promise.all([run.call(call('plain.do')), run.call(call('x.do'), { undo }), run.call(call('y.do'), { undo })]),
    )
    await driver.start()
    await driver.cancel()
    const late = { kind: 'done', op: 'plain.do#0', payload: undefined } as const
    expect(driver.machine.accepts(late)).toBe(false)
    expect(opsOf(await driver.done('y.do#0', 'nothing done'))).toEqual([])
    const asked = await driver.done('x.do#0', 5)
    expect(commandsOf(asked)).toEqual([
      { kind: 'call', op: 'undo:x.do#0', call: 'x.undo', input: '{"outcome":5}', undoes: 'x.do#0' },
    ])
    expect(await finish(driver)).toMatchObject({ kind: 'ended', status: 'cancelled' })
    expect(undoneOf(driver)).toEqual(['x.do#0'])
    await expectRepeats(driver)
  })
})
