// A run that goes on as a new generation, and when it cannot.
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
import { answer, expectRepeats, outputOf } from '../../test/core/repeats.ts'
import { TerminalError, fault, type BalletError } from './errors.ts'
import type { Surface } from './surface.ts'
import type { CallValue } from './values.ts'

const reserve = (run: Surface, name: string): Promise<unknown> =>
  run.call(call(`${name}.do`), { undo: call(`${name}.undo`) })
const wordsOf = ({ code, message }: BalletError): string => `${code} ${message}`
const nothing = { mail: { signals: [], seen: [], cursors: [] }, undos: [] }

describe('a run that continues', () => {
  it('takes the new way of changed code from its next generation on, also where the one before had passed with the old', async () => {
    const before: Body = async (run) => {
      await run.step('a', () => {})
      await run.step('old', () => {})
      await run.continueAs(null)
    }
    const patched: Body = async (run) => {
      await run.step('a', () => {})
      await run.step(run.patched('v2') ? 'mended' : 'old', () => {})
      await run.continueAs(null)
    }
    const driver = new Driver(before)
    await driver.start()
    await driver.done('a#0')
    const { driver: first } = await replay(driver, patched)
    expect(first.waits).toEqual(['old#0'])
    await driver.done('old#0')
    const next = nextOf(driver, patched)
    await next.start()
    expect(opsOf(await next.done('a#0'))).toEqual(['patch', 'step mended#0'])
    await expectRepeats(next)
  })

  it('ends its generation with the input of the next, and does nothing more', async () => {
    const after: string[] = []
    const driver = new Driver(async (run) => {
      await run.step('s', () => {})
      run.set({ round: 1 })
      try {
        return await run.continueAs({ round: 2 })
      } finally {
        after.push('after')
      }
    })
    await driver.start()
    expect(await driver.done('s#0')).toEqual({
      kind: 'ended',
      status: 'continued',
      commands: [
        { kind: 'set', state: '{"round":1}' },
        { kind: 'continue', input: '{"round":2}', carry: JSON.stringify({ ...nothing, state: { round: 1 } }) },
      ],
    })
    expect([after, driver.machine.settled, driver.machine.continues]).toEqual([[], false, true])
    await expectRepeats(driver)
    // What its schema makes of the input is kept beside what was given, and in a replay it is asked nothing.
    const contracts = { checkContinue: () => ({ round: 2, by: 'default' }) }
    const made = new Driver((run) => run.continueAs({ round: 2 }), { contracts })
    await made.start()
    expect(linesOf(made)[0]).toContain('"input":{"round":2,"by":"default"},"raw":{"round":2}')
    const refuse = (): never => expect.unreachable('validated again')
    expect((await replay(made, made.body, { contracts: { checkContinue: refuse } })).verdicts).toMatchObject([
      { kind: 'recorded' },
    ])
  })

  it('lets its sleeps and waits go, for the end of a child too, and its other branches do nothing more', async () => {
    const driver = new Driver(async (run) => {
      const branch = async (): Promise<void> => {
        await run.step('s', () => {})
        await run.step('more', () => {})
      }
      void run.sleep('1h')
      void run.receive(aSignal('approve'))
      void run.receive([aSignal('stop'), anEvent('order.closed')], { within: '1h' })
      void run.start(call('ship')).result()
      await branch().then(
        () => {},
        () => {},
      )
      await Promise.all([run.continueAs(null), run.sleep('1s'), branch()])
    })
    await driver.start()
    await driver.done('s#0')
    expect(opsOf(await driver.done('more#0'))).toEqual(['continue'])
    await expectRepeats(driver)
  })

  it('has continued, whatever its code does in that turn', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      void run.continueAs(null)
      void run.continueAs('again')
      void run.undo()
      run.set('late')
      throw new TerminalError('too late')
    })
    await driver.start()
    expect(opsOf(await driver.done('a.do#0'))).toEqual(['continue'])
    await expectRepeats(driver)
    const returning = new Driver(async (run) => {
      const abort = new AbortController()
      run.call(call('lost.do'), { undo: call('lost.undo'), abort: abort.signal }).catch(() => {})
      abort.abort()
      await run.sleep('1s')
      void run.continueAs(1)
      return 'done'
    })
    await returning.start()
    await returning.done('lost.do#0')
    // What was given up is handed on, and not taken back here too.
    expect(opsOf(await returning.timer('sleep#0'))).toEqual(['continue'])
    await expectRepeats(returning)
  })

  it('counts its names from the beginning, under keys and children of its generation', async () => {
    const body: Body = async (run, input) => {
      await run.call(call('a.do'))
      const { id } = run.start(call('notify'))
      return input === 2 ? id : run.continueAs(Number(input) + 1)
    }
    let driver = new Driver(body, { input: 0 })
    for (const id of ['r1~notify.0', 'r1~1~notify.0', 'r1~2~notify.0']) {
      await driver.start()
      expect(opsOf(await driver.done('a.do#0'))[0]).toBe('child notify#0')
      expect(linesOf(driver).at(-1)).toContain(`"run":"${id}"`)
      await expectRepeats(driver)
      if (id !== 'r1~2~notify.0') driver = nextOf(driver)
    }
    expect(outputOf(driver)).toBe('r1~2~notify.0')
  })
})

