import { describe, expect, it } from 'vitest'
import {
  BEGIN,
  Driver,
  aSignal,
  anEvent,
  call,
  commandsOf,
  linesOf,
  opsOf,
  replay,
  type Body,
} from '../../test/core/machine-driver.ts'
import { expectRepeats } from '../../test/core/repeats.ts'
import { fault } from './errors.ts'
import type { Surface } from './surface.ts'

const approve = aSignal('approve')
const reject = aSignal('reject')
const shipped = anEvent('order.shipped')
const closed = anEvent('order.closed')
/** Waits in a turn of its own, so that signals come before somebody asks for them. */
const later = async (run: Surface, work: () => Promise<unknown>): Promise<unknown> => {
  await run.sleep('1s')
  return work()
}
const output = (driver: Driver): unknown => {
  const line = JSON.parse(linesOf(driver).at(-1) as string) as readonly {
    readonly kind: string
    readonly output?: unknown
  }[]
  return line.at(-1)?.kind === 'end' ? line.at(-1)?.output : 'it has not ended'
}

describe('a signal', () => {
  it('answers the wait for it', async () => {
    const driver = new Driver((run) => run.receive(approve))
    expect(commandsOf(await driver.start())).toEqual([{ kind: 'wait', op: 'receive#0', names: ['signal:approve'] }])
    expect(await driver.signal('reject')).toEqual({ kind: 'open', commands: [] })
    await driver.signal('approve', { by: 'ann' })
    expect(output(driver)).toEqual({ kind: 'signal', type: 'approve', data: { by: 'ann' } })
    await expectRepeats(driver)
  })

  it('without data has none', async () => {
    const driver = new Driver(async (run) => Object.entries((await run.receive(approve)) as object))
    await driver.start()
    await driver.signal('approve')
    expect(output(driver)).toEqual([
      ['kind', 'signal'],
      ['type', 'approve'],
      ['data', null],
    ])
  })

  it('waits in order until somebody asks, and is then there at once', async () => {
    const body: Body = (run) =>
      later(run, async () => [
        await run.receive(reject),
        await run.receive([approve, reject]),
        await run.receive(approve, { within: '1s' }),
        await run.receive(approve),
      ])
    const driver = new Driver(body)
    await driver.start()
    for (const [name, data] of [
      ['approve', 1],
      ['reject', 2],
      ['approve', 3],
    ] as const)
      await driver.signal(name, data)
    // Three are taken without a wait; the fourth has to wait.
    expect(commandsOf(await driver.timer('sleep#0'))).toEqual([
      { kind: 'wait', op: 'receive#0', names: ['signal:approve'] },
    ])
    await driver.signal('approve', 4)
    expect((output(driver) as { readonly data: number }[]).map(({ data }) => data)).toEqual([2, 1, 3, 4])
    await expectRepeats(driver)
  })

  it('answers all that wait for it, alone or among others, and is kept for none after them', async () => {
    const body: Body = async (run) => {
      const first = await Promise.all([
        run.receive(approve),
        run.receive([reject, approve]),
        run.receive(approve, { within: '1h' }),
      ])
      return [first, await run.receive(approve, { within: '2h' })]
    }
    const driver = new Driver(body)
    await driver.start()
    expect(driver.waits).toEqual(['receive#0', 'receive#1', 'receive#2'])
    const turn = await driver.signal('approve', 'all')
    expect(opsOf(turn)).toEqual(['wait receive#3'])
    await driver.timer('receive#3')
    const value = { kind: 'signal', type: 'approve', data: 'all' }
    expect(output(driver)).toEqual([[value, value, value], null])
    await expectRepeats(driver)
  })

  it('given to several is a copy for each', async () => {
    const seen: unknown[] = []
    const driver = new Driver(async (run) => {
      seen.push(...(await Promise.all([run.receive(approve), run.receive([approve, reject])])))
    })
    await driver.start()
    await driver.signal('approve', {})
    expect(seen[0]).toEqual(seen[1])
    expect(seen[0]).not.toBe(seen[1])
  })
})

