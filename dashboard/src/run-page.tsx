// The page of a run. First of all the line that says why it waits and what can be done, in the words of `ballet show`; then what
// a person can do; then all that happened, as a timeline, a graph, a sequence and a journal.
import type { ReactNode } from 'react'
import { serverNow } from './api.ts'
import {
  Copy,
  Facts,
  Failure,
  KeyLink,
  Loading,
  Part,
  RefLink,
  RunLink,
  State,
  Unreadable,
  Value,
  When,
  shownId,
} from './pieces.tsx'
import { useGraph, useRun, useStuckBelow, type Whole } from './queries.ts'
import { JournalView } from './journal-view.tsx'
import { RunActions } from './run-actions.tsx'
import { href } from './router.ts'
import {
  anewLines,
  choiceLines,
  errorWords,
  isStuckAt,
  lengthWords,
  placesOf,
  printable,
  printableView,
  shellWord,
  showMs,
  stuckWords,
  waitingLine,
  waitWords,
  between,
  type RunView,
  type StepView,
  type WaitView,
} from './shown.ts'
import { Tabs, WholeView } from './whole-view.tsx'
import { toneOf } from './pieces.tsx'
import { Table } from './table.tsx'

export function RunPage({ id, query }: { readonly id: string; readonly query: URLSearchParams }): ReactNode {
  const run = useRun(id)
  if (run.data === undefined)
    return (
      <>
        <h1 className="id">{shownId(id)}</h1>
        {run.isPending ? <Loading /> : <Failure of={run.error} />}
      </>
    )
  return (
    <>
      <Head run={run.data} />
      <Failure of={run.error} />
      <WhyLine run={run.data} />
      <RunActions run={run.data} />
      <Body run={run.data} view={query.get('view') ?? 'timeline'} />
    </>
  )
}

function Head({ run }: { readonly run: RunView }): ReactNode {
  return (
    <div className="head">
      <h1 className="id">{printable(run.id)}</h1>
      <State of={run.status} phase={run.phase} />
      <span>
        {run.kind} <a href={href(['runs'], { name: run.name })}>{printable(run.name)}</a>
        <span className="dim"> version {printable(run.version)}</span>
      </span>
      <KeyLink of={run.key} />
    </div>
  )
}

/** Why it waits and what can be done, with links to what it names. */
function WhyLine({ run }: { readonly run: RunView }): ReactNode {
  const below = useStuckBelow(run)
  const line = lineOf(run)
  const others = run.waits.flatMap((wait) => (wait.kind === 'child' ? [wait.for] : (wait.behind ?? [])))
  const choices = [run, ...below].flatMap((one) => choiceLines(printableView(one)))
  const commands = [...choices, ...anewLines(run)].map((text) => text.trim())
  return (
    <section className={`why ${toneOf(run.status)}`} aria-label="Why it waits">
      <p className="line">{line}</p>
      {below.map((one) => (
        <p key={one.id} className="care">
          ▲ It is held up by <RunLink id={one.id} />: {lineOf(one)}
        </p>
      ))}
      {others.length === 0 ? null : (
        <p>
          {others.slice(0, 10).map((id) => (
            <span key={id} className="chip">
              <RunLink id={id} />
            </span>
          ))}
        </p>
      )}
      {commands.length === 0 ? null : (
        <details>
          <summary>The same on a command line</summary>
          {commands.map((text) => (
            <div key={text}>
              <Copy text={text} />
            </div>
          ))}
        </details>
      )}
    </section>
  )
}

const lineOf = (run: RunView): string => waitingLine(printableView(run), serverNow()).replaceAll('\n', ' ')

const VIEWS = ['timeline', 'graph', 'sequence', 'journal', 'data'] as const

function Body({ run, view }: { readonly run: RunView; readonly view: string }): ReactNode {
  const shown = VIEWS.find((name) => name === view) ?? 'timeline'
  const graph = useGraph(run.root)
  return (
    <>
      <ErrorPart run={run} />
      <Waits run={run} />
      {run.steps === undefined ? null : <Steps steps={run.steps} />}
      <Tabs names={VIEWS} shown={shown} to={(name) => href(['runs', run.id], { view: name })} />
      {shown === 'journal' ? (
        <JournalView run={run} />
      ) : shown === 'data' ? (
        <DataView run={run} />
      ) : graph.data === undefined ? (
        graph.isPending ? (
          <Loading />
        ) : (
          <Failure of={graph.error} />
        )
      ) : (
        <>
          <Unreadable of={graph.data.unreadable} />
          <WholeView whole={withRun(graph.data, run)} shown={shown} of={run.id} />
        </>
      )}
      <About run={run} />
    </>
  )
}

/** The graph was asked for at another moment: the run stands in it as the page shows it. */
const withRun = (whole: Whole, run: RunView): Whole => ({
  ...whole,
  runs: [...whole.runs.filter(({ id }) => id !== run.id), run],
})

