import { describe, expect, it } from 'vitest'
import { Driver, call, commandsOf, event, opsOf, replay, signal, type Body } from '../../test/core/machine-driver.ts'
import { expectRepeats } from '../../test/core/repeats.ts'
import type { CallSettings } from './contracts.ts'
import { fault, type BalletError } from './errors.ts'
import type { Command } from './journal.ts'
import type { StepWork } from './issue.ts'

/** The commands of the first turn of a body. */
async function firstTurn(
  body: Body,
  setting: ConstructorParameters<typeof Driver>[1] = {},
): Promise<readonly Command[]> {
  const driver = new Driver(body, setting)
  const commands = commandsOf(await driver.start())
  await expectRepeats(driver)
  return commands
}

/** The codes of what the calls of a body are refused with. */
async function refusals(
  body: (run: Parameters<Body>[0], note: (error: unknown) => void) => Promise<unknown>,
): Promise<string[]> {
  const codes: string[] = []
  const driver = new Driver(async (run) => {
    await body(run, (error) => codes.push((error as BalletError).code))
    await run.sleep('1s')
  })
  const closed = await driver.start()
  expect(opsOf(closed).at(-1)).toBe('sleep sleep#0')
  const first = [...codes]
  await expectRepeats(driver)
  return first
}

describe('ids', () => {
  it('count the calls of one name, whatever stands between them', async () => {
    const body: Body = (run) =>
      Promise.all([
        run.call(call('a.b')),
        run.step('s', () => {}),
        run.call(call('a.b')),
        run.call(call('a.c')),
        run.step('s', () => {}),
        run.sleep('1s'),
        run.sleep('2s'),
      ])
    const commands = await firstTurn(body)
    expect(commands.map((command) => 'op' in command && command.op)).toEqual([
      'a.b#0',
      's#0',
      'a.b#1',
      'a.c#0',
      's#1',
      'sleep#0',
      'sleep#1',
    ])
  })

  it('that are given do not count', async () => {
    const body: Body = (run) =>
      Promise.all([
        run.call(call('a.b'), { id: 'x' }),
        run.call(call('a.b')),
        run.call(call('a.c'), { id: 'x' }),
        run.step('s', () => {}, { id: 'x' }),
      ])
    const commands = await firstTurn(body)
    expect(commands.map((command) => 'op' in command && command.op)).toEqual(['a.b/x', 'a.b#0', 'a.c/x', 's/x'])
  })

  it('are refused when they are given twice, or are none', async () => {
    expect(
      await refusals(async (run, note) => {
        void run.call(call('a.b'), { id: 'x' })
        await run.call(call('a.b'), { id: 'x' }).catch(note)
        await run.step('a.b', () => {}, { id: 'x' }).catch(note)
        await run.call(call('a.b'), { id: 'x/y' }).catch(note)
        await run.step('s t', () => {}).catch(note)
        await run.step('', () => {}).catch(note)
        try {
          run.start(call('a.b'), { id: 'x' })
        } catch (error) {
          note(error)
        }
      }),
    ).toEqual(['OP_ID_REPEATED', 'OP_ID_REPEATED', 'ID_INVALID', 'ID_INVALID', 'ID_INVALID', 'OP_ID_REPEATED'])
  })

  it('of steps never equal those that the engine makes', async () => {
    expect(
      await refusals(async (run, note) => {
        await run.step('undo:a.b', () => {}).catch(note)
        await run.step('join:a', () => {}, { id: 'x' }).catch(note)
      }),
    ).toEqual(['ID_INVALID', 'ID_INVALID'])
    const body: Body = (run) => {
      run.emit(event('order.paid'))
      return Promise.all([
        run.step('emit:order.paid', () => {}),
        run.step('sleep', () => {}),
        run.sleep('1s'),
        run.step('undo', () => {}),
      ])
    }
    const ops = (await firstTurn(body)).map((command) => 'op' in command && command.op)
    expect(ops).toEqual(['emit:order.paid#0', 'emit:order.paid#1', 'sleep#0', 'sleep#1', 'undo#0'])
  })
})

