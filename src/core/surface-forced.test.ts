// A forced cancellation: the code of the run cannot go on, so nothing of it is run but what takes things back.
import { describe, expect, it } from 'vitest'
import { Driver, aSignal, call, commandsOf, opsOf, type Body } from '../../test/core/machine-driver.ts'
import { answer, expectRepeats, finish, undoneOf } from '../../test/core/repeats.ts'
import { TerminalError } from './errors.ts'
import type { Command } from './journal.ts'
import type { Surface } from './surface.ts'
import type { CallValue } from './values.ts'

const reserve = (run: Surface, name: string): Promise<unknown> =>
  run.call(call(`${name}.do`), { undo: call(`${name}.undo`) })

/** Goes through everything that a run can be in the middle of, and notes wherever its code is run. */
const busy =
  (steps: string[]): Body =>
  async (run) => {
    const note = (step: string): void => void steps.push(step)
    note('begin')
    try {
      await reserve(run, 'a')
      note('a')
      void reserve(run, 'lost').catch(() => note('lost is gone'))
      await Promise.all([
        reserve(run, 'b'),
        run.call(call('ship')).catch(() => note('ship is gone')),
        run.step('s', note),
      ])
      note('all')
      await run.shield(async (shielded) => {
        await reserve(shielded, 'c')
        note('shielded')
        await shielded.sleep('1h')
      })
      await run.receive(aSignal('approve')).catch(() => note('nothing came'))
      note('received')
      await run.undo().catch(() => note('not undone'))
      note('undone')
      await reserve(run, 'd')
      const slow = reserve(run, 'slow').finally(() => note('slow is over'))
      await Promise.race([slow, run.sleep('1h')])
    } finally {
      note('finally')
    }
    return 'done'
  }

/** What is delivered to it, one a turn. */
const script = [
  'a.do#0',
  'ship#0',
  'b.do#0',
  's#0',
  'c.do#0',
  'sleep#0',
  'approve',
  'lost.do#0',
  'undo:c.do#0',
  'undo:b.do#0',
  'undo:lost.do#0',
  'undo:a.do#0',
  'd.do#0',
  'sleep#1',
  'slow.do#0',
  'undo:slow.do#0',
]

async function play(driver: Driver, deliveries: readonly string[]): Promise<string> {
  let closed = await driver.start()
  for (const op of deliveries) {
    if (op.startsWith('sleep')) closed = await driver.timer(op)
    else closed = await (op === 'approve' ? driver.signal(op) : driver.done(op, `outcome of ${op}`))
  }
  return closed.kind === 'ended' ? closed.status : closed.kind
}

