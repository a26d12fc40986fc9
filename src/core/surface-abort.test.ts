// One call is given up, by the signal that it was made with.
import { getEventListeners } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { Driver, call, linesOf, opsOf, type Body } from '../../test/core/machine-driver.ts'
import { answer, expectRepeats, finish, outputOf, undoneOf } from '../../test/core/repeats.ts'
import type { Contracts } from './contracts.ts'
import { fault, type BalletError } from './errors.ts'
import { CallError } from './failure.ts'
import type { Surface } from './surface.ts'

const wordsOf = (error: BalletError): string => `${error.code} ${error.message}`
const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length
const charge = (run: Surface, abort: AbortSignal, undo = call('payment.refund')): Promise<unknown> =>
  run.call(call('payment.charge'), { abort, undo })

describe('a call that is aborted', () => {
  it('before it is made is not made', async () => {
    const checkInput = vi.fn<Contracts['checkInput']>(({ input }) => input)
    const body: Body = async (run) => {
      const abort = AbortSignal.abort()
      const words = [
        run.call(call('a.do'), { abort, undo: call('a.undo') }),
        run.call(call('ship'), { abort }),
        run.step('s', () => {}, { abort }),
      ].map((one) => one.catch(wordsOf))
      const told = await Promise.all(words)
      await run.undo()
      await run.call(call('a.do'), { abort: new AbortController().signal })
      return told
    }
    const driver = new Driver(body, { contracts: { checkInput } })
    expect(opsOf(await driver.start())).toEqual(['call a.do#1'])
    expect(checkInput).toHaveBeenCalledTimes(1)
    await driver.done('a.do#1')
    expect(outputOf(driver)).toEqual(
      ['a.do', 'r1~ship.0', 's#0'].map((name) => `CALL_ABORTED ${name} was given up before it answered.`),
    )
    await expectRepeats(driver)
    // Not made, it left no trace that a replay could go by: whatever the schema says by now is not asked.
    const refuse = ({ name }: { readonly name: string }): unknown => {
      throw fault('INPUT_INVALID', { what: name, path: '', problem: 'no' })
    }
    await expectRepeats(driver, body, { contracts: { checkInput: refuse } })
  })

  it('while it is under way rejects at once; a late answer is taken by nobody', async () => {
    const seen: unknown[] = []
    const driver = new Driver(async (run) => {
      const { signal, ...abort } = controller()
      const given = [
        run.call(call('a.do'), { abort: signal }),
        run.step('s', () => {}, { abort: signal }),
        run.call(call('ship'), { abort: signal, onCancel: 'leave' }),
      ]
      for (const one of given) one.catch((error: CallError) => seen.push(error instanceof CallError, wordsOf(error)))
      await run.sleep('1s')
      abort.abort()
      seen.push('aborted')
      await run.sleep('1s')
    })
    await driver.start()
    expect(opsOf(await driver.timer('sleep#0'))).toEqual(['drop a.do#0', 'drop s#0', 'drop ship#0', 'sleep sleep#1'])
    expect(seen).toEqual([
      'aborted',
      ...['a.do', 's#0', 'r1~ship.0'].flatMap((name) => [
        true,
        `CALL_ABORTED ${name} was given up before it answered.`,
      ]),
    ])
    expect(driver.machine.accepts({ kind: 'done', op: 'a.do#0', payload: undefined })).toBe(false)
    expect(opsOf(await driver.timer('sleep#1'))).toEqual(['end'])
    await expectRepeats(driver)
  })

  it('after it has settled stays as it was', async () => {
    const driver = new Driver(async (run) => {
      const abort = new AbortController()
      const paid = await charge(run, abort.signal)
      abort.abort()
      await run.sleep('1s')
      return paid
    })
    await driver.start()
    expect(await answer(driver, 'payment.charge#0', 'sleep#0')).toEqual([['sleep sleep#0'], ['end']])
    await expectRepeats(driver)
  })

  it('fails a run that lets it pass, and what that did is taken back', async () => {
    const driver = new Driver(async (run) => {
      const abort = new AbortController()
      const paid = charge(run, abort.signal)
      await run.sleep('1s')
      abort.abort()
      await paid
    })
    await driver.start()
    expect(opsOf(await driver.timer('sleep#0'))).toEqual(['drop payment.charge#0', 'phase undoing'])
    await driver.done('payment.charge#0')
    await driver.done('undo:payment.charge#0')
    expect(linesOf(driver).at(-1)).toContain('"kind":"fail","error":{"code":"CALL_ABORTED"')
    await expectRepeats(driver)
  })

  it('in the turn in which it was made, or twice, is given up once', async () => {
    const driver = new Driver(async (run) => {
      const abort = new AbortController()
      const code = charge(run, abort.signal).catch((error: BalletError) => error.code)
      abort.abort()
      abort.abort()
      return code
    })
    expect(opsOf(await driver.start())).toEqual(['call payment.charge#0', 'drop payment.charge#0', 'phase undoing'])
    expect(await finish(driver)).toMatchObject({ kind: 'ended', status: 'completed' })
    expect([outputOf(driver), undoneOf(driver)]).toEqual(['CALL_ABORTED', ['payment.charge#0']])
    await expectRepeats(driver)
  })

  it('beside others of the same signal takes them along, in the order in which they were made', async () => {
    const driver = new Driver(async (run) => {
      const abort = new AbortController()
      const given = ['b', 'a'].map((name) => run.call(call(`${name}.do`), { abort: abort.signal }))
      const other = run.call(call('c.do'), { abort: new AbortController().signal })
      await run.sleep('1s')
      abort.abort()
      return [...(await Promise.allSettled(given)).map(({ status }) => status), await other]
    })
    await driver.start()
    expect(opsOf(await driver.timer('sleep#0'))).toEqual(['drop b.do#0', 'drop a.do#0'])
    await driver.done('c.do#0', 'kept')
    expect(outputOf(driver)).toEqual(['rejected', 'rejected', 'kept'])
    await expectRepeats(driver)
  })
})