describe('a call', () => {
  it('of an operation is a call, of a workflow a child', async () => {
    const body: Body = (run) =>
      Promise.all([run.call(call('payment.charge', { amount: 5 })), run.call(call('ship', [1]), { id: 'x' })])
    expect(await firstTurn(body)).toEqual([
      { kind: 'call', op: 'payment.charge#0', call: 'payment.charge', input: '{"amount":5}' },
      { kind: 'child', op: 'ship/x', run: 'r1~ship~x', call: 'ship', input: '[1]', wait: true },
    ])
  })

  it('says so when its outcome is published, and when it has an undo', async () => {
    const body: Body = (run) =>
      Promise.all([
        run.call(call('a.b'), { publish: true, undo: call('a.c') }),
        run.call(call('a.b'), { publish: false }),
        run.step('s', () => {}, { undo: () => null }),
        run.call(call('ship'), { undo: call('unship') }),
      ])
    const [first, second, third, fourth] = await firstTurn(body)
    expect(first).toMatchObject({ publish: true, undo: true })
    expect(second).not.toHaveProperty('publish')
    expect(second).not.toHaveProperty('undo')
    expect(third).toEqual({ kind: 'step', op: 's#0', undo: true })
    expect(fourth).toMatchObject({ kind: 'child', undo: true })
  })

  it('makes a transaction a step, whose body is given to whoever does it once', async () => {
    const calls: unknown[] = []
    const once = (...given: readonly unknown[]): string => (calls.push(given), 'done')
    const reserve = (): void => {}
    const driver = new Driver((run) => run.tx('reserve', once, reserve, { id: 'x' }))
    expect(opsOf(await driver.start())).toEqual(['step reserve/x'])
    const work = driver.machine.pending.get('reserve/x')?.work as StepWork | undefined
    expect(work?.body('the context' as never)).toBe('done')
    expect(calls).toEqual([['the context', reserve]])
    await expectRepeats(driver)
  })

  it('hands its settings to the engine, a step its body too', async () => {
    const settings: CallSettings = { retry: { attempts: 2 }, timeout: '5s' }
    const work = (): number => 5
    const driver = new Driver((run) =>
      Promise.all([run.call(call('a.b'), settings), run.step('s', work, settings), run.call(call('ship'))]),
    )
    await driver.start()
    expect(driver.machine.pending.get('a.b#0')?.work).toBe(settings)
    expect(driver.machine.pending.get('s#0')?.work).toEqual({ body: work, settings } satisfies StepWork)
    expect(driver.machine.pending.get('ship#0')?.work).toBeUndefined()
  })

  it('without an input gets null', async () => {
    const commands = await firstTurn((run) => run.call({ ...call('a.b'), input: undefined }))
    expect(commands).toEqual([{ kind: 'call', op: 'a.b#0', call: 'a.b', input: 'null' }])
  })

  it('that cannot be made is refused, and the run goes on', async () => {
    const contracts = {
      checkPolicy: (settings: CallSettings) => {
        if (settings.retry?.attempts === 0) throw fault('DEFINITION_INVALID')
      },
    }
    const codes: string[] = []
    const note = (error: BalletError): void => void codes.push(error.code)
    const body: Body = async (run) => {
      await run.call(call('a.b', 1n)).catch(note)
      await run.call(call('a.b'), { retry: { attempts: 0 } }).catch(note)
      await run.step('s', () => {}, { retry: { attempts: 0 } }).catch(note)
      await run.sleep('soon' as '1s').catch(note)
      await run.sleep('1s')
    }
    expect((await firstTurn(body, { contracts })).map((command) => 'op' in command && command.op)).toEqual(['sleep#1'])
    expect(codes.slice(0, 4)).toEqual([
      'VALUE_NOT_JSON',
      'DEFINITION_INVALID',
      'DEFINITION_INVALID',
      'DURATION_INVALID',
    ])
  })
})

describe('an input that its schema makes something else of', () => {
  const made = { amount: 5, currency: 'EUR' }
  const contracts = {
    checkInput: () => made,
    checkEvent: () => made,
    checkSignal: () => made,
  }
  const given = { amount: '5' }
  const body: Body = async (run) => {
    run.emit(event('order.paid', given))
    const child = run.start(call('notify', given))
    child.signal(signal('stop', given))
    await Promise.all([run.call(call('a.b', given)), run.call(call('ship', given))])
  }
  const both = { input: JSON.stringify(made), raw: JSON.stringify(given) }

  it('is kept beside what was given', async () => {
    const driver = new Driver(body, { contracts })
    expect(commandsOf(await driver.start())).toEqual([
      { kind: 'emit', op: 'emit:order.paid#0', type: 'order.paid', key: 'orderId:8841', ...both },
      { kind: 'child', op: 'notify#0', run: 'r1~notify.0', call: 'notify', ...both, wait: false },
      { kind: 'send', op: 'send:stop#0', run: 'r1~notify.0', name: 'stop', ...both },
      { kind: 'call', op: 'a.b#0', call: 'a.b', ...both },
      { kind: 'child', op: 'ship#0', run: 'r1~ship.0', call: 'ship', ...both, wait: true },
    ])
  })

  it('is not validated again in a replay: what was recorded holds', async () => {
    const driver = new Driver(body, { contracts })
    const commands = commandsOf(await driver.start())
    const refuse = (): never => {
      throw fault('INPUT_INVALID')
    }
    const refusing = { contracts: { checkInput: refuse, checkEvent: refuse, checkSignal: refuse } }
    const again = await replay(driver, body, refusing)
    expect(again.verdicts).toEqual([{ kind: 'recorded', commands }])
    expect(again.driver.machine.pending.get('a.b#0')?.command).toMatchObject(both)
    expect(again.driver.machine.pending.get('ship#0')?.command).toMatchObject(both)
  })

  it('is compared as it was given', async () => {
    const driver = new Driver(body, { contracts })
    await driver.start()
    const other: Body = (run) => {
      given.amount = '6'
      return body(run, null)
    }
    expect((await replay(driver, other, { contracts })).verdicts).toMatchObject([{ kind: 'different' }])
    given.amount = '5'
  })

  it('only in the order of its keys is kept once, as it was given', async () => {
    const reverse = (value: unknown): unknown => Object.fromEntries(Object.entries(value as object).reverse())
    const reversing = { contracts: { checkInput: ({ input }: { readonly input: unknown }) => reverse(input) } }
    expect(await firstTurn((run) => run.call(call('a.b', { b: 1, a: 2 })), reversing)).toEqual([
      { kind: 'call', op: 'a.b#0', call: 'a.b', input: '{"b":1,"a":2}' },
    ])
  })

  it('of the same length is not taken for the same', async () => {
    const boxed = { contracts: { checkInput: () => new Number(7) } }
    const driver = new Driver((run) => run.call(call('a.b', new Number(5))), boxed)
    expect(commandsOf(await driver.start())).toMatchObject([{ input: '7', raw: '5' }])
  })

  const refusing = {
    contracts: {
      checkInput: () => {
        throw fault('INPUT_INVALID', { what: 'it', path: 'amount', problem: 'no' })
      },
    },
  }

  it('is refused with its words when the schema refuses it, live and in a replay alike', async () => {
    const commands = await firstTurn(async (run) => {
      const words = await run.call(call('a.b')).catch((error: Error) => error.message)
      await run.step('s', () => {})
      return words
    }, refusing)
    expect(commands).toEqual([{ kind: 'step', op: 's#0' }])
  })

  it('is refused in a replay although its id stands in another payload of that turn', async () => {
    const commands = await firstTurn(async (run) => {
      run.set({ op: 'a.b#0' })
      await run.call(call('a.b')).catch(() => run.step('s', () => {}))
    }, refusing)
    expect(commands.map(({ kind }) => kind)).toEqual(['set', 'step'])
  })
})