describe('a forced cancellation', () => {
  it('has a run to stop that would come to its end', async () => {
    const driver = new Driver(busy([]))
    expect(await play(driver, script)).toBe('completed')
    expect(undoneOf(driver)).toEqual(['c.do#0', 'b.do#0', 'lost.do#0', 'a.do#0', 'slow.do#0'])
    await expectRepeats(driver)
  })

  it.each(script.map((_op, count) => [count]))(
    'after %i turns runs no more of the body, and takes all back',
    async (count) => {
      const steps: string[] = []
      const driver = new Driver(busy(steps))
      await play(driver, script.slice(0, count))
      const before = [...steps]
      const undone = undoneOf(driver)
      const registered = driver.rows.flatMap(({ text }) => [
        ...text.matchAll(/"op":"([^"]+)","call":"[^"]+","undo":true/g),
      ])
      const closed = await driver.cancel(true)
      expect(closed.kind === 'open' ? await finish(driver) : closed).toMatchObject({ status: 'cancelled' })
      expect(steps).toEqual(before)
      // In reverse order, each once; what had been taken back before is not again.
      const ops = registered.map(([, op]) => op as string)
      expect(undoneOf(driver).slice(undone.length)).toEqual(ops.filter((op) => !undone.includes(op)).reverse())
      expect(driver.waits.filter((op) => !op.startsWith('receive'))).toEqual([])
      expect(driver.faults).toEqual([])
      await expectRepeats(driver)
    },
  )

  it('after another cancellation ends what that had not reached', async () => {
    const steps: string[] = []
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      await run.shield(async (shielded) => {
        await shielded.sleep('1h')
        steps.push('on')
      })
    })
    await driver.start()
    await driver.done('a.do#0')
    expect(opsOf(await driver.cancel())).toEqual([])
    expect(opsOf(await driver.cancel(true, 'bob'))).toEqual(['drop sleep#0', 'phase undoing', 'call undo:a.do#0'])
    // Once more, while it takes back: it is the same.
    expect(opsOf(await driver.cancel(true, 'bob'))).toEqual([])
    expect(await driver.done('undo:a.do#0')).toMatchObject({ kind: 'ended', status: 'cancelled' })
    expect(steps).toEqual([])
    // Who asked first has cancelled it.
    expect(driver.machine.cancelled).toMatchObject({ by: 'ann' })
    await expectRepeats(driver)
  })

  it.each([
    ['done', { kind: 'done', op: 'a.do#0', payload: '7' }, '{"was":7}'],
    ['done without an undo', { kind: 'done', op: 's#0', payload: '7' }, '{}'],
    ['failed', { kind: 'failed', op: 'a.do#0', error: { code: 'X', message: 'no' } }, '{}'],
    ['failed without an undo', { kind: 'failed', op: 's#0', error: { code: 'X', message: 'no' } }, '{}'],
    ['of what is not waited for', { kind: 'done', op: 'gone#0', payload: '7' }, '{}'],
  ] as const)('knows the answer that its code could not take: %s', async (_name, held, undone) => {
    const steps: string[] = []
    const note = (): void => void steps.push('on')
    const undo = (was: unknown): CallValue => call('a.undo', { was })
    const driver = new Driver(
      async (run) => {
        await Promise.all([run.call(call('a.do'), { undo }).then(note, note), run.step('s', note).then(note, note)])
      },
      { held },
    )
    await driver.start()
    const closed = commandsOf(await driver.cancel(true))
    // What was answered is not given up; the rest is, and settles by itself.
    expect(closed.some((command) => command.kind === 'drop' && command.op === held.op)).toBe(false)
    const made = (of: readonly Command[]) => of.flatMap((one) => (one.kind === 'call' ? [[one.op, one.input]] : []))
    const now = held.op === 'a.do#0' ? closed : commandsOf(await driver.failed('a.do#0'))
    expect(made(now)).toEqual([['undo:a.do#0', undone]])
    await driver.done('undo:a.do#0')
    expect([steps, driver.waits]).toEqual([[], []])
    await expectRepeats(driver)
  })

  it('tells the body nothing of the calls that settle, nor of those that fail', async () => {
    const steps: string[] = []
    const note = (): void => void steps.push('on')
    const driver = new Driver((run) => Promise.all(['a', 'b'].map((name) => reserve(run, name).then(note, note))))
    await driver.start()
    await driver.cancel(true)
    expect(opsOf(await driver.failed('b.do#0'))).toEqual(['call undo:b.do#0'])
    await driver.done('a.do#0')
    expect(await finish(driver)).toMatchObject({ kind: 'ended', status: 'cancelled' })
    expect([steps, undoneOf(driver)]).toEqual([[], ['b.do#0', 'a.do#0']])
    await expectRepeats(driver)
  })

  it('of a run that fails meanwhile ends it as cancelled', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      throw new TerminalError('no')
    })
    await driver.start()
    await driver.done('a.do#0')
    expect(opsOf(await driver.cancel(true))).toEqual([])
    expect(await driver.done('undo:a.do#0')).toMatchObject({ kind: 'ended', status: 'cancelled' })
    await expectRepeats(driver)
  })

  it('while losers are settled takes everything back before it ends', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'kept')
      await Promise.race([reserve(run, 'x'), reserve(run, 'y'), run.sleep('1h')])
    })
    await driver.start()
    await answer(driver, 'kept.do#0', 'sleep#0', 'y.do#0')
    expect(driver.waits).toEqual(['x.do#0', 'undo:y.do#0'])
    expect(opsOf(await driver.cancel(true))).toEqual([])
    expect(await answer(driver, 'undo:y.do#0', 'x.do#0', 'undo:x.do#0')).toEqual([
      [],
      ['call undo:x.do#0'],
      ['call undo:kept.do#0'],
    ])
    expect(await driver.done('undo:kept.do#0')).toMatchObject({ kind: 'ended', status: 'cancelled' })
    await expectRepeats(driver)
  })

  it.each([true, false])(
    'while a loser is waited for takes back in the one order that there is (%s)',
    async (forced) => {
      const driver = new Driver(async (run) => {
        void reserve(run, 'lost')
        await reserve(run, 'kept')
        return 'done'
      })
      await driver.start()
      expect(await answer(driver, 'kept.do#0')).toEqual([['drop lost.do#0', 'phase undoing']])
      await driver.cancel(forced)
      expect(await answer(driver, 'lost.do#0', 'undo:kept.do#0')).toEqual([
        ['call undo:kept.do#0'],
        ['call undo:lost.do#0'],
      ])
      expect(await finish(driver)).toMatchObject({ kind: 'ended', status: 'cancelled' })
      await expectRepeats(driver)
    },
  )

  it('does not pass over an undo that cannot be made', async () => {
    const body: Body = async (run) => {
      await reserve(run, 'a')
      await run.call(call('b.do'), {
        undo: () => {
          throw new RangeError('no way back')
        },
      })
      await run.sleep('1h')
    }
    const driver = new Driver(body)
    await driver.start()
    await answer(driver, 'a.do#0', 'b.do#0')
    expect(await driver.cancel(true)).toMatchObject({
      kind: 'threw',
      error: { message: expect.stringContaining('b.do#0 was not taken back: the undo of b.do failed: no way back') },
    })
    expect(undoneOf(driver)).toEqual([])
  })

  it('hears nothing of what the body does beside its turns', async () => {
    let wake: () => void = () => {}
    const body: Body = async (run) => {
      await reserve(run, 'a')
      void new Promise<void>((resolve) => (wake = resolve)).then(() => run.step('late', () => {}))
      await run.sleep('1h')
    }
    const driver = new Driver(body)
    await driver.start()
    await driver.done('a.do#0')
    await driver.cancel(true)
    wake()
    await new Promise((resolve) => setImmediate(resolve))
    expect(driver.faults).toEqual([])
    expect(await driver.done('undo:a.do#0')).toMatchObject({ kind: 'ended', status: 'cancelled' })
    // Without force that is a fault in its code.
    const other = new Driver(body)
    await other.start()
    await other.done('a.do#0')
    await other.cancel()
    wake()
    await new Promise((resolve) => setImmediate(resolve))
    expect(other.faults).toMatchObject([{ code: 'FOREIGN_AWAIT' }])
  })

  it('is not troubled by a body that ends beside its turns', async () => {
    let wake: () => void = () => {}
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      await Promise.race([run.sleep('1h'), new Promise<void>((resolve) => (wake = resolve))])
    })
    await driver.start()
    await driver.done('a.do#0')
    await driver.cancel(true)
    wake()
    await new Promise((resolve) => setImmediate(resolve))
    expect(driver.faults).toEqual([])
    expect(await driver.done('undo:a.do#0')).toMatchObject({ kind: 'ended', status: 'cancelled' })
  })
})
