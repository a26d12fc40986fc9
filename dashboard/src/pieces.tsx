// Small things that every page is put together from: how a status looks, how a value is shown (always as text), a thing to
// copy, what went wrong. A status is never told by its colour alone.
import { useEffect, useRef, useState, type ReactNode } from 'react'
import { Problem, serverNow } from './api.ts'
import { href } from './router.ts'
import { printable, shownTime, showMs, type EventView, type RunView, type UnreadableView } from './shown.ts'

type Tone = 'good' | 'going' | 'care' | 'bad' | 'quiet'

const TONES: Readonly<Record<string, Tone>> = {
  completed: 'good',
  running: 'going',
  stuck: 'care',
  failed: 'bad',
  cancelled: 'quiet',
  complete: 'good',
  'on track': 'going',
  'may end': 'going',
  overdue: 'care',
  broken: 'bad',
  owner: 'good',
  standby: 'going',
  leaving: 'care',
  gone: 'bad',
  active: 'going',
  paused: 'care',
}
const GLYPHS: Readonly<Record<Tone, string>> = { good: '✓', going: '●', care: '▲', bad: '✕', quiet: '■' }

export const toneOf = (state: string): Tone => TONES[state] ?? 'quiet'

/** What belongs among others and cannot be shown: a damaged page, or a key of the codec that is gone. The words name it. */
export function Unreadable({ of }: { readonly of: readonly UnreadableView[] }): ReactNode {
  return of.map(({ id, error }) => (
    <p key={id} className="group bad">
      {printable(error.message)}
    </p>
  ))
}

/** How a run, a flow or a node stands. */
export function State({ of: state, phase }: { readonly of: string; readonly phase?: string | undefined }): ReactNode {
  const tone = toneOf(state)
  return (
    <span className={`state ${tone}`}>
      <span aria-hidden="true">{GLYPHS[tone]}</span> {state}
      {phase === undefined ? null : <span className="phase">, {phase}</span>}
    </span>
  )
}

/** A moment, as UTC; how long ago it was stands first where that is asked for. */
export function When({ at, ago = false }: { readonly at: string; readonly ago?: boolean }): ReactNode {
  const past = serverNow() - Date.parse(at)
  const words = past < 0 ? `in ${showMs(-past)}` : `${showMs(roughly(past))} ago`
  return (
    <time dateTime={at} title={shownTime(at)}>
      {ago ? words : shownTime(at)}
    </time>
  )
}

/** Milliseconds say nothing of what was minutes ago, nor seconds of what was hours ago. */
const STEPS: readonly (readonly [from: number, to: number])[] = [
  [86_400_000, 8_640_000],
  [3_600_000, 360_000],
  [60_000, 60_000],
  [1000, 1000],
]
const roughly = (ms: number): number => {
  const [, step = 1] = STEPS.find(([from]) => ms >= from) ?? []
  return Math.floor(ms / step) * step
}

/** The page of a run. */
export function RunLink({ id, children }: { readonly id: string; readonly children?: ReactNode }): ReactNode {
  return (
    <a className="id" href={href(['runs', id])}>
      {children ?? shownId(id)}
    </a>
  )
}

export function KeyLink({ of: key, most }: { readonly of: RunView['key']; readonly most?: number }): ReactNode {
  if (key === null) return <span className="dim">no key</span>
  return (
    <a className="id" href={href(['keys', key.field, key.value])}>
      {shownId(`${key.field}:${key.value}`, most)}
    </a>
  )
}

/** An event's name as a cause. */
export const refOf = ({ source, id }: Pick<EventView, 'source' | 'id'>): string => `event:${source}:${id}`

/** The page of an event, by its reference and where its causal graph began. */
export function EventLink({
  to,
  root,
  children,
}: {
  readonly to: string
  readonly root: string
  readonly children?: ReactNode
}): ReactNode {
  return (
    <a className="id" href={href(['events', to], { root })}>
      {children ?? shownId(to.slice('event:'.length))}
    </a>
  )
}

