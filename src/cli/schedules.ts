// `ballet schedules`: when each schedule fires next, how the run that it started last stands, and who has paused it.
import type { ScheduleView } from '../core/views.ts'
import { PLACE_OPTIONS, type Command } from './command.ts'
import { findWriter } from './discovery.ts'
import { EXIT } from './exit-code.ts'
import { printable } from './printable.ts'
import { table } from './table.ts'
import { print, type Terminal } from './terminal.ts'
import { shownTime } from './times.ts'

export const schedules: Command = {
  name: 'schedules',
  about: 'List the schedules: when each fires next, how the last run ended, who has paused it.',
  words: [],
  options: PLACE_OPTIONS,
  examples: ['ballet schedules', 'ballet schedules --json'],
  async run(given, terminal) {
    const client = await findWriter(given, terminal)
    const view = await client.schedules()
    print(terminal, given.flag('json'), view, () => (view.items.length === 0 ? [] : lines(view.items, terminal)))
    if (view.items.length === 0) terminal.note('The application has no schedule.')
    return EXIT.ok
  },
}

function lines(items: readonly ScheduleView[], { paint, columns }: Terminal): readonly string[] {
  const colours = { active: paint.green, paused: paint.yellow, stuck: paint.red, ended: paint.red }
  const rows = items.map((one) => [
    { text: printable(one.name), colour: paint.bold },
    { text: one.state, colour: colours[one.state] },
    { text: one.cron ?? `every ${one.every}` },
    { text: one.timezone },
    { text: one.next === null ? '-' : shownTime(one.next) },
    { text: printable(lastOf(one)) },
    { text: printable(noteOf(one)) },
  ])
  return table(['SCHEDULE', 'STATE', 'TIMES', 'ZONE', 'NEXT', 'LAST', ''], rows, Math.max(columns, 140), paint)
}

function lastOf({ last }: ScheduleView): string {
  return last === null ? '-' : `${last.run} ${last.status ?? 'forgotten'}`
}

/** What somebody may want to know of it besides. */
function noteOf({ paused, skipped, missed, run, state }: ScheduleView): string {
  const notes = [
    ...(state === 'stuck' || state === 'ended' ? [`see ballet show ${run}`] : []),
    ...(paused === null ? [] : [`paused by ${paused.by}${paused.why === '' ? '' : `: ${paused.why}`}`]),
    ...(skipped === null ? [] : [`left out ${skipped.count}, last ${shownTime(skipped.at)}`]),
    ...(missed === null ? [] : [`missed until ${shownTime(missed.to)}`]),
  ]
  return notes.join('; ')
}