function ErrorPart({ run }: { readonly run: RunView }): ReactNode {
  const error = run.error ?? run.unread
  if (error === undefined) return null
  const [, ...more] = error.message.split('\n')
  const places = placesOf(error)
  // Its first line stands above.
  if (more.length === 0 && places.length === 0 && error.details === undefined) return null
  return (
    <Part title="Error">
      <p className="bad">{printable(errorWords(error))}</p>
      {more.length === 0 ? null : <pre>{printable(more.join('\n'))}</pre>}
      {places.length === 0 ? null : (
        <ul className="places-thrown">
          {places.map((place) => (
            <li key={place}>
              <code>{printable(place)}</code>
            </li>
          ))}
        </ul>
      )}
      {error.details === undefined ? null : (
        <details>
          <summary>Details</summary>
          <Value of={error.details} />
        </details>
      )}
    </Part>
  )
}

function Waits({ run }: { readonly run: RunView }): ReactNode {
  if (run.waits.length === 0) return null
  return (
    <Part title="What it waits for">
      <ul className="waits">
        {run.waits.map((wait) => (
          <li key={wait.op}>
            <WaitLine run={run} wait={wait} />
          </li>
        ))}
      </ul>
    </Part>
  )
}

function WaitLine({ run, wait }: { readonly run: RunView; readonly wait: WaitView }): ReactNode {
  const [safe, now] = [printableView(wait), serverNow()]
  const isStuck = isStuckAt(run, wait)
  return (
    <>
      <span className={isStuck ? 'care' : ''}>{isStuck ? stuckWords(safe, now) : waitWords(safe, now)}</span>
      {wait.idempotencyKey === undefined ? null : (
        <span className="dim small">
          {' '}
          {wait.kind === 'step' ? 'Its idempotency key is' : 'Its service knows it as'}{' '}
          <Copy text={printable(wait.idempotencyKey)} />
        </span>
      )}
    </>
  )
}

/** The calls of a run that conducts a flow, in the order of the events that asked for them. */
function Steps({ steps }: { readonly steps: readonly StepView[] }): ReactNode {
  return (
    <Part title="Steps" note="the calls of the flow that it conducts">
      <Table label="Steps" heads={['Status', 'Reaction', 'Call', 'Outcome', 'Since']}>
        {steps.map((step) => (
          <tr key={step.op}>
            <td>
              <State of={STEP_STATES[step.status]} />
            </td>
            <td>
              <RunLink id={step.run}>{printable(step.step)}</RunLink>
            </td>
            <td className="id">{printable(step.call)}</td>
            <td className="id">
              {printable(step.error === undefined ? (step.outcome ?? '') : errorWords(step.error))}
            </td>
            <td>
              <When at={step.since} ago />
            </td>
          </tr>
        ))}
      </Table>
    </Part>
  )
}

const STEP_STATES = { open: 'running', done: 'completed', failed: 'failed' } as const satisfies Readonly<
  Record<StepView['status'], RunView['status']>
>

function DataView({ run }: { readonly run: RunView }): ReactNode {
  return (
    <div className="columns">
      <Part title="Input">
        <Value of={run.input} />
      </Part>
      {run.state === undefined ? null : (
        <Part title="State">
          <Value of={run.state} />
        </Part>
      )}
      {run.output === undefined ? null : (
        <Part title="Output">
          <Value of={run.output} />
        </Part>
      )}
    </div>
  )
}

function About({ run }: { readonly run: RunView }): ReactNode {
  const now = serverNow()
  return (
    <Part title="About this run">
      <Facts
        of={[
          { name: 'Began', value: <When at={run.at ?? run.created} /> },
          run.at !== undefined && { name: 'Asked for', value: <When at={run.created} /> },
          run.ended !== null && { name: 'Ended', value: <When at={run.ended} /> },
          { name: 'Length', value: run.phase === 'scheduled' ? 'has not begun' : lengthWords(run, now) },
          run.deadline !== undefined && {
            name: 'Deadline',
            value: (
              <>
                <When at={run.deadline} />
                {run.ended === null ? `, in ${showMs(between(new Date(now).toISOString(), run.deadline, now))}` : ''}
              </>
            ),
          },
          run.call !== undefined && { name: 'Call', value: printable(run.call) },
          run.generation !== undefined && { name: 'Generation', value: run.generation },
          run.parent !== null && { name: 'Parent', value: <RunLink id={run.parent} /> },
          run.cause !== null && { name: 'Cause', value: <RefLink to={run.cause} root={run.root} /> },
          { name: 'Root', value: <RefLink to={run.root} root={run.root} /> },
          run.name === '@schedule' && {
            name: 'Schedule',
            value: <a href={href(['schedules'])}>among the schedules</a>,
          },
          run.kind !== 'choreography' &&
            run.name !== '@schedule' && {
              name: 'Start anew',
              value: <a href={href(['start'], { like: run.id })}>with this input, or another</a>,
            },
          { name: 'Show', value: <Copy text={`ballet show ${shellWord(printable(run.id))}`} /> },
          run.kind === 'workflow' && {
            name: 'Replay',
            value: <Copy text={`ballet replay app.ts --run ${shellWord(printable(run.id))}`} />,
          },
        ]}
      />
    </Part>
  )
}