describe('a run that has given something up', () => {
  it.each<[string, string, (run: Surface, abort: AbortSignal) => Promise<unknown>]>([
    ['a call with an undo', 'a.do#0', (run, abort) => run.call(call('a.do'), { undo: call('a.undo'), abort })],
    ['a child', 'ship#0', (run, abort) => run.call(call('ship'), { abort })],
  ])('continues when it is known what became of %s', async (_name, op, work) => {
    const driver = new Driver(async (run) => {
      const abort = new AbortController()
      work(run, abort.signal).catch(() => {})
      abort.abort()
      await run.continueAs(1)
    })
    expect(await driver.start()).toMatchObject({ kind: 'open' })
    expect(await driver.done(op)).toMatchObject({ kind: 'ended', status: 'continued' })
    expect(linesOf(driver).at(-1)?.includes('"lost":true')).toBe(op !== 'ship#0')
    await expectRepeats(driver)
  })

  it('ends as cancelled when it is asked to stop while it waits for that', async () => {
    const driver = new Driver(async (run) => {
      const abort = new AbortController()
      run.call(call('a.do'), { undo: call('a.undo'), abort: abort.signal }).catch(() => {})
      abort.abort()
      await run.continueAs(1)
    })
    await driver.start()
    await driver.cancel()
    await answer(driver, 'a.do#0')
    expect(await driver.done('undo:a.do#0')).toMatchObject({ kind: 'ended', status: 'cancelled' })
    await expectRepeats(driver)
  })
})

