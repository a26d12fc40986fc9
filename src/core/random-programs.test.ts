import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Driver, aSignal, call, event, linesOf, replay, type Body } from '../../test/core/machine-driver.ts'
import { TerminalError } from './errors.ts'
import type { Pending } from './pending.ts'
import type { Surface } from './surface.ts'

/** A program that a workflow could be: what it waits for, and how its parts are put together. Names are few, so that they recur. */
type Program =
  | { readonly kind: 'step' | 'call' | 'child' | 'receive' | 'lapse' | 'emit' | 'join'; readonly name: string }
  | { readonly kind: 'sleep' | 'undo' | 'draw' | 'fail' }
  | { readonly kind: 'seq' | 'all' | 'race' | 'some' | 'settled' | 'branch'; readonly parts: readonly Program[] }
  | { readonly kind: 'try' | 'finally'; readonly first: Program; readonly second: Program }

const names = fc.constantFrom('a', 'b')
const { program } = fc.letrec<{ program: Program }>((tie) => {
  const parts = fc.array(tie('program'), { minLength: 1, maxLength: 3 })
  const both = { first: tie('program'), second: tie('program') }
  return {
    program: fc.oneof(
      { maxDepth: 4, depthSize: 'medium' },
      {
        weight: 5,
        arbitrary: fc.record({
          kind: fc.constantFrom('step', 'call', 'child', 'receive', 'lapse', 'emit', 'join'),
          name: names,
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('sleep', 'sleep', 'undo', 'draw', 'fail') }) },
      {
        weight: 5,
        arbitrary: fc.record({ kind: fc.constantFrom('seq', 'all', 'race', 'some', 'settled', 'branch'), parts }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('try', 'finally'), ...both }) },
    ),
  }
})

/** Does what a program says. */
async function perform(run: Surface, plan: Program): Promise<unknown> {
  switch (plan.kind) {
    case 'step':
      return run.step(plan.name, () => {})
    case 'call':
      return run.call(call(`${plan.name}.do`), {
        undo: (outcome) => (outcome === 3 ? null : call(`${plan.name}.undo`)),
      })
    case 'child':
      return run.call(call(plan.name), { undo: call(`un${plan.name}`) })
    case 'receive':
      return run.receive(plan.name === 'a' ? aSignal('a') : [aSignal('a'), aSignal('b')])
    case 'lapse':
      return run.receive(aSignal(plan.name), { within: '1h' })
    case 'emit':
      return run.emit(event(plan.name, run.random()))
    case 'join':
      return run.start(call(plan.name)).result()
    case 'sleep':
      return run.sleep('1h')
    case 'undo':
      return run.undo()
    case 'draw':
      return [run.now(), run.uuid()]
    case 'fail':
      throw new TerminalError('no')
    case 'seq': {
      const answers: unknown[] = []
      for (const part of plan.parts) answers.push(await perform(run, part))
      return answers
    }
    case 'all':
      return Promise.all(plan.parts.map((part) => perform(run, part)))
    case 'race':
      return Promise.race(plan.parts.map((part) => perform(run, part)))
    case 'some':
      return Promise.any(plan.parts.map((part) => perform(run, part)))
    case 'settled':
      return (await Promise.allSettled(plan.parts.map((part) => perform(run, part)))).map(({ status }) => status)
    case 'branch':
      for (const part of plan.parts) perform(run, part).catch(() => {})
      return run.step('after', () => {})
    case 'try':
      return perform(run, plan.first).catch(() => perform(run, plan.second))
    case 'finally':
      try {
        return await perform(run, plan.first)
      } finally {
        await perform(run, plan.second)
      }
  }
}

/** Answers one of the things that a run waits for, or sends it a signal. */
function answer(driver: Driver, pending: Pending | undefined, chance: number): Promise<{ readonly kind: string }> {
  if (pending === undefined) return driver.signal(chance % 2 === 0 ? 'a' : 'b', chance)
  const { op, command } = pending
  if (command.kind === 'sleep' || (command.kind === 'wait' && command.due !== undefined)) return driver.timer(op)
  if (command.kind === 'wait') return driver.signal('a', chance)
  // An undo is never given up.
  return chance % 4 === 0 && !op.startsWith('undo:') ? driver.failed(op) : driver.done(op, chance)
}

async function play(body: Body, chances: readonly number[]): Promise<Driver> {
  const driver = new Driver(body)
  let closed: { readonly kind: string } = await driver.start()
  for (const chance of chances) {
    if (closed.kind !== 'open') break
    const waiting = [...driver.machine.pending.values()]
    closed = await answer(driver, waiting[chance % (waiting.length + 1)], chance)
  }
  return driver
}

describe('any program', () => {
  const plays = fc.array(fc.nat(100), { maxLength: 15 })

  it('does the same again when its turns are replayed, and stands where it stood', async () => {
    await fc.assert(
      fc.asyncProperty(program, plays, async (plan, chances) => {
        const driver = await play((run) => perform(run, plan), chances)
        const again = await replay(driver)
        expect(again.lines).toEqual(linesOf(driver))
        expect(again.verdicts.every(({ kind }) => kind === 'same')).toBe(true)
        expect(again.driver.waits).toEqual(driver.waits)
        expect(driver.faults).toEqual([])
      }),
      { numRuns: 400 },
    )
  })

  it('goes on after a replay of any of its turns as it went on without', async () => {
    await fc.assert(
      fc.asyncProperty(program, plays, fc.nat(15), async (plan, chances, cut) => {
        const body: Body = (run) => perform(run, plan)
        const whole = await play(body, chances)
        const part = await play(body, chances.slice(0, cut))
        const { driver } = await replay(part)
        let closed: { readonly kind: string } = { kind: part.machine.settled ? 'ended' : 'open' }
        for (const chance of chances.slice(cut)) {
          if (closed.kind !== 'open') break
          const waiting = [...driver.machine.pending.values()]
          closed = await answer(driver, waiting[chance % (waiting.length + 1)], chance)
        }
        expect(linesOf(driver)).toEqual(linesOf(whole))
      }),
      { numRuns: 300 },
    )
  })

  it('that has ended leaves no call behind that has an undo, and no undo', async () => {
    let ends = 0
    let undos = 0
    await fc.assert(
      fc.asyncProperty(program, plays, async (plan, chances) => {
        const driver = await play((run) => perform(run, plan), chances)
        // What is under way is answered until the run ends; a run that waits for nothing but a signal gets one.
        for (let round = 0; round < 200 && !driver.machine.settled; round++) {
          await answer(driver, [...driver.machine.pending.values()][0], 1)
        }
        expect(driver.machine.settled).toBe(true)
        const open = [...driver.machine.pending.values()].map(({ command }) => command)
        expect(open.filter((command) => 'undo' in command || 'undoes' in command)).toEqual([])
        ends += 1
        undos += linesOf(driver).filter((line) => line.includes('"undoes"')).length
      }),
      { numRuns: 300 },
    )
    expect(ends).toBe(300)
    expect(undos).toBeGreaterThan(20)
  })
})
