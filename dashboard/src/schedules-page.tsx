// The schedules: when each fires next, how the run that it started last stands, what was left out or missed, who has paused it.
import type { ReactNode } from 'react'
import { Empty, Failure, Loading, RunLink, State, When } from './pieces.tsx'
import { useNot, useSchedules } from './queries.ts'
import { href } from './router.ts'
import { ScheduleDeeds } from './schedule-deeds.tsx'
import { printable, shownTime, type ScheduleView } from './shown.ts'
import { Table } from './table.tsx'

export function SchedulesPage(): ReactNode {
  const { data, error, isPending } = useSchedules()
  const not = useNot('act')
  return (
    <>
      <h1>Schedules</h1>
      <Failure of={error} />
      {isPending ? <Loading /> : null}
      {data?.items.length === 0 ? <Empty>The application has no schedule.</Empty> : null}
      {data === undefined || data.items.length === 0 ? null : <Schedules items={data.items} />}
      {not === undefined || data === undefined || data.items.length === 0 ? null : (
        <p className="not dim">Pause, Resume, Fire: {not}.</p>
      )}
    </>
  )
}

function Schedules({ items }: { readonly items: readonly ScheduleView[] }): ReactNode {
  return (
    <Table label="Schedules" heads={['State', 'Schedule', 'Times', 'Next', 'Last run', 'What can be done']} isRoomy>
      {items.map((one) => (
        <tr key={one.name}>
          <td>
            <State of={one.state} />
          </td>
          <td>
            <RunLink id={one.run}>{printable(one.name)}</RunLink>
          </td>
          <td>
            <code>{printable(one.cron ?? `every ${one.every}`)}</code>
            {one.cron === null ? null : <div className="dim small">{printable(one.timezone)}</div>}
          </td>
          <td>
            <Next of={one} />
          </td>
          <td>
            <Last of={one} />
          </td>
          <td>
            <ScheduleDeeds schedule={one} />
          </td>
        </tr>
      ))}
    </Table>
  )
}

function Next({ of: { state, next, paused, run } }: { readonly of: ScheduleView }): ReactNode {
  if (paused !== null)
    return (
      <>
        paused by {printable(paused.by)} <When at={paused.at} ago />
        {paused.why === '' ? '' : `: ${printable(paused.why)}`}
      </>
    )
  return (
    <>
      {state === 'stuck' && next !== null ? 'was due ' : ''}
      {next === null ? '–' : <When at={next} ago />}
      {next === null ? null : <div className="dim small">{shownTime(next)}</div>}
      {state === 'stuck' ? (
        <div>
          <a href={href(['runs', run])}>why it is stuck, and what can be done</a>
        </div>
      ) : null}
    </>
  )
}

/** What it started last, and what it did not start. */
function Last({ of: { last, skipped, missed } }: { readonly of: ScheduleView }): ReactNode {
  return (
    <>
      {last === null ? (
        '–'
      ) : last.status === null ? (
        <span className="id">
          {printable(last.run)} <span className="dim">forgotten</span>
        </span>
      ) : (
        <>
          <RunLink id={last.run} /> <State of={last.status} />
        </>
      )}
      {skipped === null ? null : (
        <div className={`small ${last?.status === 'stuck' ? 'care' : 'dim'}`}>
          left out {skipped.count.toLocaleString('en')}, last <When at={skipped.at} ago />, behind{' '}
          <RunLink id={skipped.run} />
        </div>
      )}
      {missed === null ? null : (
        <div className="care small">
          ▲ missed from {shownTime(missed.from)} to {shownTime(missed.to)}, when nothing ran
        </div>
      )}
    </>
  )
}
