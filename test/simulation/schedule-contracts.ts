// An application of schedules, as each of its releases has it: what is due when, what becomes of a time that cannot be kept, and a
// call that tells the service which time it was for.
import { z } from 'zod'
import { ballet, operation, schedule, service, workflow, type OperationContext } from '../../src/index.ts'
import type { ApplicationDefinition } from '../../src/define/definition.ts'
import type { Chance } from '../../src/testing/simulation/chance.ts'
import { PATIENT } from './patient-policy.ts'
import type { Rule } from './schedule-times.ts'

/** A schedule in one release. */
export interface Spec extends Rule {
  readonly name: string
  readonly overlap: 'skip' | 'allow'
  readonly catchUp: 'last' | 'all' | 'none'
  /** Seconds. */
  readonly within?: number | undefined
  /** How long a run of it takes, milliseconds; null where an operation is called and no workflow. */
  readonly rest: number | null
  /** Whether it comes to no call at some times. */
  readonly isPicky: boolean
}

/** The schedules of a release. */
export type Release = readonly Spec[]

const Firing = z.object({ id: z.string(), at: z.string(), day: z.string(), schedule: z.string() })
export type Work = z.infer<typeof Firing>

/** Whether a picky one comes to a call. */
export const isWanted = (at: number): boolean => Math.floor(at / 1000) % 3 !== 0

const NAMES = ['ticks', 'books', 'mail', 'night']
const EVERY = [1, 2, 3, 5, 7]
const CRONS = [
  '* * * * * *',
  '*/2 * * * * *',
  '*/5 * * * * *',
  '1-59/2 * * * * *',
  '*/20 * * * *',
  '* * * * *',
  '@hourly',
  '*/4 * 0-5 * * *',
  '*/3 * */2 * * *',
  '*/6 */2 1,2,3 * * *',
  '0,30 * 1-3 * * *',
  '*/3 * * L * *',
  '*/5 * * * * 0',
  '*/7 30-59 0-23 1 * 0,6',
]
const RESTS = [null, 0, 0, 700, 2500]
const ZONES = [
  'UTC',
  'Europe/Lisbon',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'America/St_Johns',
] as const
/** When the clocks are changed in 2030, and a few moments at which nothing is. */
const MOMENTS: readonly (readonly [at: string, zone: (typeof ZONES)[number]])[] = [
  ['2030-03-31T01:00:00Z', 'Europe/Lisbon'],
  ['2030-10-27T01:00:00Z', 'Europe/Lisbon'],
  ['2030-03-10T07:00:00Z', 'America/New_York'],
  ['2030-11-03T06:00:00Z', 'America/New_York'],
  ['2030-10-05T15:30:00Z', 'Australia/Lord_Howe'],
  ['2030-04-06T15:00:00Z', 'Australia/Lord_Howe'],
  ['2030-03-10T05:30:00Z', 'America/St_Johns'],
  ['2030-11-03T04:30:00Z', 'America/St_Johns'],
  ['2030-06-30T18:15:00Z', 'Asia/Kathmandu'],
  ['2031-01-01T00:00:00Z', 'UTC'],
]

/** The moment around which a story is told. */
export const momentOf = (seed: number): (typeof MOMENTS)[number] => MOMENTS[seed % MOMENTS.length] as never

function ruleOf(chance: Chance, near: string): Rule {
  const timezone = chance.is(0.6) ? near : chance.pick(ZONES)
  return chance.is(0.35) ? { every: chance.pick(EVERY), timezone } : { cron: chance.pick(CRONS), timezone }
}

const policyOf = (chance: Chance): Pick<Spec, 'overlap' | 'catchUp' | 'within'> => ({
  overlap: chance.pick(['skip', 'allow']),
  catchUp: chance.pick(['last', 'all', 'none']),
  within: chance.is(0.3) ? chance.pick([2, 6, 20, 90]) : undefined,
})

/** One release after the other: what a schedule was before, mostly it is still. */
export function releasesOf(chance: Chance, near: string): readonly Release[] {
  const specOf = (name: string): Spec => ({
    name,
    ...ruleOf(chance, near),
    ...policyOf(chance),
    rest: chance.pick(RESTS),
    isPicky: chance.is(0.1),
  })
  const releases: Release[] = [NAMES.slice(0, chance.between(1, 3)).map(specOf)]
  for (let more = chance.pick([0, 0, 1, 2, 2]); more > 0; more--) {
    const before = releases.at(-1) as Release
    releases.push(NAMES.flatMap((name) => changed(chance, before, name, specOf, near)))
  }
  return releases
}

function changed(
  chance: Chance,
  before: Release,
  name: string,
  specOf: (name: string) => Spec,
  near: string,
): readonly Spec[] {
  const old = before.find((spec) => spec.name === name)
  if (old === undefined) return chance.is(0.25) ? [specOf(name)] : []
  const { cron: _cron, every: _every, ...kept } = old
  const how = chance.weighted([
    [5, 'same'],
    [3, 'times'],
    [2, 'policy'],
    [1, 'zone'],
    [1, 'call'],
    [2, 'gone'],
  ] as const)
  if (how === 'gone') return []
  if (how === 'times') return [{ ...kept, ...ruleOf(chance, near) }]
  if (how === 'call') return [{ ...old, rest: chance.pick(RESTS) }]
  if (how === 'policy') return [{ ...old, ...policyOf(chance) }]
  return [how === 'zone' ? { ...old, timezone: chance.pick(ZONES) } : old]
}

export type Note = (work: Work, context: OperationContext) => Promise<undefined>

export function scheduledApplication(release: Release, note: Note, version: string): ApplicationDefinition {
  const desk = service('desk', {
    note: operation({ input: Firing, ...PATIENT, run: (work: Work, context) => note(work, context) }),
  })
  const Job = Firing.extend({ rest: z.number() })
  const job = workflow('job', { input: Job, output: z.string() }, async (run, { rest, ...work }) => {
    await run.call(desk.note(work))
    await run.sleep(`${rest}ms`)
    return work.at
  })
  return ballet({
    name: 'scheduled',
    version,
    services: [desk],
    workflows: [job],
    schedules: release.map(({ name, rest, isPicky, within, cron, every, timezone, overlap, catchUp }) =>
      schedule(name, {
        ...(cron === undefined ? { every: `${every ?? 0}s` } : { cron }),
        timezone,
        overlap,
        catchUp,
        within: within === undefined ? undefined : `${within}s`,
        call: (firing) => {
          if (isPicky && !isWanted(Date.parse(firing.at))) return null
          const work = { ...firing, id: `${firing.schedule} ${firing.at}` }
          return rest === null ? desk.note(work) : job({ ...work, rest })
        },
      }),
    ),
  })
}
