// Calls and steps that fail again and again and are made again by themselves: a service is down, say. Nothing of it is stuck yet, and
// the name of the service is what somebody looks for who is called at night. Read from the newest runs of each name that are under
// way, so that it is the same whichever node answers; how many there are in all nobody counts.
import type { ReactNode } from 'react'
import { serverNow } from './api.ts'
import { Failure, Part, RunLink, When } from './pieces.tsx'
import { useFailing } from './queries.ts'
import { href } from './router.ts'
import { printable, showMs, type RunView, type WaitView } from './shown.ts'

/** From so many attempts on it is no passing thing. */
const FEWEST = 2
const SHOWN = 5

interface Failing {
  readonly run: RunView
  readonly wait: WaitView
}

export function FailingCalls(): ReactNode {
  const { data, error } = useFailing()
  const groups = groupsOf(data?.runs ?? [])
  if (error === null && groups.length === 0) return null
  return (
    <Part title="Failing" note="made again by itself; stuck when its attempts are exhausted">
      <Failure of={error} />
      {groups.map((group) => (
        <FailingGroup key={`${group[0]?.wait.from} ${group[0]?.wait.for}`} of={group} isAll={data?.isAll === true} />
      ))}
    </Part>
  )
}

function FailingGroup({ of: all, isAll }: { readonly of: readonly Failing[]; readonly isAll: boolean }): ReactNode {
  const worst = all.toSorted((one, other) => attemptsOf(other) - attemptsOf(one))[0] as Failing
  const { from, for: name, kind, attempt } = worst.wait
  const since = all.map(({ wait }) => Date.parse(wait.since))
  const next = all.map(({ wait }) => Date.parse(wait.attempt?.next ?? '')).toSorted((one, other) => one - other)[0] ?? 0
  const inMs = next - serverNow()
  return (
    <div className="group care">
      <h3>
        {printable(kind === 'step' ? `The step ${name}` : from)} fails{' '}
        <span className="dim">
          {kind === 'step' ? '' : `${printable(name)} `}in {isAll ? '' : 'at least '}
          {all.length.toLocaleString('en')} {all.length === 1 ? 'run' : 'runs'}
        </span>
      </h3>
      <p>
        Attempt {attemptsOf(worst)}: {printable(attempt?.error.message.split('\n')[0] ?? '')}. The first was asked for{' '}
        <When at={new Date(Math.min(...since)).toISOString()} ago />; the next attempt{' '}
        {inMs > 0 ? `in ${showMs(Math.ceil(inMs / 1000) * 1000)}` : 'is due'}.
      </p>
      <p>
        {all.slice(0, SHOWN).map(({ run }) => (
          <span key={run.id} className="chip">
            <RunLink id={run.id} />
          </span>
        ))}
        <a href={href(['runs'], { status: 'running', name: worst.run.name })}>running of {printable(worst.run.name)}</a>
      </p>
    </div>
  )
}

const attemptsOf = ({ wait }: Failing): number => wait.attempt?.number ?? 0

/** By what is called, most runs first. A run stands in each once. */
function groupsOf(runs: readonly RunView[]): readonly (readonly Failing[])[] {
  const groups = new Map<string, Map<string, Failing>>()
  for (const run of runs)
    for (const wait of run.waits) {
      if (wait.attempt == null || wait.attempt.next === null || wait.attempt.number < FEWEST) continue
      const name = `${wait.from} ${wait.for}`
      const group = groups.get(name) ?? new Map<string, Failing>()
      groups.set(name, group.set(run.id, { run, wait }))
    }
  return [...groups.values()].map((group) => [...group.values()]).toSorted((one, other) => other.length - one.length)
}
