import { describe, expect, it } from 'vitest'
import {
  BEGIN,
  Driver,
  aSignal,
  anEvent,
  call,
  commandsOf,
  linesOf,
  replay,
  type Body,
} from '../../test/core/machine-driver.ts'
import { expectRepeats } from '../../test/core/repeats.ts'
import { BugError, TerminalError, fault } from './errors.ts'
import { CallError } from './failure.ts'
import type { Delivered } from './journal.ts'

describe('a run', () => {
  it('gets its input, does its work turn by turn, and ends with its output', async () => {
    const body: Body = async (run, input) => {
      const charged = (await run.call(call('payment.charge', input))) as { readonly receipt: string }
      await run.sleep('1h')
      return { receipt: charged.receipt }
    }
    const driver = new Driver(body, { input: { amount: 5 } })
    expect(await driver.start()).toEqual({
      kind: 'open',
      commands: [{ kind: 'call', op: 'payment.charge#0', call: 'payment.charge', input: '{"amount":5}' }],
    })
    expect(await driver.done('payment.charge#0', { receipt: 'r-1' })).toEqual({
      kind: 'open',
      commands: [{ kind: 'sleep', op: 'sleep#0', due: BEGIN + 1000 + 3_600_000 }],
    })
    expect(await driver.timer('sleep#0')).toEqual({
      kind: 'ended',
      status: 'completed',
      commands: [{ kind: 'end', output: '{"receipt":"r-1"}' }],
    })
    expect(driver.machine.settled).toBe(true)
    await expectRepeats(driver)
  })

  it('that returns nothing has no output', async () => {
    const driver = new Driver(async () => {})
    expect(await driver.start()).toEqual({
      kind: 'ended',
      status: 'completed',
      commands: [{ kind: 'end', output: undefined }],
    })
    await expectRepeats(driver)
  })

  it('gets every answer as it was stored, and a copy of its own', async () => {
    const seen: unknown[] = []
    const driver = new Driver(async (run) => {
      const [one, other] = await Promise.all([run.step('a', () => {}), run.step('b', () => {})])
      seen.push(one, other)
    })
    await driver.start()
    const answer = { at: new Date(0), none: undefined }
    await driver.done('a#0', answer)
    await driver.done('b#0')
    expect(seen).toEqual([{ at: '1970-01-01T00:00:00.000Z' }, undefined])
    expect(seen[0]).not.toBe(answer)
  })

  it('goes on by one delivery a turn, so that the first of two decides a race', async () => {
    const driver = new Driver((run) =>
      Promise.race([run.sleep('1h').then(() => 'time'), run.step('a', () => {}).then(() => 'step')]),
    )
    await driver.start()
    expect(commandsOf(await driver.done('a#0'))).toEqual([{ kind: 'end', output: '"step"' }])
    await expectRepeats(driver)
  })
})

describe('a call that failed', () => {
  const failures: Body = async (run) => {
    const works = [
      run.call(call('payment.charge')),
      run.step('fetch-rate', () => {}),
      run.call(call('ship')),
      run.start(call('notify')).result(),
    ]
    const settled = await Promise.allSettled(works)
    return settled.map((one) => {
      const error = (one as PromiseRejectedResult).reason as CallError
      return [error instanceof CallError, error.code, error.message]
    })
  }

  it('rejects with what failed: the operation, the step, the child', async () => {
    const driver = new Driver(failures)
    await driver.start()
    for (const op of ['payment.charge#0', 'fetch-rate#0', 'ship#0']) await driver.failed(op, 'X', 'no')
    const closed = await driver.failed('join:notify#0', 'X', 'no')
    expect(commandsOf(closed)).toEqual([
      {
        kind: 'end',
        output: JSON.stringify([
          [true, 'CALL_FAILED', 'payment.charge failed: no'],
          [true, 'CALL_FAILED', 'fetch-rate#0 failed: no'],
          [true, 'CHILD_FAILED', 'The run "r1~ship.0" ended as X: no'],
          [true, 'CHILD_FAILED', 'The run "r1~notify.0" ended as X: no'],
        ]),
      },
    ])
    await expectRepeats(driver)
  })

  it('of which nobody took notice disturbs nothing', async () => {
    const driver = new Driver(async (run) => {
      void run.call(call('payment.charge'))
      await run.sleep('1s')
    })
    await driver.start()
    expect(await driver.failed('payment.charge#0')).toEqual({ kind: 'open', commands: [] })
    expect((await driver.timer('sleep#0')).kind).toBe('ended')
  })
})

