// What a generation of a run hands on to the next.
import { describe, expect, it } from 'vitest'
import {
  Driver,
  aSignal,
  anEvent,
  call,
  linesOf,
  nextOf,
  opsOf,
  replay,
  type Body,
} from '../../test/core/machine-driver.ts'
import { answer, expectRepeats, finish, outputOf, undoneOf } from '../../test/core/repeats.ts'
import { TerminalError } from './errors.ts'
import { parseCommands } from './journal.ts'
import type { Surface } from './surface.ts'

const reserve = (run: Surface, name: string): Promise<unknown> =>
  run.call(call(`${name}.do`), { undo: call(`${name}.undo`) })
/** What the last turn hands on. */
const carryOf = (driver: Driver): unknown => parseCommands(linesOf(driver).at(-1) as string).at(-1)?.['carry']
const nothing = { mail: { signals: [], seen: [], cursors: [] }, undos: [] }

/** Does its work, and goes on as a new generation until the rounds are over. */
const looping =
  (work: (run: Surface, round: number) => Promise<unknown>, rounds: number): Body =>
  async (run, input) => {
    const round = Number(input)
    const output = await work(run, round)
    if (round < rounds) return run.continueAs(round + 1)
    return output
  }

/** Brings a run from generation to generation, each answered and replayed; the last one is given back. */
async function generations(body: Body, count: number): Promise<Driver> {
  let driver = new Driver(body, { input: 0 })
  for (let generation = 0; ; generation++) {
    await driver.start()
    if (generation === count) return driver
    expect(await finish(driver)).toMatchObject({ kind: 'ended', status: 'continued' })
    await expectRepeats(driver)
    driver = nextOf(driver)
  }
}

/** Runs a generation that does nothing but continue. */
async function idly(driver: Driver): Promise<Driver> {
  const idle = new Driver((run) => run.continueAs(2), driver.setting)
  await idle.start()
  return idle
}

