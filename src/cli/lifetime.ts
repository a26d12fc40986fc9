// How long a process that serves lives: until it is asked to end. The first SIGTERM or SIGINT asks it to drain, a
// second one ends it at once; a child that has a channel to its parent (of `ballet dev`, for example) also drains when that is gone.
import { constants } from 'node:os'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** Resolves with what asked this process to end. From then on another signal ends it at once. */
export function untilAsked(): Promise<string> {
  return new Promise((resolve) => {
    let asked = false
    const ask = (signal: (typeof SIGNALS)[number]): void => {
      if (asked) process.exit(128 + constants.signals[signal])
      asked = true
      resolve(signal)
    }
    for (const signal of SIGNALS) process.on(signal, ask)
    // Without a channel there is nothing to send by.
    if (process.send === undefined) return
    const orphaned = (): void => {
      asked = true
      resolve('its parent has ended')
    }
    if (!process.connected) return orphaned()
    process.once('disconnect', orphaned)
    // Listening would keep this process alive for as long as the parent is.
    process.channel?.unref()
  })
}
