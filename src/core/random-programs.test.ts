import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Driver, aSignal, call, event, linesOf, replay, type Body } from '../../test/core/machine-driver.ts'
import { TerminalError } from './errors.ts'
import type { Pending } from './machine.ts'
import type { Surface } from './surface.ts'

/** A program that a workflow could be: what it waits for, and how its parts are put together. Names are few, so that they recur. */
type Program =
  | { readonly kind: 'step' | 'call' | 'child' | 'receive' | 'lapse' | 'emit' | 'join'; readonly name: string }
  | { readonly kind: 'sleep' | 'undo' | 'draw' | 'fail' }
  | { readonly kind: 'seq' | 'all' | 'race' | 'some' | 'settled' | 'branch'; readonly parts: readonly Program[] }
  | { readonly kind: 'try' | 'finally'; readonly first: Program; readonly then: Program }

const names = fc.constantFrom('a', 'b')
const { program } = fc.letrec<{ program: Program }>((tie) => {
  const parts = fc.array(tie('program'), { minLength: 1, maxLength: 3 })
  const both = { first: tie('program'), then: tie('program') }
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
    ) as fc.Arbitrary<Program>,
  }
})

/** Does what a program says. */
async function perform(run: Surface, it: Program): Promise<unknown> {
  switch (it.kind) {
    case 'step':
      return run.step(it.name, () => {})
    case 'call':
      return run.call(call(`${it.name}.do`), { undo: (outcome) => (outcome === 3 ? null : call(`${it.name}.undo`)) })
    case 'child':
      return run.call(call(it.name), { undo: call(`un${it.name}`) })
    case 'receive':
      return run.receive(it.name === 'a' ? aSignal('a') : [aSignal('a'), aSignal('b')])
    case 'lapse':
      return run.receive(aSignal(it.name), { within: '1h' })
    case 'emit':
      return run.emit(event(it.name, run.random()))
    case 'join':
      return run.start(call(it.name)).result()
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
      for (const part of it.parts) answers.push(await perform(run, part))
      return answers
    }
    case 'all':
      return Promise.all(it.parts.map((part) => perform(run, part)))
    case 'race':
      return Promise.race(it.parts.map((part) => perform(run, part)))
    case 'some':
      return Promise.any(it.parts.map((part) => perform(run, part)))
    case 'settled':
      return (await Promise.allSettled(it.parts.map((part) => perform(run, part)))).map(({ status }) => status)
    case 'branch':
      for (const part of it.parts) perform(run, part).catch(() => {})
      return run.step('after', () => {})
    case 'try':
      return perform(run, it.first).catch(() => perform(run, it.then))
    case 'finally':
      return perform(run, it.first).finally(() => perform(run, it.then))
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
      fc.asyncProperty(program, plays, async (it, chances) => {
        const driver = await play((run) => perform(run, it), chances)
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
      fc.asyncProperty(program, plays, fc.nat(15), async (it, chances, cut) => {
        const body: Body = (run) => perform(run, it)
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

  it('leaves no undo behind: what it registered and did not keep is taken back before it ends', async () => {
    await fc.assert(
      fc.asyncProperty(program, plays, async (it, chances) => {
        const driver = await play((run) => perform(run, it), chances)
        // Everything that is still under way is answered until the run ends.
        for (let round = 0; round < 200 && !driver.machine.settled && driver.waits.length > 0; round++) {
          await answer(driver, [...driver.machine.pending.values()][0], 1)
        }
        if (!driver.machine.settled) return
        const open = driver.waits.filter(
          (op) => /^(?:[ab]\.do|[ab])#/.test(op) && driver.machine.pending.get(op)?.command.kind !== 'step',
        )
        expect(open.filter((op) => 'undo' in (driver.machine.pending.get(op)?.command ?? {}))).toEqual([])
        expect(driver.waits.filter((op) => op.startsWith('undo:'))).toEqual([])
      }),
      { numRuns: 300 },
    )
  })
})
