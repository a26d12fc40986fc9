// Timers in a batch, in which what is gone is gone whenever it was set. Used where one that was dropped may be set again.
import type { TimerRow } from '../core/store.ts'
import type { Writer } from './writer.ts'

/** Sets a timer: when it was dropped in this very batch, its row stays. */
export function setAgain({ timers, timersGone }: Writer['rows'], timer: TimerRow): void {
  const { due, run, op } = timer
  for (let index = timersGone.length - 1; index >= 0; index--) {
    const gone = timersGone[index]
    if (gone?.run === run && gone.op === op && gone.due === due) timersGone.splice(index, 1)
  }
  timers.push(timer)
}