describe('a wait', () => {
  it('for nothing is refused', async () => {
    const driver = new Driver((run) => run.receive([]).catch((error: unknown) => (error as { code: string }).code))
    await driver.start()
    expect(output(driver)).toBe('DEFINITION_INVALID')
  })

  it('for the same again is the same while it is pending', async () => {
    const same: boolean[] = []
    const body: Body = async (run) => {
      const one = run.receive([approve, reject])
      same.push(one === run.receive([reject, approve]), one === run.receive(approve))
      await one
      same.push(one === run.receive([approve, reject]))
      await run.sleep('1s')
    }
    const driver = new Driver(body)
    expect(opsOf(await driver.start())).toEqual(['wait receive#0', 'wait receive#1'])
    expect(opsOf(await driver.signal('approve'))).toEqual(['wait receive#2', 'sleep sleep#0'])
    expect(same).toEqual([true, false, false])
    await expectRepeats(driver)
  })

  it('that lost its race and is asked for again loses no signal', async () => {
    const driver = new Driver(async (run) => {
      for (let round = 0; ; round++) {
        const first = await Promise.race([run.receive(approve), run.sleep('1h')])
        if (first !== undefined) return [round, first]
      }
    })
    await driver.start()
    await driver.timer('sleep#0')
    await driver.timer('sleep#1')
    expect(driver.waits).toEqual(['receive#0', 'sleep#2'])
    await driver.signal('approve', 'at last')
    expect(output(driver)).toEqual([2, { kind: 'signal', type: 'approve', data: 'at last' }])
    await expectRepeats(driver)
  })

  it('within a time ends with null, and its signal stays for the next', async () => {
    const driver = new Driver(async (run) => {
      const first = await run.receive(approve, { within: '2s' })
      await run.sleep('1s')
      return [first, await run.receive(approve)]
    })
    expect(commandsOf(await driver.start())).toEqual([
      { kind: 'wait', op: 'receive#0', names: ['signal:approve'], due: BEGIN + 2000 },
    ])
    await driver.timer('receive#0')
    await driver.signal('approve', 'late')
    await driver.timer('sleep#0')
    expect(output(driver)).toEqual([null, { kind: 'signal', type: 'approve', data: 'late' }])
    await expectRepeats(driver)
  })

  it('that was answered in time releases its timer, in that turn only', async () => {
    const driver = new Driver(async (run) => {
      await Promise.all([run.receive(approve, { within: '2s' }), run.receive(approve)])
      await run.sleep('1s')
    })
    await driver.start()
    expect(driver.machine.released).toEqual([])
    await driver.signal('approve')
    expect(driver.machine.released).toEqual([{ op: 'receive#0', due: BEGIN + 2000 }])
    expect(driver.machine.accepts({ kind: 'timer', op: 'receive#0' })).toBe(false)
    await driver.timer('sleep#0')
    expect(driver.machine.released).toEqual([])
  })

  it('of a replay has the end that was recorded, however the code has changed', async () => {
    const body =
      (within: '1h' | '2h'): Body =>
      async (run) => {
        await Promise.all([run.receive(approve, { within }), run.sleep(within)])
      }
    const driver = new Driver(body('1h'))
    await driver.start()
    const again = await replay(driver, body('2h'))
    expect(again.verdicts).toMatchObject([{ kind: 'recorded' }])
    const dues = [...again.driver.machine.pending.values()].map(({ command }) => 'due' in command && command.due)
    expect(dues).toEqual([BEGIN + 3_600_000, BEGIN + 3_600_000])
  })

  it('for what the workflow cannot get is refused, before anything is taken', async () => {
    const contracts = {
      checkReceivable: ({ type }: { readonly type: string }) => {
        if (type === 'reject') throw fault('SIGNAL_UNKNOWN', { what: 'it', type, nearest: '' })
      },
    }
    const body: Body = (run) =>
      later(run, async () => [
        await run.receive([approve, reject]).catch((error: Error) => error.message),
        await run.receive(approve, { within: 'soon' as '1s' }),
      ])
    const driver = new Driver(body, { contracts })
    await driver.start()
    await driver.signal('approve', 1)
    await driver.timer('sleep#0')
    expect(output(driver)).toEqual([
      'it does not take the signal "reject".',
      { kind: 'signal', type: 'approve', data: 1 },
    ])
  })
})

describe('an event', () => {
  it('answers the wait for its type, with its key', async () => {
    const driver = new Driver((run) => run.receive(shipped))
    expect(commandsOf(await driver.start())).toEqual([
      { kind: 'wait', op: 'receive#0', names: ['event:order.shipped'] },
    ])
    expect(driver.machine.waitsFor('event:order.shipped')).toBe(true)
    expect(driver.machine.waitsFor('signal:order.shipped')).toBe(false)
    await driver.event('order.shipped', 5, { tracking: 'x' })
    expect(output(driver)).toEqual({
      kind: 'event',
      type: 'order.shipped',
      key: 'orderId:8841',
      data: { tracking: 'x' },
    })
    await expectRepeats(driver)
  })

  it('is read once and in order; each type has a place of its own in the log', async () => {
    const driver = new Driver(async (run) => {
      const types: unknown[] = []
      for (let round = 0; round < 3; round++)
        types.push(((await run.receive([shipped, closed])) as { readonly data: unknown }).data)
      return types
    })
    await driver.start()
    await driver.event('order.closed', 9, 'closed at 9')
    await driver.event('order.shipped', 5, 'shipped at 5')
    await expect(driver.event('order.shipped', 5)).rejects.toThrow('not accepted')
    await expect(driver.event('order.closed', 8)).rejects.toThrow('not accepted')
    await driver.event('order.shipped', 6, 'shipped at 6')
    expect(output(driver)).toEqual(['closed at 9', 'shipped at 5', 'shipped at 6'])
    await expectRepeats(driver)
  })

  it('or a signal: whichever comes first', async () => {
    const body: Body = async (run) => {
      const first = await run.receive([shipped, aSignal('cancel')], { within: '2d' })
      await run.call(call('notify.send'))
      return first
    }
    const byEvent = new Driver(body)
    expect(commandsOf(await byEvent.start())).toMatchObject([{ names: ['event:order.shipped', 'signal:cancel'] }])
    await byEvent.event('order.shipped', 3)
    await byEvent.done('notify.send#0')
    expect(output(byEvent)).toMatchObject({ kind: 'event' })
    const bySignal = new Driver(body)
    await bySignal.start()
    await bySignal.signal('cancel')
    await bySignal.done('notify.send#0')
    expect(output(bySignal)).toMatchObject({ kind: 'signal' })
    await expectRepeats(byEvent)
    await expectRepeats(bySignal)
  })
})
