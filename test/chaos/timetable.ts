// What goes on by the clock in a campaign against a cluster, beside its orders, wherever the schedule is at that moment: every second
// a count begins, which says how far it is and fails, again and again, so that many nodes have a part in it. Each attempt leaves a
// line in a file that all nodes write. timetable-audit.ts looks at it when all is over.
import { appendFileSync } from 'node:fs'
import { ballet, operation, schedule, service, workflow } from 'ballet'
import { z } from 'zod'
import type { ApplicationDefinition } from '../../src/define/definition.ts'
import { pause } from './pause.ts'

/** The name of the schedule. */
export const COUNT = 'count'
/** The name of the workflow that it starts. */
export const COUNTING = 'counting'
export const EVERY_MS = 1000
/** How far a count goes, and how far one attempt does. */
export const [ROWS, ROWS_EACH] = [8, 2] as const
const ROW_MS = 20
/** More are asked for at once than may be under way: some wait for their place when a blow comes. */
const AT_ONCE = 3

/** One attempt, as it was told before it was over. */
export interface CountLine {
  readonly pid: number
  /** The time that it was fired for. */
  readonly at: string
  readonly key: string
  readonly attempt: number
  /** How far the attempt before had said that it was, and how far this one has said so. */
  readonly from: number
  readonly to: number
}

/** The application of a campaign with it. @param file where its lines go */
export function withTimetable(definition: ApplicationDefinition, file: string): ApplicationDefinition {
  const counter = service(
    'counter',
    {
      count: operation({
        input: z.object({ at: z.string() }),
        output: z.number(),
        timeout: '5m',
        heartbeat: '2m',
        retry: { attempts: 1000, backoff: '200ms', limit: '400ms' },
        async run({ at }, { attempt, idempotencyKey: key, progress, heartbeat }) {
          const from = typeof progress === 'number' ? progress : 0
          const to = from + ROWS_EACH
          for (let row = from + 1; row <= to; row += 1) {
            await pause(ROW_MS)
            heartbeat(row)
          }
          const line: CountLine = { pid: process.pid, at, key, attempt, from, to }
          appendFileSync(file, `${JSON.stringify(line)}\n`)
          if (to < ROWS) throw new Error(`at row ${to}`)
          return to
        },
      }),
    },
    { limits: { atOnce: AT_ONCE } },
  )
  const counting = workflow(COUNTING, { input: z.object({ at: z.string() }), output: z.number() }, (run, input) =>
    run.call(counter.count(input)),
  )
  const every = `${EVERY_MS}ms` as const
  const own = ballet({
    services: [counter],
    workflows: [counting],
    schedules: [schedule(COUNT, { every, overlap: 'allow', catchUp: 'all', call: ({ at }) => counting({ at }) })],
  })
  return {
    ...definition,
    services: [...definition.services, ...own.services],
    workflows: [...definition.workflows, ...own.workflows],
    schedules: [...definition.schedules, ...own.schedules],
  }
}
