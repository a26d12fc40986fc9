import { describe, expect, it } from 'vitest'
import { BEGIN, Driver, call, commandsOf, linesOf, opsOf, replay, type Body } from '../../test/core/machine-driver.ts'
import { expectRepeats } from '../../test/core/repeats.ts'
import { fault, type BalletError } from './errors.ts'

const output = (driver: Driver): unknown =>
  (JSON.parse(linesOf(driver).at(-1) as string) as { readonly output?: unknown }[]).at(-1)?.output

describe('patched', () => {
  /** The way before a change, and after it: one step, then another. */
  const old: Body = async (run) => {
    await run.step('a', () => {})
    await run.step('old', () => {})
    await run.step('b', () => {})
  }
  const patched: Body = async (run) => {
    await run.step('a', () => {})
    await run.step(run.patched('v2') ? 'mended' : 'old', () => {})
    await run.step('b', () => {})
  }

  it('is true for a run that comes there first with the new code, in every replay', async () => {
    const driver = new Driver(patched)
    await driver.start()
    expect(commandsOf(await driver.done('a#0'))).toEqual([
      { kind: 'patch', id: 'v2' },
      { kind: 'step', op: 'mended#0' },
    ])
    await driver.done('mended#0')
    await driver.done('b#0')
    await expectRepeats(driver)
  })

  it('is false for a run that has passed there with the old code', async () => {
    const driver = new Driver(old)
    await driver.start()
    await driver.done('a#0')
    await expectRepeats(driver, patched)
    expect(opsOf(await driver.done('old#0'))).toEqual(['step b#0'])
    await expectRepeats(driver, patched)
  })

  it('is true for a run that has not come there yet', async () => {
    const driver = new Driver(old)
    await driver.start()
    const { driver: again } = await replay(driver, patched)
    expect(opsOf(await again.done('a#0'))).toEqual(['patch', 'step mended#0'])
    await expectRepeats(again)
  })

  it('answers as at first, for each id, for the whole run', async () => {
    const loop: Body = async (run) => {
      const answers: boolean[] = []
      for (let round = 0; round < 2; round++) {
        await run.step('a', () => {})
        answers.push(run.patched('v2'), run.patched('v2'))
      }
      return [...answers, run.patched('v3')]
    }
    const before = new Driver(async (run) => {
      await run.step('a', () => {})
      await run.step('a', () => {})
    })
    await before.start()
    await before.done('a#0')
    const { driver: again, verdicts } = await replay(before, loop)
    expect(verdicts.map(({ kind }) => kind)).toEqual(['same', 'same'])
    await again.done('a#1')
    expect(output(again)).toEqual([false, false, false, false, true])
    await expectRepeats(again)
    const fresh = new Driver(loop)
    await fresh.start()
    await fresh.done('a#0')
    await fresh.done('a#1')
    expect(output(fresh)).toEqual([true, true, true, true, true])
    expect(linesOf(fresh).map((line) => line.includes('"patch"'))).toEqual([false, true, true])
    await expectRepeats(fresh)
  })

  it('of a second id is false where only the first has passed', async () => {
    const driver = new Driver(patched)
    await driver.start()
    expect(opsOf(await driver.done('a#0'))).toEqual(['patch', 'step mended#0'])
    const twice: Body = async (run) => {
      await run.step('a', () => {})
      await run.step(run.patched('v2') && !run.patched('v3') ? 'mended' : 'other', () => {})
      await run.step('b', () => {})
    }
    await expectRepeats(driver, twice)
  })

  it('may leave the code again when no run of the old way is left', async () => {
    const driver = new Driver(patched)
    await driver.start()
    await driver.done('a#0')
    const cleaned: Body = async (run) => {
      await run.step('a', () => {})
      await run.step('mended', () => {})
      await run.step('b', () => {})
    }
    expect((await replay(driver, cleaned)).verdicts.map(({ kind }) => kind)).toEqual(['same', 'recorded'])
  })

  it('is not answered by an input that looks like a patch', async () => {
    const input = [{ kind: 'patch', id: 'v2' }]
    const driver = new Driver((run) => run.call(call('a.b', input)))
    await driver.start()
    expect(linesOf(driver)[0]).toContain('{"kind":"patch","id":"v2"}')
    const guarded: Body = async (run) => {
      if (run.patched('v2')) await run.step('mended', () => {})
      await run.call(call('a.b', input))
    }
    await expectRepeats(driver, guarded)
  })

  it('is refused with an id that is none', async () => {
    const driver = new Driver(async (run) => run.patched('v 2'))
    expect(await driver.start()).toMatchObject({ kind: 'threw', error: { code: 'RUN_THREW' } })
  })
})

