import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Driver, aSignal, call, event, linesOf, replay, type Body } from '../../test/core/machine-driver.ts'
import type { OnCancel } from './contracts.ts'
import { TerminalError } from './errors.ts'
import { parseCommands, parseTurn } from './journal.ts'
import type { Closed } from './machine.ts'
import type { Pending } from './pending.ts'
import type { Surface } from './surface.ts'

type Named = 'step' | 'call' | 'child' | 'receive' | 'lapse' | 'emit' | 'join' | 'follow'

/** A program that a workflow could be: what it waits for, and how its parts are put together. Names are few, so that they recur. */
type Program =
  | { readonly kind: Named; readonly name: string }
  | { readonly kind: 'sleep' | 'undo' | 'draw' | 'fail' }
  | { readonly kind: 'seq' | 'all' | 'race' | 'some' | 'settled' | 'branch'; readonly parts: readonly Program[] }
  | { readonly kind: 'try' | 'finally'; readonly first: Program; readonly second: Program }
  | { readonly kind: 'shield' | 'abort'; readonly first: Program }
  | { readonly kind: 'policy'; readonly onCancel: OnCancel }

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
          kind: fc.constantFrom('step', 'call', 'call', 'child', 'receive', 'lapse', 'emit', 'join', 'follow'),
          name: names,
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('sleep', 'sleep', 'undo', 'draw', 'fail') }) },
      {
        weight: 5,
        arbitrary: fc.record({ kind: fc.constantFrom('seq', 'all', 'race', 'some', 'settled', 'branch'), parts }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('try', 'finally'), ...both }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('shield', 'abort'), first: tie('program') }) },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('policy'), onCancel: fc.constantFrom('cancel', 'leave', 'wait') }),
      },
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
    case 'follow':
      return run.start(call(plan.name), { onCancel: 'cancel' }).id
    case 'policy':
      return run.call(call('a'), { onCancel: plan.onCancel })
    case 'shield':
      return run.shield((own) => perform(own, plan.first))
    case 'abort': {
      const abort = new AbortController()
      const given = run.call(call('a.do'), { undo: call('a.undo'), abort: abort.signal })
      given.catch(() => {})
      await perform(run, plan.first).finally(() => abort.abort())
      return given
    }
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

/** Answers one of the things that a run waits for, sends it a signal, or cancels it. */
function answer(driver: Driver, pending: Pending | undefined, chance: number): Promise<Closed> {
  if (chance > 97 || (chance > 94 && driver.machine.cancelled === null)) return driver.cancel(chance > 97)
  if (pending === undefined) return driver.signal(chance % 2 === 0 ? 'a' : 'b', chance)
  const { op, command } = pending
  if (command.kind === 'sleep' || (command.kind === 'wait' && command.due !== undefined)) return driver.timer(op)
  if (command.kind === 'wait') return driver.signal('a', chance)
  // An undo is never given up.
  return chance % 4 === 0 && !op.startsWith('undo:') ? driver.failed(op) : driver.done(op, chance)
}

async function play(body: Body, chances: readonly number[]): Promise<Driver> {
  const driver = new Driver(body)
  let closed = await driver.start()
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

  it('that has ended leaves no call behind that has an undo, and has taken back what it must', async () => {
    const ends = { completed: 0, failed: 0, cancelled: 0 }
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
        const { ending, due, undone } = accounts(driver)
        expect(undone).toEqual([...new Set(undone)])
        expect(due.filter((op) => !undone.includes(op))).toEqual([])
        ends[ending] += 1
        undos += undone.length
      }),
      { numRuns: 400 },
    )
    expect(ends.completed + ends.failed + ends.cancelled).toBe(400)
    expect(Math.min(ends.failed, ends.cancelled)).toBeGreaterThan(30)
    expect(undos).toBeGreaterThan(40)
  })
})

interface Accounts {
  readonly ending: 'completed' | 'failed' | 'cancelled'
  /** What had to be taken back: everything of a run that ended badly, and whatever was given up. */
  readonly due: readonly string[]
  readonly undone: readonly string[]
}

function accounts(driver: Driver): Accounts {
  const commands = linesOf(driver).flatMap(parseCommands)
  const last = commands.at(-1)
  const ending =
    last?.kind === 'fail' ? 'failed' : last !== undefined && 'cancelled' in last ? 'cancelled' : 'completed'
  const given = new Set(commands.filter(({ kind }) => kind === 'drop').map((command) => command['op']))
  const answers = new Map(
    driver.rows.map(({ text }) => parseTurn(text).delivered).map((one) => ['op' in one && one.op, one]),
  )
  const due = commands.flatMap((command) => {
    const op = String(command['op'])
    const settled = answers.get(op)
    // Its undo says that there is nothing to do (see `perform`).
    const isNothing = command.kind === 'call' && settled?.kind === 'done' && settled.payload === '3'
    return command['undo'] === true && !isNothing && (ending !== 'completed' || given.has(op)) ? [op] : []
  })
  return {
    ending,
    due,
    undone: commands.flatMap((command) => ('undoes' in command ? [String(command['undoes'])] : [])),
  }
}