describe('a run cannot continue', () => {
  const refusal = async (body: Body, ...ops: readonly string[]): Promise<unknown> => {
    const driver = new Driver(async (run, input) => {
      try {
        await body(run, input)
      } catch (error) {
        return wordsOf(error as BalletError)
      }
      return 'not refused'
    })
    await driver.start()
    await answer(driver, ...ops)
    await expectRepeats(driver)
    return outputOf(driver)
  }
  const busy = (op: string): string =>
    `CONTINUE_REFUSED the run "r1" cannot continue as a new generation: ${op} is under way.`

  it.each<[string, string, (run: Surface) => unknown]>([
    ['a call', 'a.do#0', (run) => run.call(call('a.do'))],
    ['a step', 's#0', (run) => run.step('s', () => {})],
    ['a child', 'ship#0', (run) => run.call(call('ship'), { onCancel: 'leave' })],
  ])('while %s is under way', async (_name, op, work) => {
    expect(
      await refusal(async (run) => {
        void run.sleep('1h')
        work(run)
        await run.continueAs(1)
      }),
    ).toBe(busy(op))
  })

  it.each<[string, string, () => CallValue]>([
    ['a call', 'a.do#0', () => call('a.do')],
    ['a child', 'ship#0', () => call('ship')],
  ])('while %s beside what was given up is under way', async (_name, op, make) => {
    const driver = new Driver(async (run) => {
      const abort = new AbortController()
      run.call(call('b.do'), { undo: call('b.undo'), abort: abort.signal }).catch(() => {})
      abort.abort()
      const again = run.continueAs(1).catch(wordsOf)
      void run.call(make())
      return again
    })
    await driver.start()
    await answer(driver, 'b.do#0', op, 'undo:b.do#0')
    expect(outputOf(driver)).toBe(busy(op))
    await expectRepeats(driver)
  })

  it('while it takes back what it did', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      const undone = run.undo()
      const words = await run.continueAs(1).catch(wordsOf)
      await undone
      return words
    })
    await driver.start()
    await answer(driver, 'a.do#0', 'undo:a.do#0')
    expect(outputOf(driver)).toBe(
      'CONTINUE_REFUSED the run "r1" cannot continue as a new generation: it is taking back what it did.',
    )
    await expectRepeats(driver)
  })

  it('with an input that its schema refuses, or of another key', async () => {
    const checkContinue = (input: unknown, key: string | null): unknown => {
      if (input === 'wrong') throw fault('INPUT_INVALID', { what: 'it', path: '', problem: 'no' })
      if (key !== `orderId:${String(input)}`) throw fault('CONTINUE_REFUSED', { run: 'r1', problem: 'another key' })
      return input
    }
    const driver = new Driver(
      async (run) => {
        const told = [await run.continueAs('wrong').catch(wordsOf), await run.continueAs('8842').catch(wordsOf)]
        run.set(told)
        // A word in another payload of the turn is not taken for the command.
        await run.step('continue', () => {}, { id: 'continue' })
        run.set('continue')
        await run.continueAs('wrong').catch(() => run.sleep('1s'))
        return run.continueAs('8841')
      },
      { key: 'orderId:8841', contracts: { checkContinue } },
    )
    await driver.start()
    expect(driver.machine.state).toContain('["INPUT_INVALID it is not valid at : no.","CONTINUE_REFUSED r1')
    expect(opsOf(await driver.done('continue/continue'))).toEqual(['set', 'sleep sleep#0'])
    expect(await driver.timer('sleep#0')).toMatchObject({ status: 'continued' })
    await expectRepeats(driver)
  })

  it.each<[string, CallValue, string]>([
    ['does not take the call back', call('b.undo'), 'DEFINITION_INVALID The undo of a.do: no.'],
    ['has an input that is refused', call('a.undo', 'wrong'), 'INPUT_INVALID a.undo is not valid at : no.'],
    [
      'is no JSON',
      call('a.undo', 5n),
      'VALUE_NOT_JSON What the run carries cannot be stored as JSON: Do not know how to serialize a BigInt.',
    ],
  ])('with an undo that %s', async (_name, undo, words) => {
    const contracts = {
      checkUndo: (name: string, by: CallValue) => {
        if (by.name !== 'a.undo') throw fault('DEFINITION_INVALID', { what: `The undo of ${name}`, problem: 'no' })
      },
      checkInput: ({ name, input }: CallValue) => {
        if (input === 'wrong') throw fault('INPUT_INVALID', { what: name, path: '', problem: 'no' })
        return input
      },
    }
    const driver = new Driver(
      async (run) => {
        await run.call(call('a.do'), { undo })
        return run.continueAs(1).catch(wordsOf)
      },
      { contracts },
    )
    await driver.start()
    await driver.done('a.do#0')
    expect(outputOf(driver)).toBe(words)
    await expectRepeats(driver)
  })
})