describe('a body that throws', () => {
  const thrown = async (error: unknown): Promise<unknown> => {
    const driver = new Driver(async (run) => {
      await run.sleep('1s')
      throw error
    })
    await driver.start()
    const closed = await driver.timer('sleep#0')
    if (closed.kind !== 'threw') await expectRepeats(driver)
    return closed
  }
  const failed = new CallError('CALL_FAILED', 'payment.charge', { code: 'X', message: 'no' })

  it.each<[string, unknown, string, string]>([
    ['a terminal error', new TerminalError('we do not ship there'), 'TERMINAL', 'we do not ship there'],
    ['the failure of a call', failed, 'CALL_FAILED', 'payment.charge failed: no'],
    ['several failures of calls', new AggregateError([failed, failed]), 'CALL_FAILED', 'payment.charge failed: no'],
  ])('%s fails', async (_name, error, code, message) => {
    expect(await thrown(error)).toEqual({
      kind: 'ended',
      status: 'failed',
      commands: [{ kind: 'fail', error: { code, message } }],
    })
  })

  it.each<[string, unknown, string]>([
    ['an error', new TypeError('x is not a function'), 'TypeError: x is not a function'],
    [
      'an error of ours',
      fault('INPUT_INVALID', { what: 'it', path: 'a', problem: 'no' }),
      'INPUT_INVALID: it is not valid at a: no.',
    ],
    [
      'a failure beside an error',
      new AggregateError([failed, new Error('x')], 'both'),
      `AggregateError: both: ${failed.message}; x`,
    ],
    ['a text', 'words', 'THROWN: words'],
    ['nothing', undefined, 'THROWN: undefined'],
  ])('%s has a fault in its code', async (_name, error, words) => {
    expect(await thrown(error)).toMatchObject({
      kind: 'threw',
      error: { code: 'RUN_THREW', message: `The code of the run "r1" threw ${words}` },
    })
  })

  it('before it awaits anything, even without a promise', async () => {
    const driver = new Driver(() => {
      throw new TerminalError('at once')
    })
    expect(await driver.start()).toMatchObject({ kind: 'ended', status: 'failed' })
    await expectRepeats(driver)
  })

  it('fails with the failure of any call that it lets pass', async () => {
    const driver = new Driver((run) => Promise.any([run.step('a', () => {}), run.step('b', () => {})]))
    await driver.start()
    expect((await driver.failed('a#0')).kind).toBe('open')
    expect(await driver.failed('b#0', 'TERMINAL', 'never')).toMatchObject({ kind: 'ended', status: 'failed' })
    await expectRepeats(driver)
  })
})

describe('an output', () => {
  const checkOutput = (output: unknown): unknown => {
    if (output === 'wrong') throw fault('INPUT_INVALID', { what: 'the output', path: 'the top', problem: 'no' })
    return output === undefined ? 'by default' : Number(output)
  }

  it.each<[string, unknown, string]>([
    ['that its schema refuses', 'wrong', 'INPUT_INVALID: the output is not valid at the top: no.'],
    [
      'that is no JSON',
      1n,
      'VALUE_NOT_JSON: the output of the run "r1" cannot be stored as JSON: Do not know how to serialize a BigInt.',
    ],
  ])('%s is a fault in the code', async (_name, output, words) => {
    const setting = output === 1n ? {} : { contracts: { checkOutput } }
    expect(await new Driver(async () => output, setting).start()).toMatchObject({
      kind: 'threw',
      error: { message: `The code of the run "r1" threw ${words}` },
    })
  })

  it.each<[unknown, string]>([
    ['5', '[{"kind":"end","output":5,"raw":"5"}]'],
    [undefined, '[{"kind":"end","output":"by default","raw":null}]'],
    [7, '[{"kind":"end","output":7}]'],
  ])('%j is stored as its schema makes it, and repeats', async (output, line) => {
    const driver = new Driver(async () => output, { contracts: { checkOutput } })
    await driver.start()
    expect(linesOf(driver)).toEqual([line])
    const again = await replay(driver)
    expect(again.verdicts[0]?.kind).not.toBe('different')
    // A replay validates nothing: the schema may be another one by now.
    const refusing = { contracts: { checkOutput: () => checkOutput('wrong') } }
    expect((await replay(driver, driver.body, refusing)).verdicts[0]?.kind).not.toBe('different')
  })

  it('that is other than recorded is a difference', async () => {
    const driver = new Driver(async () => 5)
    await driver.start()
    expect((await replay(driver, async () => 6)).verdicts).toEqual([
      { kind: 'different', diff: '  - recorded end 5\n  + produced end 6' },
    ])
  })
})

