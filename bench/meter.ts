// What a piece of work costs: time, processor time of the whole process and of the main thread alone, and bytes that
// the process sent to the disk (log and file, as the system counts them).

export interface Cost {
  readonly seconds: number
  readonly cpuUs: number
  readonly mainUs: number
  readonly diskBytes: number
}

const BLOCK_BYTES = 512

export async function metered(work: () => Promise<void>): Promise<Cost> {
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
 * Keeps `inFlight` things going until `total` have ended. `begin` begins one; whoever knows that some have ended calls
 * `ended`. What `begin` rejects with is what `done` rejects with.
 */
export function closedLoop(total: number, inFlight: number, begin: () => Promise<unknown>) {
  let begun = 0
  let over = 0
  let resolve = (): void => {}
  let reject = (_error: unknown): void => {}
  const done = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  const fill = (): void => {
    for (; begun < total && begun - over < inFlight; begun++) begin().catch((error: unknown) => reject(error))
  }
  const ended = (count: number): void => {
    over += count
    fill()
    if (over >= total) resolve()
  }
  return { done, ended, fill }
}
