// What needs a person first: what is stuck, by reason, then calls that keep failing, then flows that are late or broken, then what is under way, who carries it
// and on which store.
import type { ReactNode } from 'react'
import { FailingCalls } from './failing-calls.tsx'
import { FlowNumbers } from './flow-numbers.tsx'
import { Empty, Failure, Facts, Loading, Part, RunLink, State, Unreadable, When } from './pieces.tsx'
import { useApp, useCounts, useFlowCount, useNewest, useNodes, useRuns, useSchedules, useStuck } from './queries.ts'
import { RetryAll } from './retry-all.tsx'
import { href } from './router.ts'
import { serverNow } from './api.ts'
import {
  flowWords,
  printable,
  printableView,
  waitingLine,
  type CountView,
  type FlowView,
  type RunView,
  type ScheduleView,
} from './shown.ts'
import { Table } from './table.tsx'

export function OverviewPage(): ReactNode {
  const app = useApp()
  return (
    <>
      <h1>Overview</h1>
      <Failure of={app.error} />
      <Numbers />
      <Stuck />
      <FailingCalls />
      {(app.data?.choreographies ?? []).map(({ name }) => (
        <Flows key={name} name={name} />
      ))}
      <Counts />
      <Recent />
      <Serves />
    </>
  )
}

const sum = (counts: readonly CountView[]): number => counts.reduce((runs, one) => runs + one.runs, 0)

function Numbers(): ReactNode {
  const { data, error } = useCounts()
  const of = (status: CountView['status']): string => {
    const runs = sum((data?.counts ?? []).filter((count) => count.status === status))
    // What it was a while ago says nothing of now.
    return data === undefined || error !== null ? '–' : `${runs.toLocaleString('en')}${data.more ? '+' : ''}`
  }
  return (
    <div className="numbers-row">
      <a className="number going" href={href(['runs'], { status: 'running' })}>
        <strong>{of('running')}</strong> running
      </a>
      <a className={`number ${of('stuck') === '0' ? 'quiet' : 'care'}`} href={href(['runs'], { status: 'stuck' })}>
        <strong>{of('stuck')}</strong> stuck
      </a>
      <ScheduleNumber />
      <AsideNumber />
    </div>
  )
}

/** The schedules, when there are any: what does not fire is nowhere else to be seen. */
function ScheduleNumber(): ReactNode {
  const { data, error } = useSchedules()
  const items = data?.items ?? []
  if (items.length === 0 || error !== null) return null
  const of = (state: ScheduleView['state']): number => items.filter((one) => one.state === state).length
  const notes = (['stuck', 'paused'] as const).flatMap((state) => (of(state) === 0 ? [] : [`${of(state)} ${state}`]))
  return (
    <a className={`number ${notes.length === 0 ? 'quiet' : 'care'}`} href={href(['schedules'])}>
      <strong>{items.length}</strong> {items.length === 1 ? 'schedule' : 'schedules'}
      {notes.length === 0 ? '' : `, ${notes.join(', ')}`}
    </a>
  )
}

/** What lies aside, when there is any: it was acknowledged, and nobody will ask for it again. */
function AsideNumber(): ReactNode {
  const { data, error } = useNodes()
  const rows = (data?.aside ?? []).reduce((so, one) => so + one.rows, 0)
  if (rows === 0 || error !== null) return null
  return (
    <a className="number care" href={href(['nodes'])}>
      <strong>{rows.toLocaleString('en')}</strong> {rows === 1 ? 'lies' : 'lie'} aside
    </a>
  )
}

/** Stuck runs of one reason, name and first words of the error: one fault of a service is one group. */
interface Group {
  readonly key: string
  readonly first: RunView
  readonly runs: readonly RunView[]
}

const SHOWN = 5

