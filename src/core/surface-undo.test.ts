import { describe, expect, it } from 'vitest'
import { Driver, call, linesOf, opsOf, type Body } from '../../test/core/machine-driver.ts'
import { answer, expectRepeats } from '../../test/core/repeats.ts'
import { fault } from './errors.ts'
import type { CallError } from './failure.ts'
import type { Surface } from './surface.ts'

const reserve = (run: Surface, name: string): Promise<unknown> =>
  run.call(call(`${name}.do`), { undo: call(`${name}.undo`) })

describe('undo', () => {
  it('takes back in reverse order, one after the other, and the run goes on', async () => {
    const driver = new Driver(async (run) => {
      for (const name of ['a', 'b', 'c']) await reserve(run, name)
      await run.undo()
      return 'declined'
    })
    await driver.start()
    expect(await answer(driver, 'a.do#0', 'b.do#0', 'c.do#0')).toEqual([
      ['call b.do#0'],
      ['call c.do#0'],
      ['phase undoing', 'call undo:c.do#0'],
    ])
    expect(driver.machine.pending.get('undo:c.do#0')?.command).toEqual({
      kind: 'call',
      op: 'undo:c.do#0',
      call: 'c.undo',
      input: '{}',
      undoes: 'c.do#0',
    })
    expect(await answer(driver, 'undo:c.do#0', 'undo:b.do#0', 'undo:a.do#0')).toEqual([
      ['call undo:b.do#0'],
      ['call undo:a.do#0'],
      ['phase over', 'end'],
    ])
    await expectRepeats(driver)
  })

  it('asks a function with the outcome, and does nothing for null', async () => {
    const outcomes: unknown[] = []
    const undo = (name: string | null) => (outcome: unknown) => {
      outcomes.push(outcome)
      return name === null ? null : call(name, { outcome })
    }
    const driver = new Driver(async (run) => {
      await run.call(call('a.do'), { undo: undo('a.undo'), id: 'x' })
      await run.step('s', () => {}, { undo: undo(null) })
      await run.step('s', () => {}, { undo: undo('s.undo') })
      await run.call(call('ship'), { undo: undo('unship') })
      await run.undo()
    })
    await driver.start()
    const issued = await answer(driver, 'a.do/x', 's#0', 's#1', 'ship#0')
    expect(issued.at(-1)).toEqual(['phase undoing', 'child undo:ship#0'])
    expect(driver.machine.pending.get('undo:ship#0')?.command).toMatchObject({
      run: 'r1~undo:ship.0',
      undoes: 'ship#0',
      wait: true,
    })
    expect(await answer(driver, 'undo:ship#0', 'undo:s#1', 'undo:a.do/x')).toEqual([
      ['call undo:s#1'],
      ['call undo:a.do/x'],
      ['phase over', 'end'],
    ])
    expect(outcomes).toEqual(['outcome of ship#0', 'outcome of s#1', 'outcome of s#0', 'outcome of a.do/x'])
    await expectRepeats(driver)
  })

  it('of a call that failed asks without an outcome: it may have happened', async () => {
    const outcomes: unknown[] = []
    const driver = new Driver(async (run) => {
      const undo = (outcome: unknown) => {
        outcomes.push(outcome)
        return call('a.undo')
      }
      await run.call(call('a.do'), { undo }).catch(() => {})
      await run.undo()
    })
    await driver.start()
    expect(opsOf(await driver.failed('a.do#0'))).toEqual(['phase undoing', 'call undo:a.do#0'])
    expect(outcomes).toEqual([undefined])
    await driver.done('undo:a.do#0')
    await expectRepeats(driver)
  })

  it('gives up what is under way, and waits until it has settled before it is taken back', async () => {
    const seen: unknown[] = []
    const body: Body = async (run) => {
      const a = reserve(run, 'a')
      a.catch((error: unknown) => seen.push((error as CallError).code, (error as CallError).message))
      await reserve(run, 'b')
      void reserve(run, 'c')
      await run.undo()
    }
    const driver = new Driver(body)
    await driver.start()
    expect(opsOf(await driver.done('b.do#0'))).toEqual(['call c.do#0', 'drop a.do#0', 'drop c.do#0', 'phase undoing'])
    expect(linesOf(driver).at(-1)).toContain('{"kind":"drop","op":"a.do#0","settles":true}')
    expect(seen).toEqual(['CALL_ABORTED', 'a.do was given up before it answered.'])
    expect(driver.waits).toEqual(['a.do#0', 'c.do#0'])
    expect(await answer(driver, 'c.do#0', 'undo:c.do#0', 'undo:b.do#0')).toEqual([
      ['call undo:c.do#0'],
      ['call undo:b.do#0'],
      [],
    ])
    expect(driver.waits).toEqual(['a.do#0'])
    expect(await answer(driver, 'a.do#0', 'undo:a.do#0')).toEqual([['call undo:a.do#0'], ['phase over', 'end']])
    await expectRepeats(driver)
  })

  it('knows what a call that was given up came to: its outcome, or nothing when it failed', async () => {
    const outcomes: unknown[] = []
    const undo = (outcome: unknown) => {
      outcomes.push(outcome)
      return outcome === 'nothing done' ? null : call('x.undo')
    }
    const body: Body = async (run) => {
      for (const name of ['a', 'b', 'c']) void run.call(call(`${name}.do`), { undo })
      await run.sleep('1s')
      await run.undo()
    }
    const driver = new Driver(body)
    await driver.start()
    await driver.timer('sleep#0')
    expect(opsOf(await driver.failed('c.do#0'))).toEqual(['call undo:c.do#0'])
    await driver.done('a.do#0', 5)
    await driver.done('b.do#0', 'nothing done')
    expect(opsOf(await driver.done('undo:c.do#0'))).toEqual(['call undo:a.do#0'])
    await driver.done('undo:a.do#0')
    expect(outcomes).toEqual([undefined, 'nothing done', 5])
    await expectRepeats(driver)
  })

  it('takes back first what came to stand behind a call while that was waited for', async () => {
    const driver = new Driver(async (run) => {
      void reserve(run, 'a')
      void run.sleep('1s').then(() => reserve(run, 'b'))
      await run.undo()
    })
    await driver.start()
    expect(await answer(driver, 'sleep#0', 'b.do#0', 'a.do#0', 'undo:b.do#0', 'undo:a.do#0')).toEqual([
      ['call b.do#0'],
      [],
      ['call undo:b.do#0'],
      ['call undo:a.do#0'],
      ['phase over', 'end'],
    ])
    await expectRepeats(driver)
  })

  it('leaves what has no undo as it is', async () => {
    const body: Body = async (run) => {
      const plain = run.call(call('plain.do'))
      const step = run.step('s', () => {})
      await reserve(run, 'a')
      await run.undo()
      return [await plain, await step]
    }
    const driver = new Driver(body)
    await driver.start()
    expect(await answer(driver, 'a.do#0', 'plain.do#0', 'undo:a.do#0', 's#0')).toEqual([
      ['phase undoing', 'call undo:a.do#0'],
      [],
      ['phase over'],
      ['end'],
    ])
    await expectRepeats(driver)
  })

  it('of nothing is over at once', async () => {
    const driver = new Driver(async (run) => {
      await run.undo()
      await run.call(call('plain.do'))
      await run.undo()
      return 'done'
    })
    expect(opsOf(await driver.start())).toEqual(['call plain.do#0'])
    expect(opsOf(await driver.done('plain.do#0'))).toEqual(['end'])
    await expectRepeats(driver)
  })

  it('asked for twice at once is done once, and asked for again takes back what came since', async () => {
    const driver = new Driver(async (run) => {
      await reserve(run, 'a')
      await reserve(run, 'b')
      await Promise.all([run.undo(), run.undo()])
      await reserve(run, 'a')
      await run.undo()
      await run.undo()
    })
    await driver.start()
    await answer(driver, 'a.do#0')
    expect(await answer(driver, 'b.do#0', 'undo:b.do#0', 'undo:a.do#0')).toEqual([
      ['phase undoing', 'call undo:b.do#0'],
      ['call undo:a.do#0'],
      ['phase over', 'call a.do#1'],
    ])
    expect(await answer(driver, 'a.do#1', 'undo:a.do#1')).toEqual([
      ['phase undoing', 'call undo:a.do#1'],
      ['phase over', 'end'],
    ])
    await expectRepeats(driver)
  })

  it('by a call that does not take it back is a fault in the code', async () => {
    const contracts = {
      checkUndo: (name: string, undo: { readonly name: string }) => {
        throw fault('DEFINITION_INVALID', { what: `The undo of ${name}`, problem: `${undo.name} does not undo it` })
      },
    }
    const driver = new Driver(
      async (run) => {
        await reserve(run, 'a')
        await run.undo()
      },
      { contracts },
    )
    await driver.start()
    expect(await driver.done('a.do#0')).toMatchObject({
      kind: 'threw',
      error: {
        message:
          'The code of the run "r1" threw UNDO_FAILED: a.do#0 was not taken back: a.undo failed: The undo of a.do: a.undo does not undo it.',
      },
    })
  })

  it('is not registered for a call that was refused', async () => {
    const driver = new Driver(async (run) => {
      await run.call(call('a.do', 1n), { undo: call('a.undo') }).catch(() => {})
      await run.undo()
    })
    expect(opsOf(await driver.start())).toEqual(['end'])
  })
})
