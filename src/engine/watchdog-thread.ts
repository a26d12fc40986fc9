// The thread of a watchdog: looks, waits, and ends the process when the main loop has missed too many looks in a row.
// It writes to the error stream itself, because what a thread prints in the usual way goes through the loop that hangs.
import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { CurrentWork } from './current-work.ts'
import type { WatchdogSettings } from './watchdog.ts'

const { memory, lookMs, looks, limit } = workerData as WatchdogSettings
const current = CurrentWork.watched(memory)

for (let missed = 0, seen = -1; !current.isStopped(lookMs);) {
  const { ticks } = current
  missed = ticks === seen && !current.isHeld ? missed + 1 : 0
  seen = ticks
  if (missed < looks) continue
  writeSync(2, `ballet: the main loop has hung for ${limit}, so this process ends; ${current.words}\n`)
  process.kill(process.pid, 'SIGKILL')
}