function Stuck(): ReactNode {
  const stuck = useRuns({ status: 'stuck' })
  const counts = useCounts()
  const runs = stuck.data?.pages.flatMap(({ items }) => items) ?? []
  const unreadable = stuck.data?.pages.flatMap((page) => page.unreadable ?? []) ?? []
  const counted = (counts.data?.counts ?? []).filter(({ status }) => status === 'stuck')
  const all = sum(counted)
  const groups = groupsOf(runs)
  // Many of one fault must not hide the one of another that became stuck before them.
  const older = counted.filter((count) => !runs.some((run) => isOf(run, count)))
  return (
    <Part title="Stuck" note="parked for a person, newest first">
      <Failure of={stuck.error} />
      {stuck.isPending ? <Loading /> : null}
      {/* What could not be asked is not known. */}
      {stuck.data !== undefined && stuck.error === null && runs.length === 0 ? <Empty>Nothing is stuck.</Empty> : null}
      {groups.map((group) => (
        <StuckGroup key={group.key} of={group} count={countOf(group, groups, counted)} />
      ))}
      {older.slice(0, OLDER).map((count) => (
        <OlderStuck key={[count.kind, count.name, count.reason].join(' ')} count={count} />
      ))}
      <Unreadable of={unreadable} />
      {all > runs.length && runs.length > 0 ? (
        <p>
          <a href={href(['runs'], { status: 'stuck' })}>
            Grouped by the errors of the newest {runs.length} of {all.toLocaleString('en')}
          </a>
        </p>
      ) : null}
    </Part>
  )
}

const isOf = (run: RunView, { kind, name, reason }: CountView): boolean =>
  run.kind === kind && run.name === name && run.reason === reason

/** How many stuck runs are of a group, in words: of those of several groups, as many as were read and more. */
function countOf({ first, runs }: Group, groups: readonly Group[], counted: readonly CountView[]): string {
  const all = sum(counted.filter((count) => isOf(first, count)))
  const alike = groups.filter((other) => other.first.name === first.name && other.first.reason === first.reason)
  const read = alike.reduce((so, other) => so + other.runs.length, 0)
  if (all <= read) return runs.length.toLocaleString('en')
  return alike.length === 1 ? all.toLocaleString('en') : `${runs.length.toLocaleString('en')}+`
}

function StuckGroup({ of: { first, runs }, count }: { readonly of: Group; readonly count: string }): ReactNode {
  return (
    <div className="group care">
      <h3>
        <a href={href(['runs'], { status: 'stuck', name: first.name, reason: first.reason })}>
          {count} {count === '1' ? 'run' : 'runs'} of {printable(first.name)}
        </a>{' '}
        <span className="dim">stuck for: {first.reason}</span>
      </h3>
      <p>{waitingLine(printableView(first), serverNow())}</p>
      <p>
        {runs.slice(0, SHOWN).map((run) => (
          <span key={run.id} className="chip">
            <RunLink id={run.id} /> <When at={run.created} ago />
          </span>
        ))}
        {count === `${Math.min(runs.length, SHOWN)}` ? null : (
          <a href={href(['runs'], { status: 'stuck', name: first.name, reason: first.reason })}>all of them</a>
        )}
      </p>
      {count === '1' ? null : <RetryAll alike={{ name: first.name, reason: first.reason }} />}
    </div>
  )
}

/** Kinds of stuck runs that are not among the newest, of which the newest are asked for. */
const OLDER = 10

function OlderStuck({ count: { name, reason, runs } }: { readonly count: CountView }): ReactNode {
  const { data } = useStuck(name, reason ?? '')
  const group = groupsOf(data?.items ?? [])[0]
  return group === undefined ? null : <StuckGroup of={group} count={runs.toLocaleString('en')} />
}

function groupsOf(runs: readonly RunView[]): readonly Group[] {
  const groups = new Map<string, RunView[]>()
  for (const run of runs) {
    const error = run.error ?? run.waits.find(({ attempt }) => attempt?.next === null)?.attempt?.error
    const key = [run.reason, run.name, error?.code, error?.message.split('\n')[0]?.slice(0, 80)].join(' ')
    groups.set(key, [...(groups.get(key) ?? []), run])
  }
  return [...groups].map(([key, some]) => ({ key, first: some[0] as RunView, runs: some }))
}

