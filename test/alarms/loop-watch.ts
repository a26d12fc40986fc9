// How long the event loop of this process does not go round: by the clock, which has in it what the machine gives to others,
// and by the processor time of the thread, which has not.

export interface LoopFigures {
  /** Longest time between two rounds, and that which one in a thousand was longer than, milliseconds by the clock. */
  readonly gapMs: number
  readonly gapP999Ms: number
  /** Longest work between two rounds, milliseconds of processor time. */
  readonly workMs: number
}

/** Watches until it is stopped. */
export function watchLoop(): { stop: () => LoopFigures } {
  const gaps: number[] = []
  let workUs = 0
  let at = performance.now()
  let cpu = cpuUs()
  const look = (): void => {
    const [now, used] = [performance.now(), cpuUs()]
    gaps.push(now - at)
    workUs = Math.max(workUs, used - cpu)
    at = now
    cpu = used
  }
  const timer = setInterval(look, 1)
  return {
    stop: () => {
      clearInterval(timer)
      look()
      gaps.sort((a, b) => a - b)
      const round = (ms: number | undefined): number => Math.round((ms ?? 0) * 10) / 10
      return {
        gapMs: round(gaps.at(-1)),
        gapP999Ms: round(gaps[Math.floor(gaps.length * 0.999)]),
        workMs: round(workUs / 1000),
      }
    },
  }
}

/** Processor time of this thread. */
function cpuUs(): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}