describe('a child that is not waited for', () => {
  it('is started in the turn, and its result can be joined once', async () => {
    const driver = new Driver(async (run) => {
      const child = run.start(call('notify', { to: 'ann' }))
      await run.sleep('1s')
      const one = child.result()
      return [child.id, one === child.result(), await one]
    })
    expect(commandsOf(await driver.start())[0]).toEqual({
      kind: 'child',
      op: 'notify#0',
      run: 'r1~notify.0',
      call: 'notify',
      input: '{"to":"ann"}',
      wait: false,
    })
    expect(commandsOf(await driver.timer('sleep#0'))).toEqual([
      { kind: 'join', op: 'join:notify#0', run: 'r1~notify.0' },
    ])
    expect(commandsOf(await driver.done('join:notify#0', 'sent'))).toEqual([
      { kind: 'end', output: '["r1~notify.0",true,"sent"]' },
    ])
    await expectRepeats(driver)
  })

  it('may be an operation, has an id of its own, and gets signals', async () => {
    const body: Body = async (run) => {
      const child = run.start(call('notify.send'), { id: 'ann' })
      child.signal(signal('stop', { by: 'bob' }))
      child.signal(signal('stop', null))
      await run.sleep('1s')
    }
    expect((await firstTurn(body)).slice(0, 3)).toEqual([
      {
        kind: 'child',
        op: 'notify.send/ann',
        run: 'r1~notify.send~ann',
        call: 'notify.send',
        input: '{}',
        wait: false,
      },
      { kind: 'send', op: 'send:stop#0', run: 'r1~notify.send~ann', name: 'stop', input: '{"by":"bob"}' },
      { kind: 'send', op: 'send:stop#1', run: 'r1~notify.send~ann', name: 'stop', input: 'null' },
    ])
  })
})

describe('an event', () => {
  it('is emitted with the turn, with its key', async () => {
    const body: Body = async (run) => {
      run.emit(event('order.paid', { orderId: 'x', amount: 5 }, 'x'))
      run.emit(event('order.paid', { orderId: 'y' }, 'y'))
      run.emit(event('order.closed'))
    }
    expect(await firstTurn(body)).toEqual([
      {
        kind: 'emit',
        op: 'emit:order.paid#0',
        type: 'order.paid',
        key: 'orderId:x',
        input: '{"orderId":"x","amount":5}',
      },
      { kind: 'emit', op: 'emit:order.paid#1', type: 'order.paid', key: 'orderId:y', input: '{"orderId":"y"}' },
      { kind: 'emit', op: 'emit:order.closed#0', type: 'order.closed', key: 'orderId:8841', input: '{}' },
      { kind: 'end', output: undefined },
    ])
  })

  it('that is refused throws where it is emitted', async () => {
    const contracts = {
      checkEvent: () => {
        throw fault('EVENT_UNKNOWN', { type: 'order.payd', nearest: '' })
      },
    }
    const driver = new Driver(async (run) => run.emit(event('order.payd')), { contracts })
    expect(await driver.start()).toMatchObject({
      kind: 'threw',
      error: { message: 'The code of the run "r1" threw EVENT_UNKNOWN: There is no event "order.payd" here.' },
    })
  })
})