/** What `run:<id>` or `event:<source>:<id>` of a causal graph names. */
export function RefLink({ to, root }: { readonly to: string; readonly root: string }): ReactNode {
  return to.startsWith('run:') ? <RunLink id={to.slice('run:'.length)} /> : <EventLink to={to} root={root} />
}

const ID_SHOWN = 64

/** An id on one line; a long one is cut in its middle, where many are alike. */
export function shownId(id: string, most = ID_SHOWN): string {
  const text = printable(id).replaceAll('\n', '\\n')
  return text.length <= most ? text : `${text.slice(0, most - 13)}…${text.slice(-12)}`
}

const SHOWN_AT_ONCE = 20_000

/** A value as indented JSON, as text and never as anything else. A long one is shown in part until it is asked for. */
export function Value({ of: value }: { readonly of: unknown }): ReactNode {
  const [isWhole, setWhole] = useState(false)
  const text = printable(JSON.stringify(value, null, 2) ?? '')
  const isLong = text.length > SHOWN_AT_ONCE
  return (
    <div className="value">
      <pre tabIndex={0}>{isLong && !isWhole ? `${text.slice(0, SHOWN_AT_ONCE)}…` : text}</pre>
      {isLong && !isWhole ? (
        <button type="button" onClick={() => setWhole(true)}>
          Show all {text.length.toLocaleString('en')} characters
        </button>
      ) : null}
    </div>
  )
}

/** Text that can be taken along: a command, an id. */
export function Copy({ text, label }: { readonly text: string; readonly label?: string }): ReactNode {
  const [said, setSaid] = useState<'Copied' | 'Not copied' | ''>('')
  const isHere = useRef(true)
  useEffect(() => {
    isHere.current = true
    return () => {
      isHere.current = false
    }
  }, [])
  const copy = async (): Promise<void> => {
    const done = await copied(text)
    if (isHere.current) setSaid(done ? 'Copied' : 'Not copied')
  }
  return (
    <span className="copy">
      <code>{label ?? text}</code>
      <button type="button" onClick={() => void copy()} aria-label={`Copy ${label ?? text}`}>
        {said === '' ? 'Copy' : said}
      </button>
    </span>
  )
}

/** Whether the text is in the clipboard. Over plain http from another machine a browser has none to offer. */
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}

/** What went wrong, and what to do. */
export function Failure({ of: error }: { readonly of: Error | null | undefined }): ReactNode {
  if (error == null) return null
  const { message } = error
  const problem = error instanceof Problem ? error : undefined
  return (
    <div className="failure" role="alert">
      <strong>{printable(message)}</strong>
      {problem?.hint ? <p>{printable(problem.hint)}</p> : null}
      {problem?.code ? <code className="dim">{problem.code}</code> : null}
    </div>
  )
}

export function Empty({ children }: { readonly children: ReactNode }): ReactNode {
  return <p className="empty">{children}</p>
}

export function Loading(): ReactNode {
  return <p className="empty">Asking the server…</p>
}

/** A part of a page under a heading. */
export function Part({
  title,
  note,
  children,
}: {
  readonly title: string
  readonly note?: ReactNode
  readonly children: ReactNode
}): ReactNode {
  return (
    <section className="part">
      <h2>
        {title}
        {note === undefined ? null : <span className="note"> {note}</span>}
      </h2>
      {children}
    </section>
  )
}

export interface Fact {
  readonly name: string
  readonly value: ReactNode
}

/** Names with what stands for them; without those that have nothing. */
export function Facts({ of: facts }: { readonly of: readonly (Fact | false)[] }): ReactNode {
  return (
    <dl className="facts">
      {facts.flatMap((fact) =>
        fact === false
          ? []
          : [
              <div key={fact.name}>
                <dt>{fact.name}</dt>
                <dd>{fact.value}</dd>
              </div>,
            ],
      )}
    </dl>
  )
}