describe('time, chance and ids', () => {
  const body: Body = async (run) => {
    const draw = (): unknown => [run.now(), run.random(), run.uuid(), run.random(), run.uuid()]
    const first = draw()
    await run.sleep('1s')
    return [first, draw()]
  }
  const drawn = async (setting: ConstructorParameters<typeof Driver>[1]): Promise<readonly (readonly unknown[])[]> => {
    const driver = new Driver(body, setting)
    await driver.start()
    await driver.timer('sleep#0')
    await expectRepeats(driver)
    return output(driver) as readonly (readonly unknown[])[]
  }

  it('are of the turn, and the same in every replay', async () => {
    const [first = [], second = []] = await drawn({})
    expect([first[0], second[0]]).toEqual([new Date(BEGIN).toISOString(), new Date(BEGIN + 1000).toISOString()])
    expect(new Set([...first.slice(1), ...second.slice(1)]).size).toBe(8)
  })

  it.each([
    ['seed', { seed: 8 }],
    ['id, by chance with the same seed', { id: 'r2' }],
    ['store, by chance with the same seed', { store: 's2' }],
    ['generation, by chance with the same seed', { generation: 1 }],
  ])('are others in a run with another %s', async (_name, setting) => {
    const own = (await drawn({})).flatMap((turn) => turn.slice(1))
    const others = (await drawn(setting)).flatMap((turn) => turn.slice(1))
    expect(others.filter((one) => own.includes(one))).toEqual([])
  })
})

describe('the log', () => {
  const body: Body = async (run) => {
    run.log.info('begun')
    run.log.warn('slow', { ms: 5 })
    await run.sleep('1s')
    run.log.error('gone', 'x')
  }

  it('is written once, not again in a replay', async () => {
    const driver = new Driver(body)
    await driver.start()
    expect(driver.logs).toEqual([
      ['info', 'begun', undefined],
      ['warn', 'slow', '{"ms":5}'],
    ])
    const { driver: again } = await replay(driver)
    expect(again.logs).toEqual([])
    await again.timer('sleep#0')
    expect(again.logs).toEqual([['error', 'gone', '"x"']])
  })

  it('refuses what is no JSON, live and in a replay alike', async () => {
    const driver = new Driver(async (run) => {
      try {
        run.log.info('amount', 5n)
      } catch {
        await run.step('mended', () => {})
      }
    })
    expect(opsOf(await driver.start())).toEqual(['step mended#0'])
    expect(driver.logs).toEqual([])
    await expectRepeats(driver)
  })
})