function Flows({ name }: { readonly name: string }): ReactNode {
  return (
    <Part title={`Flows of ${printable(name)}`} note={<a href={href(['flows', name])}>all</a>}>
      <FlowNumbers name={name} />
      <Late name={name} state="overdue" />
      <Late name={name} state="broken" />
    </Part>
  )
}

/** The flows that want to be looked at, a few of them. */
function Late({ name, state }: { readonly name: string; readonly state: FlowView['state'] }): ReactNode {
  const { data } = useFlowCount(name, state)
  const flows = (data?.flows ?? []).toSorted((one, other) => other.changed.localeCompare(one.changed)).slice(0, SHOWN)
  return flows.map((flow) => (
    <p key={flow.key.value} className={`group ${state === 'broken' ? 'bad' : 'care'}`}>
      <a className="id" href={href(['flows', name, flow.key.value])}>
        {printable(flow.key.value)}
      </a>{' '}
      {flowWords(printableView(flow), serverNow())}
    </p>
  ))
}

function Counts(): ReactNode {
  const counts = useCounts()
  const rows = counts.data?.counts ?? []
  return (
    <Part title="Under way" note="runs that have not ended">
      <Failure of={counts.error} />
      {counts.data === undefined || counts.error !== null ? null : rows.length === 0 ? (
        <Empty>No run is open.</Empty>
      ) : (
        <Table label="Runs under way" heads={['Status', 'Reason', 'Kind', 'Name', { count: 'Runs' }]}>
          {rows.map(({ status, phase, reason, kind, name, runs }) => (
            <tr key={[status, phase, reason, kind, name].join(' ')}>
              <td>
                <State of={status} phase={phase} />
              </td>
              <td>{reason ?? ''}</td>
              <td>{kind}</td>
              <td>
                <a href={href(['runs'], { status, kind, name, reason })}>{printable(name)}</a>
              </td>
              <td className="count">
                <a href={href(['runs'], { status, kind, name, reason })}>{runs.toLocaleString('en')}</a>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Part>
  )
}

const RECENT = 8

function Recent(): ReactNode {
  const runs = useNewest(RECENT).data?.items ?? []
  if (runs.length === 0) return null
  return (
    <Part title="Newest workflows" note={<a href={href(['runs'])}>all runs</a>}>
      <ul className="plain">
        {runs.map((run) => (
          <li key={run.id}>
            <State of={run.status} phase={run.phase} /> <RunLink id={run.id} />{' '}
            <span className="dim">
              <When at={run.created} ago />
            </span>
          </li>
        ))}
      </ul>
    </Part>
  )
}

function Serves(): ReactNode {
  const { data: app } = useApp()
  const nodes = useNodes()
  const data = nodes.error === null ? nodes.data : undefined
  if (app === undefined) return null
  const owners = data?.nodes.filter(({ state }) => state === 'owner') ?? []
  const waiting = data?.shards.reduce((rows, shard) => rows + shard.waiting, 0) ?? 0
  const unowned = data?.shards.filter(({ owner, address }) => owner === null && address === null).length ?? 0
  return (
    <Part title="Where it stands" note={<a href={href(['nodes'])}>nodes</a>}>
      <Facts
        of={[
          { name: 'Application', value: `${printable(app.name)}, version ${printable(app.version)}` },
          {
            name: 'Store',
            value: app.store.kind === 'memory' ? 'in memory' : `${app.store.kind} ${printable(app.store.name)}`,
          },
          { name: 'Nodes', value: data === undefined ? '–' : `${owners.length} of ${data.nodes.length} carry runs` },
          {
            name: 'Shards',
            value:
              data === undefined ? '–' : `${data.shards.length}${unowned > 0 ? `, ${unowned} without an owner` : ''}`,
          },
          { name: 'In the inbox', value: data === undefined ? '–' : waiting.toLocaleString('en') },
          { name: 'Ballet', value: printable(data?.nodes.find(({ self }) => self)?.ballet ?? '–') },
        ]}
      />
    </Part>
  )
}