describe('an aborted call with an undo', () => {
  const undo = (outcome: unknown) => (outcome === 'declined' ? null : call('payment.refund', { outcome }))
  /** Goes on after it has given up its call, and ends without asking for an undo. */
  const goesOn: Body = async (run) => {
    const abort = new AbortController()
    await run.call(call('kept.do'), { undo: call('kept.undo') })
    const paid = run.call(call('payment.charge'), { abort: abort.signal, undo }).catch(() => {})
    await run.sleep('1s')
    abort.abort()
    await paid
    await run.step('later', () => {})
    return 'done'
  }
  const goneOn = async (): Promise<Driver> => {
    const driver = new Driver(goesOn)
    await driver.start()
    await driver.done('kept.do#0')
    expect(opsOf(await driver.timer('sleep#0'))).toEqual(['drop payment.charge#0', 'step later#0'])
    expect(linesOf(driver).at(-1)).toContain('"settles":true')
    expect(driver.waits).toEqual(['payment.charge#0', 'later#0'])
    return driver
  }

  it('that settles meanwhile is taken back when the run ends, and nothing else is', async () => {
    const driver = await goneOn()
    expect(await answer(driver, 'payment.charge#0', 'later#0')).toEqual([
      [],
      ['phase undoing', 'call undo:payment.charge#0'],
    ])
    expect(driver.machine.pending.get('undo:payment.charge#0')?.command).toMatchObject({
      input: '{"outcome":"outcome of payment.charge#0"}',
      undoes: 'payment.charge#0',
    })
    expect(await finish(driver)).toMatchObject({ kind: 'ended', status: 'completed' })
    expect(undoneOf(driver)).toEqual(['payment.charge#0'])
    await expectRepeats(driver)
  })

  it('whose outcome leaves nothing to take back has none taken', async () => {
    const driver = await goneOn()
    await driver.done('payment.charge#0', 'declined')
    expect(await answer(driver, 'later#0')).toEqual([['phase undoing', 'phase over', 'end']])
    await expectRepeats(driver)
  })

  it('that fails meanwhile may have happened: it is taken back without an outcome', async () => {
    const driver = await goneOn()
    expect(opsOf(await driver.failed('payment.charge#0'))).toEqual([])
    expect(await answer(driver, 'later#0')).toEqual([['phase undoing', 'call undo:payment.charge#0']])
    expect(driver.machine.pending.get('undo:payment.charge#0')?.command).toMatchObject({ input: '{}' })
    expect(await finish(driver)).toMatchObject({ kind: 'ended', status: 'completed' })
    await expectRepeats(driver)
  })

  it('that has not settled is waited for when the run ends', async () => {
    const driver = await goneOn()
    expect(await answer(driver, 'later#0', 'payment.charge#0')).toEqual([
      ['phase undoing'],
      ['call undo:payment.charge#0'],
    ])
    expect(await finish(driver)).toMatchObject({ kind: 'ended', status: 'completed' })
    await expectRepeats(driver)
  })

  it('is taken back in its place when the run takes everything back', async () => {
    const driver = new Driver(async (run) => {
      const abort = new AbortController()
      await run.call(call('a.do'), { undo: call('a.undo') })
      charge(run, abort.signal).catch(() => {})
      await run.call(call('b.do'), { undo: call('b.undo') })
      abort.abort()
      await run.undo()
      return 'declined'
    })
    await driver.start()
    expect(await answer(driver, 'a.do#0', 'b.do#0', 'undo:b.do#0', 'payment.charge#0')).toEqual([
      ['call payment.charge#0', 'call b.do#0'],
      ['drop payment.charge#0', 'phase undoing', 'call undo:b.do#0'],
      [],
      ['call undo:payment.charge#0'],
    ])
    expect(await finish(driver)).toMatchObject({ kind: 'ended', status: 'completed' })
    expect(undoneOf(driver)).toEqual(['b.do#0', 'payment.charge#0', 'a.do#0'])
    await expectRepeats(driver)
  })
})

