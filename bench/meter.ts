// What a piece of work costs: time, processor time of the whole process and of the main thread alone, and bytes that
// the process sent to the disk (log and file, as the system counts them).

export interface Cost {
  readonly seconds: number
  readonly cpuUs: number
  readonly mainUs: number
  readonly diskBytes: number
}

const BLOCK_BYTES = 512

export async function metered(work: () => Promise<unknown>): Promise<Cost> {
  const written = process.resourceUsage().fsWrite
  const main = process.threadCpuUsage()
  const cpu = process.cpuUsage()
  const since = performance.now()
  await work()
  const seconds = (performance.now() - since) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const own = process.threadCpuUsage(main)
  const diskBytes = (process.resourceUsage().fsWrite - written) * BLOCK_BYTES
  return { seconds, cpuUs: user + system, mainUs: own.user + own.system, diskBytes }
}

/**
 * Keeps `inFlight` things under way until `total` have ended. One has ended when what `begin` answered settles, or,
 * with `watch`, when the function that `watch` is given is told so.
 */
export function closedLoop(
  total: number,
  inFlight: number,
  begin: () => Promise<unknown>,
  watch?: (ended: (count: number) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let begun = 0
    let over = 0
    const fill = (): void => {
      for (; begun < total && begun - over < inFlight; begun++) {
        begin().then(() => watch === undefined && ended(1), reject)
      }
    }
    const ended = (count: number): void => {
      over += count
      if (over >= total) resolve()
      else fill()
    }
    watch?.(ended)
    ended(0)
  })
}
