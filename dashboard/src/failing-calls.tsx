// Calls and steps that fail again and again and are made again by themselves: a service is down, say. Nothing of it is stuck yet, and
// the name of the service is what somebody looks for who is called at night. The nodes that carry the runs know of all of them, however
// old; where one does not answer, that is said, and the newest runs under way are looked at, which may be of that node.
import type { ReactNode } from 'react'
import { serverNow } from './api.ts'
import { Failure, Part, RunLink, When } from './pieces.tsx'
import { useFailing, type FailingGroup } from './queries.ts'
import { href } from './router.ts'
import { printable, showMs, type RunView, type WaitView } from './shown.ts'

/** From so many attempts on it is no passing thing. */
const FEWEST = 2

export function FailingCalls(): ReactNode {
  const { data, error } = useFailing()
  const { groups = [], unknown = 0, newest = [] } = data ?? {}
  const all = [...groups, ...othersOf(newest, groups)]
  if (error === null && all.length === 0 && unknown === 0) return null
  return (
    <Part title="Failing" note="made again by itself; stuck when its attempts are exhausted">
      <Failure of={error} />
      {all.map((group) => (
        <Group key={`${group.kind} ${group.name}`} of={group} isAll={unknown === 0} />
      ))}
      {unknown === 0 ? null : (
        <p className="care">
          ▲ Of {unknown} {unknown === 1 ? 'shard' : 'shards'} no node says what fails: of those only the newest runs are
          looked at.
        </p>
      )}
    </Part>
  )
}

function Group({ of: group, isAll }: { readonly of: FailingGroup; readonly isAll: boolean }): ReactNode {
  const { kind, name, calls, attempts, runs, run } = group
  const wait = run === null ? undefined : waitOf(run, group)
  const service = wait?.from ?? name.split('.')[0] ?? name
  return (
    <div className="group care">
      <h3>
        {printable(kind === 'step' ? `A step of ${name}` : service)} fails{' '}
        <span className="dim">
          {kind === 'step' ? '' : `${printable(name)} `}in {isAll ? '' : 'at least '}
          {calls.toLocaleString('en')} {calls === 1 ? 'call' : 'calls'}
        </span>
      </h3>
      <p>
        {attempts} {attempts === 1 ? 'attempt' : 'attempts'} of one of them failed.{' '}
        {wait === undefined ? null : <Wait of={wait} />}
      </p>
      <p>
        {runs.map((id) => (
          <span key={id} className="chip">
            <RunLink id={id} />
          </span>
        ))}
        {run === null ? null : (
          <a href={href(['runs'], { status: 'running', name: run.name })}>running of {printable(run.name)}</a>
        )}
      </p>
    </div>
  )
}

/** What the first of them has met. */
function Wait({ of: { since, attempt } }: { readonly of: WaitView }): ReactNode {
  const inMs = Date.parse(attempt?.next ?? '') - serverNow()
  const [said = ''] = attempt?.error.message.split('\n') ?? []
  return (
    <>
      {printable(said.replace(/\.$/, ''))}. The first was asked for <When at={since} ago />; its next attempt{' '}
      {inMs > 0 ? `in ${showMs(Math.ceil(inMs / 1000) * 1000)}` : 'is due'}.
    </>
  )
}

const isFailing = ({ attempt }: WaitView): boolean =>
  attempt != null && attempt.next !== null && attempt.number >= FEWEST

const nameOf = ({ name }: RunView, wait: WaitView): string => (wait.kind === 'step' ? name : wait.for)

/** For what of a group a run waits. */
const waitOf = (run: RunView, { kind, name }: FailingGroup): WaitView | undefined =>
  run.waits.find(
    (wait) => (wait.kind === 'step') === (kind === 'step') && nameOf(run, wait) === name && isFailing(wait),
  )

/** What fails in these runs and is in no group. */
function othersOf(newest: readonly RunView[], groups: readonly FailingGroup[]): readonly FailingGroup[] {
  const known = new Set(groups.map(({ kind, name }) => `${kind} ${name}`))
  const found = new Map<string, FailingGroup>()
  for (const run of newest)
    for (const wait of run.waits.filter(isFailing)) {
      const kind = wait.kind === 'step' ? 'step' : 'operation'
      const name = nameOf(run, wait)
      if (known.has(`${kind} ${name}`)) continue
      const before = found.get(`${kind} ${name}`) ?? { kind, name, calls: 0, attempts: 0, runs: [], run }
      found.set(`${kind} ${name}`, {
        ...before,
        calls: before.calls + 1,
        attempts: Math.max(before.attempts, wait.attempt?.number ?? 0),
        runs: before.runs.length < SHOWN ? [...new Set([...before.runs, run.id])] : before.runs,
      })
    }
  return [...found.values()].toSorted((one, other) => other.calls - one.calls)
}

const SHOWN = 5