describe('a signal', () => {
  it('that is aborted outside of a turn is a fault in the code', async () => {
    const abort = new AbortController()
    const driver = new Driver((run) => charge(run, abort.signal))
    await driver.start()
    abort.abort()
    expect(driver.faults).toMatchObject([
      { code: 'FOREIGN_AWAIT', message: 'the run "r1" awaits something that is not durable.' },
    ])
    expect(driver.waits).toEqual(['payment.charge#0'])
  })

  it('that is aborted by the turn of another run is a fault of this one', async () => {
    const abort = new AbortController()
    const driver = new Driver((run) => charge(run, abort.signal))
    await driver.start()
    const other = new Driver(async () => abort.abort())
    expect((await other.start()).kind).toBe('ended')
    expect([driver.faults.length, other.faults.length]).toEqual([1, 0])
  })

  it('is forgotten by calls that have settled or were given up: no listener is left', async () => {
    const abort = new AbortController()
    const counts: number[] = []
    const driver = new Driver(async (run) => {
      for (let round = 0; round < 1000; round++) {
        await charge(run, abort.signal).catch(() => {})
        counts.push(listeners(abort.signal))
      }
      void run.sleep('1h')
      const last = [charge(run, abort.signal), run.step('s', () => {}, { abort: abort.signal })]
      counts.push(listeners(abort.signal))
      await Promise.allSettled(last)
    })
    await driver.start()
    for (let round = 0; round < 1000; round++)
      await (round % 10 === 0 ? driver.failed(`payment.charge#${round}`) : driver.done(`payment.charge#${round}`))
    expect([new Set(counts.slice(0, 1000)), counts.at(-1)]).toEqual([new Set([0]), 2])
    await driver.cancel()
    expect(listeners(abort.signal)).toBe(0)
  })

  it('may be given to a thousand calls at once, without a warning', async () => {
    const warned = vi.fn<() => void>()
    process.on('warning', warned)
    const driver = new Driver(async (run) => {
      const abort = new AbortController()
      const all = Array.from({ length: 1000 }, () => run.step('s', () => {}, { abort: abort.signal }))
      await run.sleep('1s')
      abort.abort()
      return (await Promise.allSettled(all)).filter(({ status }) => status === 'rejected').length
    })
    await driver.start()
    await driver.timer('sleep#0')
    expect(outputOf(driver)).toBe(1000)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', warned)
    expect(warned).not.toHaveBeenCalled()
    await expectRepeats(driver)
  })
})

/** A controller whose parts can be taken apart. */
function controller(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const own = new AbortController()
  return { signal: own.signal, abort: () => own.abort() }
}
