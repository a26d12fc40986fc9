// What can be broken in schedules: which times are due, what becomes of one that cannot be kept, and the one run of each. Played on
// stories of schedules.
import type { Mutant } from './mutants.ts'

export const SCHEDULE_MUTANTS: readonly Mutant[] = [
  {
    name: 'made-up-for-after-a-pause',
    breaks: 'what comes due while a schedule is paused is not made up for when it goes on',
    file: 'engine/schedules.ts',
    changes: [
      ['kept?.state.paused == null ? plan.planned : upTo(plan.planned, run.now().getTime())', 'upTo(plan.planned, 0)'],
    ],
    within: 100,
  },
  {
    name: 'pause-swallows',
    breaks: 'what had come due when a schedule was paused is said to be missed',
    file: 'engine/schedule-plan.ts',
    changes: [['missed: leftBy(planned, Math.min(pausedAt, now))', 'missed: leftBy(planned, 0)']],
    within: 500,
  },
  {
    name: 'named-by-the-clock',
    breaks: 'the run of a firing has the id of its time, whenever it is made',
    file: 'engine/schedules.ts',
    changes: [
      [
        'const id = firedRun(schedule.name, firing.at)',
        'const id = firedRun(schedule.name, new Date(this.#there.now()).toISOString())',
      ],
    ],
    within: 10,
  },
  {
    name: 'new-times-for-old',
    breaks: 'what came due before a schedule was changed is judged by the times that it had',
    file: 'engine/schedule-plan.ts',
    changes: [
      [
        '  { catchUp, withinMs }: ScheduleDefinition,\n  { timing, until }: Planned,',
        '  { catchUp, withinMs, timing }: ScheduleDefinition,\n  { until }: Planned,',
      ],
    ],
    within: 500,
  },
  {
    name: 'changed-and-forgotten',
    breaks: 'what came due before a schedule was changed is made up for when it is',
    file: 'engine/schedule-plan.ts',
    changes: [
      [
        'if (planned === null || planned.until >= now)',
        'if (planned === null || planned.until >= now || planned.timing.cron !== timing.cron)',
      ],
    ],
    within: 1000,
  },
  {
    name: 'catches-up-with-all',
    breaks: 'of the times at which nothing ran the latest alone is made up for',
    file: 'engine/schedule-plan.ts',
    changes: [["const most = catchUp === 'all' ? MOST : 1", 'const most = MOST']],
    within: 300,
  },
  {
    name: 'however-long-ago',
    breaks: 'what was due longer ago than a schedule says is not made up for',
    file: 'engine/schedule-plan.ts',
    changes: [['withinMs ?? Number.POSITIVE_INFINITY', 'Math.max(withinMs ?? 0, Number.POSITIVE_INFINITY)']],
    within: 1500,
  },
  {
    name: 'side-by-side',
    breaks: 'while the run before is under way, the next is left out',
    file: 'engine/schedules.ts',
    changes: [["schedule.overlap === 'skip' && before !== null", "schedule.overlap === 'skip' && before === ''"]],
    within: 300,
  },
  {
    name: 'left-out-in-spring',
    breaks: 'a time that the clocks leave out is due when they are set forward',
    file: 'define/zone.ts',
    changes: [['=== after ? late : changeBetween(from, to, zone)', '=== after ? late : late']],
    within: 300,
  },
  {
    name: 'second-of-two',
    breaks: 'a time that the clocks show twice is due at the first',
    file: 'define/zone.ts',
    changes: [['if (offsetAt(early, zone) === before) return early', 'if (before === after) return early']],
    within: 300,
  },
  {
    name: 'sleeps-through-releases',
    breaks: 'a schedule looks what the code of today says when that comes',
    file: 'engine/scheduling.ts',
    changes: [["if (!created) await doors.signal({ run, name: 'look', data: null })", 'void created']],
    within: 1000,
  },
  {
    name: 'firings-free-too-soon',
    breaks: 'the name of a firing that may be made once more is not free',
    file: 'engine/firing-names.ts',
    changes: [['until < timeOf(day, time)', 'until < 0']],
    within: 1500,
  },
]