describe('what a run takes', () => {
  const signal = (id: string): Delivered => ({ kind: 'signal', name: 'approve', id, payload: undefined })
  const event = (type: string, pos: number): Delivered => ({
    kind: 'event',
    type,
    pos,
    source: 'shop',
    id: `${pos}`,
    key: 'orderId:1',
    payload: '{}',
  })

  it('is an answer to what it waits for, once', async () => {
    const driver = new Driver(async (run) => {
      await Promise.all([run.step('a', () => {}), run.sleep('1s')])
      await run.step('b', () => {})
    })
    await driver.start()
    const { machine } = driver
    const answers = (op: string): Delivered[] => [
      { kind: 'done', op, payload: undefined },
      { kind: 'failed', op, error: { code: 'X', message: '' } },
      { kind: 'timer', op },
    ]
    expect(answers('a#0').map((one) => machine.accepts(one))).toEqual([true, true, true])
    expect(answers('b#0').map((one) => machine.accepts(one))).toEqual([false, false, false])
    await driver.done('a#0')
    expect(answers('a#0').map((one) => machine.accepts(one))).toEqual([false, false, false])
  })

  it('is a signal of each id once', async () => {
    const driver = new Driver((run) => run.sleep('1s'))
    await driver.start()
    expect(driver.machine.accepts(signal('1'))).toBe(true)
    await driver.signal('approve', undefined, '1')
    expect(driver.machine.accepts(signal('1'))).toBe(false)
    expect(driver.machine.accepts(signal('2'))).toBe(true)
  })

  it('is an event that it waits for and has not read', async () => {
    const driver = new Driver(async (run) => {
      await run.receive(anEvent('order.shipped'))
      await run.receive([aSignal('approve'), anEvent('order.shipped')])
    })
    await driver.start()
    const { machine } = driver
    expect(machine.accepts(event('order.shipped', 0))).toBe(true)
    expect(machine.accepts(event('order.created', 5))).toBe(false)
    await driver.event('order.shipped', 5)
    expect([4, 5, 6].map((pos) => machine.accepts(event('order.shipped', pos)))).toEqual([false, false, true])
    await driver.signal('approve')
    expect(machine.accepts(event('order.shipped', 6))).toBe(false)
  })

  it('is a start, a cancellation and a resumption', () => {
    const { machine } = new Driver(async () => {})
    expect(machine.accepts({ kind: 'start', seed: 1 })).toBe(true)
    expect(machine.accepts({ kind: 'cancel', by: 'ann', why: '' })).toBe(true)
    expect(machine.accepts({ kind: 'resume', of: 1 })).toBe(true)
    machine.deliver({ kind: 'start', seed: 1 }, 0, 0, null)
    expect(machine.accepts({ kind: 'start', seed: 1 })).toBe(false)
    expect(() => machine.accepts({ kind: 'other' } as never)).toThrow(BugError)
  })
})

describe('a broken rule of the engine', () => {
  const started = async (): Promise<Driver> => {
    const driver = new Driver((run) => run.sleep('1s'))
    await driver.start()
    return driver
  }

  it('is an answer to nothing', async () => {
    const { machine } = await started()
    expect(() => machine.deliver({ kind: 'done', op: 'x#0', payload: undefined }, 0, 1, null)).toThrow(
      'nothing waits for x#0',
    )
  })

  it('is a delivery inside a turn, and a turn that is closed twice', async () => {
    const { machine } = await started()
    expect(() => machine.close()).toThrow('a turn closed twice')
    machine.deliver({ kind: 'signal', name: 'a', id: '1', payload: undefined }, 0, 1, null)
    expect(() => machine.deliver({ kind: 'timer', op: 'sleep#0' }, 0, 2, null)).toThrow('a delivery inside a turn')
  })

  it.each<[string, Delivered]>([
    ['a machine is not given resume', { kind: 'resume', of: 1 }],
    ['unexpected {"kind":"other"}', { kind: 'other' } as never],
  ])('%s', async (problem, delivered) => {
    const { machine } = await started()
    expect(() => machine.deliver(delivered, 0, 1, null)).toThrow(`A rule of the engine was broken: ${problem}.`)
  })
})
