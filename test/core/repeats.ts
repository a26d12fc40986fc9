// What the tests of core ask of every run: that its rows, replayed on a machine of its own, make it do the same again and
// stand where it stood. Used by the tests of the machine and of the surface beside their sources.
import { expect } from 'vitest'
import type { Closed } from '../../src/core/machine.ts'
import type { Surface } from '../../src/core/surface.ts'
import { Driver, linesOf, opsOf, replay, type Body, type Setting } from './machine-driver.ts'

/** Line 3 is the same, turn by turn, when the rows are replayed, and so is what the run waits for then. */
export async function expectRepeats(
  driver: Driver,
  body: Body = driver.body,
  setting: Setting = driver.setting,
): Promise<void> {
  const again = await replay(driver, body, setting)
  expect(again.lines).toEqual(linesOf(driver))
  expect(again.driver.waits).toEqual(driver.waits)
  expect(again.driver.machine.cancelled).toEqual(driver.machine.cancelled)
  expect(again.driver.faults).toEqual([])
}

/** What becomes of a run whose code lets pass what a door throws, and goes on. */
export async function letPass(door: (run: Surface) => unknown): Promise<Closed> {
  const driver = new Driver(async (run) => {
    try {
      await door(run)
    } catch {}
    await run.step('after', () => {})
  })
  return driver.start()
}

/** Answers all of these, one a turn, and says what each turn issued; `outcome of <op>` is what a call answers. */
export async function answer(driver: Driver, ...ops: readonly string[]): Promise<readonly (readonly string[])[]> {
  const issued: (readonly string[])[] = []
  for (const op of ops)
    issued.push(opsOf(op.startsWith('sleep') ? await driver.timer(op) : await driver.done(op, `outcome of ${op}`)))
  return issued
}

/** The output of a run that has ended, as it stands in its journal. */
export function outputOf(driver: Driver): unknown {
  const line = JSON.parse(linesOf(driver).at(-1) as string) as readonly { kind: string; output?: unknown }[]
  return line.at(-1)?.kind === 'end' ? line.at(-1)?.output : 'it has not ended'
}

/** Answers what a run waits for, the oldest first, until it has ended or parked. Waits for signals are left alone. */
export async function finish(driver: Driver): Promise<Closed> {
  for (;;) {
    const pending = [...driver.machine.pending.values()].find(({ command }) => command.kind !== 'wait')
    if (pending === undefined) throw new Error('it waits for nothing that could be answered')
    const { op, command } = pending
    const closed = await (command.kind === 'sleep' ? driver.timer(op) : driver.done(op, `outcome of ${op}`))
    if (closed.kind !== 'open') return closed
  }
}

/** The ops that were taken back, in the order in which that was asked for. */
export function undoneOf(driver: Driver): readonly string[] {
  return linesOf(driver).flatMap((line) =>
    (JSON.parse(line) as readonly { undoes?: string }[]).flatMap(({ undoes }) => undoes ?? []),
  )
}