describe('the state', () => {
  it('is what the schema makes of it, and is not validated again in a replay', async () => {
    const setting = { contracts: { checkState: (state: unknown) => ({ stage: state }) } }
    const body: Body = async (run) => {
      run.set('paid')
      run.set(undefined)
      await run.sleep('1s')
    }
    const driver = new Driver(body, setting)
    await driver.start()
    expect(linesOf(driver)).toEqual([
      `[{"kind":"set","state":{"stage":"paid"}},{"kind":"set","state":{}},{"kind":"sleep","op":"sleep#0","due":${BEGIN + 1000}}]`,
    ])
    const refusing = { contracts: { checkState: () => expect.unreachable('validated again') } }
    const { verdicts, driver: again } = await replay(driver, body, refusing)
    expect(verdicts).toEqual([{ kind: 'same' }])
    expect([driver.machine.state, again.machine.state]).toEqual(['{}', '{}'])
  })

  it('without a value is null', async () => {
    const driver = new Driver(async (run) => run.set(undefined))
    expect(commandsOf(await driver.start())).toEqual([
      { kind: 'set', state: 'null' },
      { kind: 'end', output: undefined },
    ])
    await expectRepeats(driver)
  })

  it('that is refused takes nothing from the next one of its turn in a replay', async () => {
    let refused: unknown = 'wrong'
    const checkState = (state: unknown): unknown => {
      if (state === refused) throw fault('INPUT_INVALID', { what: 'the state', path: 'the top', problem: 'no' })
      return { stage: state }
    }
    const body: Body = async (run) => {
      const told: string[] = []
      for (const state of ['wrong', 'wrong', 'paid', 'wrong', 'shipped', 'closed']) {
        try {
          run.set(state)
        } catch (error) {
          told.push(`${state} ${(error as BalletError).code}`)
        }
      }
      await run.sleep('1s')
      run.set('gone')
      return told
    }
    const driver = new Driver(body, { contracts: { checkState } })
    await driver.start()
    expect(linesOf(driver)[0]).toContain(
      '{"kind":"set","after":2,"state":{"stage":"paid"}},{"kind":"set","after":1,"state":{"stage":"shipped"}},' +
        '{"kind":"set","state":{"stage":"closed"}}',
    )
    await driver.timer('sleep#0')
    expect(output(driver)).toEqual(['wrong INPUT_INVALID', 'wrong INPUT_INVALID', 'wrong INPUT_INVALID'])
    await expectRepeats(driver)
    // Also where its schema lets it in by now: the code went on without it.
    refused = 'nothing'
    const { verdicts, driver: again } = await replay(driver, body, { contracts: { checkState } })
    expect(verdicts).toEqual([{ kind: 'same' }, { kind: 'same' }])
    expect(again.machine.state).toBe('{"stage":"gone"}')
  })

  it('that is refused is refused in a replay too', async () => {
    const checkState = (state: unknown): unknown => {
      if (state === 'wrong') throw fault('INPUT_INVALID')
      return state
    }
    const body: Body = async (run) => {
      const codes: unknown[] = []
      for (const state of ['paid', 'wrong', 'shipped', 'wrong']) {
        try {
          run.set(state)
        } catch (error) {
          codes.push((error as BalletError).code)
          await run.step('refused', () => {})
        }
      }
      return codes
    }
    const driver = new Driver(body, { contracts: { checkState } })
    expect(opsOf(await driver.start())).toEqual(['set', 'step refused#0'])
    expect(opsOf(await driver.done('refused#0'))).toEqual(['set', 'step refused#1'])
    await driver.done('refused#1')
    expect(output(driver)).toEqual(['INPUT_INVALID', 'INPUT_INVALID'])
    await expectRepeats(driver)
  })
})

describe('the other doors', () => {
  it('tell the id and key of the run', async () => {
    const driver = new Driver(async (run) => [run.id, run.key], { id: 'checkout:8841', key: 'orderId:8841' })
    await driver.start()
    expect(output(driver)).toEqual(['checkout:8841', 'orderId:8841'])
    const plain = new Driver(async (run) => run.key)
    await plain.start()
    expect(output(plain)).toBeNull()
  })

  it('shield just runs, with a run to do it by', async () => {
    const driver = new Driver((run) => run.shield(async (shielded) => [await shielded.step('a', () => {})]))
    await driver.start()
    await driver.done('a#0', 5)
    expect(output(driver)).toEqual([5])
    await expectRepeats(driver)
  })
})