describe('what is carried', () => {
  it('are undos, as the calls that they come to, taken back by whichever generation fails', async () => {
    const body = looping(async (run, round) => {
      await run.call(call('a.do'), { undo: (outcome) => call('a.undo', { round, outcome }) })
      await run.call(call('kept.do'), { undo: () => null })
      await run.step('s', () => {}, { undo: call('s.undo', { round }) })
      if (round === 2) throw new TerminalError('no more')
    }, 2)
    const driver = await generations(body, 2)
    await answer(driver, 'a.do#0', 'kept.do#0')
    expect(opsOf(await driver.done('s#0'))).toEqual(['phase undoing', 'call undo:s#0'])
    expect(await finish(driver)).toMatchObject({ kind: 'ended', status: 'failed' })
    // An id of an earlier generation keeps that generation in front of it, however often it is handed on.
    expect(undoneOf(driver)).toEqual(['s#0', 'a.do#0', '1~s#0', '1~a.do#0', '0~s#0', '0~a.do#0'])
    const inputs = linesOf(driver).flatMap((line) =>
      parseCommands(line).flatMap((command) => ('undoes' in command ? [command['input']] : [])),
    )
    const outcome = 'outcome of a.do#0'
    expect(inputs).toEqual([
      { round: 2 },
      { round: 2, outcome },
      { round: 1 },
      { round: 1, outcome },
      { round: 0 },
      { round: 0, outcome },
    ])
    await expectRepeats(driver)
  })

  it('are undos of calls that were given up: they are taken back when the run ends', async () => {
    const body: Body = async (run, input) => {
      if (input === 1) return 'done'
      await reserve(run, 'kept')
      const abort = new AbortController()
      const lost = run.call(call('lost.do'), { undo: call('lost.undo'), abort: abort.signal }).catch(() => {})
      await run.sleep('1s')
      abort.abort()
      await lost
      await run.sleep('1s')
      return run.continueAs(1)
    }
    const first = new Driver(body, { input: 0 })
    await first.start()
    await answer(first, 'kept.do#0', 'sleep#0', 'lost.do#0')
    expect(await first.timer('sleep#1')).toMatchObject({ kind: 'ended', status: 'continued' })
    const second = nextOf(first)
    expect(opsOf(await second.start())).toEqual(['phase undoing', 'call undo:0~lost.do#0'])
    expect(await finish(second)).toMatchObject({ kind: 'ended', status: 'completed' })
    expect(undoneOf(second)).toEqual(['0~lost.do#0'])
    await expectRepeats(second)
  })

  it('is taken back by run.undo, and by a cancellation that comes before the generation begins', async () => {
    const first = new Driver(async (run) => {
      await reserve(run, 'a')
      await run.call(call('ship'), { undo: call('unship') })
      run.start(call('notify'), { onCancel: 'cancel' })
      await run.continueAs(1)
    })
    await first.start()
    await answer(first, 'a.do#0', 'ship#0')
    // What is carried stands in the journal: today's schemas are not asked.
    const refuse = (): never => expect.unreachable('validated again')
    await expectRepeats(first, first.body, { contracts: { checkInput: refuse, checkContinue: refuse } })
    const undoing = nextOf(first, async (run) => {
      await run.undo()
      return 'undone'
    })
    expect(opsOf(await undoing.start())).toEqual(['phase undoing', 'child undo:0~ship#0'])
    expect(undoing.machine.pending.get('undo:0~ship#0')?.command).toMatchObject({ run: 'r1~1~undo:0~ship.0' })
    await finish(undoing)
    expect([undoneOf(undoing), outputOf(undoing)]).toEqual([['0~ship#0', '0~a.do#0'], 'undone'])
    await expectRepeats(undoing)
    for (const forced of [false, true]) {
      const cancelled = nextOf(first, () => expect.unreachable('it began'))
      expect(opsOf(await cancelled.cancel(forced))).toEqual([
        'stop r1~notify.0',
        'phase undoing',
        'child undo:0~ship#0',
      ])
      expect(cancelled.machine.accepts({ kind: 'start', seed: 1 })).toBe(false)
      expect(await finish(cancelled)).toMatchObject({ kind: 'ended', status: 'cancelled' })
      expect(undoneOf(cancelled)).toEqual(['0~ship#0', '0~a.do#0'])
      await expectRepeats(cancelled)
    }
  })

  it('are signals that nobody has received, in order, and the ids of all that came', async () => {
    const body: Body = async (run, input) => {
      if (input === 0) {
        await run.receive(aSignal('first'))
        await run.sleep('1h')
        return run.continueAs(1)
      }
      return [await run.receive(aSignal('approve')), await run.receive([aSignal('approve'), aSignal('stop')])]
    }
    const first = new Driver(body, { input: 0 })
    await first.start()
    await first.signal('first', 1, 'one')
    await first.signal('stop', undefined, 'two')
    await first.signal('approve', { by: 'ann' }, 'three')
    await first.timer('sleep#0')
    await expectRepeats(first)
    const second = nextOf(first)
    const { machine } = second
    expect(['one', 'two', 'three', 'four'].map((id) => machine.mailbox.hasSeen(id))).toEqual([true, true, true, false])
    expect(machine.accepts({ kind: 'signal', name: 'approve', id: 'three', payload: undefined })).toBe(false)
    expect(opsOf(await second.start())).toEqual(['end'])
    expect(outputOf(second)).toEqual([
      { kind: 'signal', type: 'approve', data: { by: 'ann' } },
      { kind: 'signal', type: 'stop' },
    ])
    await expectRepeats(second)
  })

  it('are signals that come before the generation begins, too', async () => {
    const first = new Driver((run) => run.continueAs(1))
    await first.start()
    const second = nextOf(first, (run) => run.receive(aSignal('approve')))
    expect(second.machine.begun).toBe(false)
    expect(await second.signal('approve', 'early')).toEqual({ kind: 'open', commands: [] })
    expect(second.machine.begun).toBe(false)
    expect(opsOf(await second.start())).toEqual(['end'])
    expect(outputOf(second)).toMatchObject({ data: 'early' })
    await expectRepeats(second)
  })

  it('is how far the events of each type were read', async () => {
    const body: Body = async (run, input) => {
      await run.receive(anEvent('order.shipped'))
      return input === 0 ? run.continueAs(1) : 'done'
    }
    const first = new Driver(body, { input: 0 })
    await first.start()
    await first.event('order.shipped', 17)
    await expectRepeats(first)
    const second = nextOf(first)
    await second.start()
    const event = { kind: 'event', type: 'order.shipped', source: 'shop', id: 'e', key: 'k', payload: '{}' } as const
    expect([16, 17, 18].map((pos) => second.machine.accepts({ ...event, pos }))).toEqual([false, false, true])
    expect(second.machine.mailbox.cursor('order.closed')).toBe(-1)
    await second.event('order.shipped', 18)
    await expectRepeats(second)
  })

  it('is the state, as its schema made it, also by a run that has been replayed', async () => {
    const contracts = { checkState: (state: unknown) => ({ stage: state }) }
    const body: Body = async (run) => {
      run.set('paid')
      await run.sleep('1s')
      await run.continueAs(1)
    }
    const driver = new Driver(body, { contracts })
    await driver.start()
    const { driver: again } = await replay(driver)
    await driver.timer('sleep#0')
    await again.timer('sleep#0')
    expect(carryOf(driver)).toEqual({ ...nothing, state: { stage: 'paid' } })
    expect(linesOf(again)).toEqual(linesOf(driver))
    const second = nextOf(driver)
    expect(second.machine.state).toBe('{"stage":"paid"}')
    // Not set again, it is handed on.
    const third = nextOf(await idly(second))
    expect(third.machine.state).toBe('{"stage":"paid"}')
  })

  it('are the undos of all generations, up to 10,000: none is left out, so one with more is not continued', async () => {
    const carrying = (count: number) => {
      const undos = Array.from({ length: count }, (_, nth) => ({
        op: `${nth}~a.do#0`,
        name: 'a.do',
        undo: call('a.undo'),
      }))
      return { generation: count, carry: JSON.stringify({ ...nothing, undos }) }
    }
    const body: Body = async (run) => {
      await run.call(call('a.do'), { undo: call('a.undo') })
      return run.continueAs(1)
    }
    const last = new Driver(body, carrying(9_999))
    await last.start()
    expect(await finish(last)).toMatchObject({ kind: 'ended', status: 'continued' })
    await expectRepeats(last)
    const after = nextOf(last)
    await after.start()
    expect(await after.done('a.do#0')).toMatchObject({
      kind: 'threw',
      error: { message: expect.stringContaining('it would have to take back 10001 calls') },
    })
    // What an earlier version has handed on stays as it is in the journal.
    const { driver } = await replay(last, body, { ...last.setting, ...carrying(10_000) })
    expect(driver.machine.continues).toBe(true)
    // It goes on as long as it adds nothing to them.
    const more = await idly(new Driver(body, carrying(10_001)))
    expect(more.machine.continues).toBe(true)
    expect(carryOf(more)).toMatchObject({ undos: { length: 10_001 } })
  })

  it('are the children that stop with the run, up to 10,000', async () => {
    const body: Body = async (run, input) => {
      for (let child = 0; child < Number(input); child++) run.start(call('notify'), { onCancel: 'cancel' })
      if (input !== 1) return run.continueAs(Number(input) === 10_000 ? 5 : 1)
      return run.sleep('1h')
    }
    const first = new Driver(body, { input: 10_000 })
    await first.start()
    const second = nextOf(first)
    await second.start()
    const third = nextOf(second)
    await third.start()
    const stops = opsOf(await third.cancel()).filter((op) => op.startsWith('stop'))
    expect(stops).toHaveLength(10_001)
    expect([stops[0], stops.at(-2), stops.at(-1)]).toEqual([
      'stop r1~notify.5',
      'stop r1~1~notify.4',
      'stop r1~2~notify.0',
    ])
    await expectRepeats(third)
  })
})
