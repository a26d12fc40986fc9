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

type Round = Readonly<Record<'empty' | '1000' | '10000' | 'long' | 'fresh', Restart>>

export async function measureRestarts(plan: Plan, figures: Figures): Promise<void> {
  const file = (name: string): string => join(plan.folder, `${name}.db`)
  await restart('wait', file('empty'), 0)
  await restart('wait', file('1000'), 1000)
  await restart('wait', file('10000'), 10_000)
  await restart('long', file('long'), LANES, TURNS / LANES)
  const rounds: Round[] = []
  for (let index = 0; index < plan.rounds; index++) {
    rounds.push({
      empty: await restart('open', file('empty')),
      1000: await restart('open', file('1000')),
      10000: await restart('open', file('10000')),
      long: await restart('open', file('long')),
      fresh: await restart('wait', file(`fresh-${index}`), 10_000),
    })
  }
  const add = (figure: string, unit: string, value: (round: Round) => number, bar?: string): void =>
    figures.add(figure, unit, rounds.map(value), bar)
  add('ready with no open run, from the start of the process', 'ms', (one) => one.empty.readyMs, 'at most 500')
  for (const count of ['1000', '10000'] as const) {
    add(`ready with ${count} open runs`, 'ms', (one) => one[count].readyMs)
    add(`ready with ${count} open runs / with none`, 'ratio', (one) => one[count].readyMs / one.empty.readyMs)
    add(`recovery of one of ${count} open runs`, 'us', (one) => (one[count].recoveryMs * 1000) / Number(count))
  }
  add(`replay of a run of ${TURNS} turns`, 'turns/s', (one) => (TURNS * 1000) / one.long.recoveryMs)
  add('replay of a turn: CPU', 'us', (one) => (one.long.openCpuUs - one.empty.openCpuUs) / TURNS)
  add('memory of a run that waits, of 10000 begun', 'bytes', (one) => one.fresh.heapBytes / 10_000)
  const recovered = (one: Round): number => (one['10000'].heapBytes - one.empty.heapBytes) / 10_000
  add('memory of a run that waits, of 10000 recovered', 'bytes', recovered)
}

/** Runs one process and takes what it says at the end. */
async function restart(...args: readonly (string | number)[]): Promise<Restart> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, ...args.map(String)])
  return JSON.parse(stdout) as Restart
}
