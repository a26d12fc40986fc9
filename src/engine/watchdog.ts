// Ends a process whose main loop hangs: a workflow that never ends its turn would otherwise stop every run for ever, and
// nobody would hear of it. A thread (watchdog-thread.ts) looks whether the main loop ticks, and kills the process when
// it has not for a time; the next process then finds out whose fault it was (suspects.ts). The thread counts its own
// looks and not the time that passes, so a process that was stopped, or a machine that slept, is not taken for hanging.
import { url as debuggerUrl } from 'node:inspector'
import { Worker } from 'node:worker_threads'
import type { Cancel } from '../core/clock.ts'
import { ownProgram } from '../core/own-files.ts'
import { refuse } from '../define/refusal.ts'
import { systemClock } from './clock.ts'
import { CurrentWork } from './current-work.ts'

/** Looks within the limit: how often the main loop has to have missed before the process ends. */
const LOOKS = 10
const LEAST_MS = 100
const LOOK_MS = 1000

/** What the thread is told. */
export interface WatchdogSettings {
  readonly memory: SharedArrayBuffer
  readonly lookMs: number
  readonly looks: number
  readonly limit: string
}

const program = ownProgram('engine/watchdog-thread')

export interface Watchdog {
  readonly current: CurrentWork
  stop(): void
}

/**
 * Watches the main loop until it is told to stop. It does not while a debugger listens: that holds the loop on purpose.
 * @param limitMs how long the loop may hang; undefined for ever.
 * @throws DEFINITION_INVALID
 */
export function startWatchdog(limitMs: number | undefined): Watchdog {
  if (limitMs === undefined) return { current: CurrentWork.unwatched(), stop: () => {} }
  if (!Number.isFinite(limitMs) || limitMs < LEAST_MS)
    refuse('watchdogMs', `it must be a number from ${LEAST_MS}, not ${String(limitMs)}`)
  const current = CurrentWork.watched()
  const lookMs = Math.min(LOOK_MS, limitMs / LOOKS)
  const settings: WatchdogSettings = {
    memory: current.memory as SharedArrayBuffer,
    lookMs,
    looks: Math.ceil(limitMs / lookMs),
    limit: `${limitMs / 1000} s`,
  }
  let cancel: Cancel = () => {}
  const tick = (): void => {
    current.tick(debuggerUrl() !== undefined)
    cancel = systemClock.after(lookMs, tick)
  }
  tick()
  const thread = new Worker(program, { workerData: settings, execArgv: [], name: 'ballet watchdog' })
  thread.unref()
  // Without it a hanging process hangs, as it would without Ballet; the application is none the worse.
  thread.on('error', () => cancel())
  return {
    current,
    stop: () => {
      cancel()
      current.stop()
    },
  }
}
