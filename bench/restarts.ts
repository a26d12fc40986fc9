// What a restart finds: how long a store with open runs takes until it is ready, how fast a long run is replayed, and
// how much memory waiting runs need. Each opening is a process of its own (restart.ts), because a process that has done
// the work before is warm, and its memory holds more than the runs.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Figures } from './figures.ts'
import type { Plan } from './plan.ts'
import type { Restart } from './restart.ts'

const script = fileURLToPath(new URL('./restart.ts', import.meta.url))
/** Turns of the long run beside its first. */
const TURNS = 10_000
const LANES = 100

export async function measureRestarts(plan: Plan, figures: Figures): Promise<void> {
  const file = (name: string): string => join(plan.folder, `${name}.db`)
  await restart('wait', file('empty'), 0)
  await restart('wait', file('1000'), 1000)
  await restart('wait', file('10000'), 10_000)
  await restart('long', file('long'), LANES, TURNS / LANES)
  const rounds: Readonly<Record<'empty' | '1000' | '10000' | 'long' | 'fresh', Restart>>[] = []
  for (let index = 0; index < plan.rounds; index++) {
    rounds.push({
      empty: await restart('open', file('empty')),
      1000: await restart('open', file('1000')),
      10000: await restart('open', file('10000')),
      long: await restart('open', file('long')),
      fresh: await restart('wait', file(`fresh-${index}`), 10_000),
    })
  }
  const each = (value: (round: (typeof rounds)[number]) => number): number[] => rounds.map(value)
  figures.add('ready with no open run, from the start of the process', 'ms', each((one) => one.empty.readyMs), 'at most 500')
  for (const count of ['1000', '10000'] as const) {
    figures.add(`ready with ${count} open runs`, 'ms', each((one) => one[count].readyMs))
    figures.add(`ready with ${count} open runs / with none`, 'ratio', each((one) => one[count].readyMs / one.empty.readyMs))
    figures.add(`recovery of an open run, of ${count}`, 'us', each((one) => recoveryUs(one[count], one.empty) / Number(count)))
  }
  figures.add(`replay of a run of ${TURNS} turns`, 'turns/s', each((one) => (TURNS * 1e6) / recoveryUs(one.long, one.empty)))
  figures.add(`replay of a run of ${TURNS} turns: CPU of a turn`, 'us', each((one) => (one.long.cpuUs - one.empty.cpuUs) / TURNS))
  const bar = 'at most 2000'
  figures.add('memory of a run that waits, of 10000 begun', 'bytes', each((one) => one.fresh.heapBytes / 10_000), bar)
  figures.add('memory of a run that waits, of 10000 recovered', 'bytes', each((one) => (one['10000'].heapBytes - one.empty.heapBytes) / 10_000), bar)
}

/** What recovery took longer than the opening of an empty store. */
const recoveryUs = (one: Restart, empty: Restart): number => (one.openMs - empty.openMs) * 1000

/** Runs one process and takes what it says at the end. */
async function restart(...args: readonly (string | number)[]): Promise<Restart> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, ...args.map(String)])
  return JSON.parse(stdout) as Restart
}
