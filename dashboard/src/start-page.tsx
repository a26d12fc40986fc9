// Starts a workflow or an operation, publishes an event, or has a flow conducted, with an input that is written as JSON. What the
// schema does not take is said at its line.
import { useMutation } from '@tanstack/react-query'
import { useState, type FormEvent, type ReactNode } from 'react'
import { api, Problem } from './api.ts'
import { freshId } from './fresh-id.ts'
import { JsonField, written } from './json-field.tsx'
import { EventLink, Failure, Loading, RunLink } from './pieces.tsx'
import { client, useApp, useNot, useRun } from './queries.ts'
import { href } from './router.ts'
import { printable, type ApplicationView } from './shown.ts'

const WHATS = ['run', 'event', 'flow'] as const
type What = (typeof WHATS)[number]
const NAMES: Readonly<Record<What, string>> = { run: 'Start a run', event: 'Publish an event', flow: 'Conduct a flow' }

export function StartPage({ query }: { readonly query: URLSearchParams }): ReactNode {
  const app = useApp()
  const what = WHATS.find((one) => one === query.get('what')) ?? 'run'
  const like = query.get('like')
  return (
    <>
      <h1>{NAMES[what]}</h1>
      <nav className="tabs" aria-label="What">
        {WHATS.map((one) => (
          <a key={one} href={href(['start'], { what: one })} aria-current={one === what ? 'true' : undefined}>
            {NAMES[one]}
          </a>
        ))}
      </nav>
      <Failure of={app.error} />
      {app.data === undefined ? (
        <Loading />
      ) : like === null ? (
        <StartForm key={`${what} ${query.get('name')}`} app={app.data} what={what} asked={query.get('name')} />
      ) : (
        <StartLike app={app.data} id={like} />
      )}
    </>
  )
}

/** Another run with the input of one that there is, to be changed first or not. */
function StartLike({ app, id }: { readonly app: ApplicationView; readonly id: string }): ReactNode {
  const run = useRun(id)
  if (run.data === undefined) return run.isPending ? <Loading /> : <Failure of={run.error} />
  const input = JSON.stringify(run.data.input, null, 2)
  return (
    <>
      <p>
        With the input of <RunLink id={id} />. The same id, or key, with the same input is the same run: nothing is
        begun twice.
      </p>
      <StartForm app={app} what="run" asked={run.data.call ?? run.data.name} input={input} />
    </>
  )
}

interface Done {
  readonly what: What
  readonly id: string
  readonly source: string
  readonly created: boolean
}

interface StartProps {
  readonly app: ApplicationView
  readonly what: What
  readonly asked: string | null
  /** What the input begins with. */
  readonly input?: string
}

function StartForm({ app, what, asked, input }: StartProps): ReactNode {
  const names = namesOf(app, what)
  const not = useNot('start')
  const [name, setName] = useState(asked !== null && names.includes(asked) ? asked : (names[0] ?? ''))
  // What is sent twice by a hand that slips is one event. After it was taken, the next one is another.
  const [own, setOwn] = useState(freshId)
  const doing = useMutation({
    mutationFn: (form: FormData) => carryOut(what, form, own, keyOf(app, what, name) !== undefined),
    onSuccess: async () => {
      setOwn(freshId())
      await client.invalidateQueries()
    },
  })
  if (names.length === 0) return <p className="empty">The application has nothing of this kind.</p>
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    doing.mutate(new FormData(event.currentTarget))
  }
  const isAtField = doing.error instanceof Problem && typeof doing.error.details['path'] === 'string'
  return (
    <form className="card start" onSubmit={submit}>
      <label>
        {what === 'flow' ? 'Choreography' : what === 'event' ? 'Type' : 'Workflow or operation'}
        <select name="name" value={name} onChange={(event) => setName(event.target.value)}>
          {names.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      {what === 'flow' ? <FirstEvent app={app} name={name} /> : null}
      <JsonField
        key={name}
        name="data"
        label={what === 'run' ? 'Input' : 'Data'}
        start={input ?? beginning(app, what, name)}
        error={doing.error}
        rows={10}
      />
      <label>
        Id <span className="dim">(may be left out)</span>
        <input
          name="id"
          spellCheck={false}
          autoComplete="off"
          placeholder={what === 'run' ? idHint(app, name) : 'a new one'}
        />
      </label>
      {isAtField ? null : <Failure of={doing.error} />}
      <div className="buttons end">
        <button type="submit" className="primary" disabled={doing.isPending || not !== undefined}>
          {NAMES[what]}
        </button>
      </div>
      {not === undefined ? null : <p className="not dim">Not possible: {not}.</p>}
      <p role="status">{doing.data === undefined ? null : <DoneLine done={doing.data} />}</p>
    </form>
  )
}

function FirstEvent({ app, name }: { readonly app: ApplicationView; readonly name: string }): ReactNode {
  const events = app.choreographies.find((one) => one.name === name)?.events ?? []
  return (
    <label>
      Event that begins it
      <select name="type">
        {events.map((type) => (
          <option key={type}>{type}</option>
        ))}
      </select>
    </label>
  )
}

function DoneLine({ done: { what, id, source, created } }: { readonly done: Done }): ReactNode {
  const ref = `event:${source}:${id}`
  const link =
    what === 'event' ? (
      <EventLink to={ref} root={ref}>
        {printable(id)}
      </EventLink>
    ) : (
      <RunLink id={id} />
    )
  return (
    <>
      {created ? 'Taken' : 'It was there already'}: {link}
    </>
  )
}

function namesOf(app: ApplicationView, what: What): readonly string[] {
  switch (what) {
    case 'run':
      return [...app.workflows, ...app.services.flatMap(({ operations }) => operations)].map(({ name }) => name)
    case 'event':
      return app.events.map(({ type }) => type)
    case 'flow':
      return app.choreographies.map(({ name }) => name)
  }
}

/** The field of the key, where the definition has one. */
function keyOf(app: ApplicationView, what: What, name: string): string | undefined {
  if (what === 'event') return app.events.find(({ type }) => type === name)?.key
  return [...app.workflows, ...app.choreographies].find((one) => one.name === name)?.key
}

function beginning(app: ApplicationView, what: What, name: string): string {
  const key = keyOf(app, what, name)
  return key === undefined ? '{}' : JSON.stringify({ [key]: '' }, null, 2)
}

function idHint(app: ApplicationView, name: string): string {
  const key = keyOf(app, 'run', name)
  return key === undefined ? 'a new one' : `${name}:<${key}>`
}

/** What has no name of its own, by an id or a key, gets that of the form: sent twice, it is one. */
async function carryOut(what: What, form: FormData, own: string, hasKey: boolean): Promise<Done> {
  const text = (name: string): string => {
    const value = form.get(name)
    return typeof value === 'string' ? value.trim() : ''
  }
  const [name, id, data] = [text('name'), text('id'), written(text('data'))]
  switch (what) {
    case 'run': {
      const answer = await api.start({ call: name, input: data, ...(id !== '' ? { id } : hasKey ? {} : { id: own }) })
      return { what, source: '', ...answer }
    }
    case 'event':
      return { what, ...(await api.publish({ type: name, data, id: id || own })) }
    case 'flow': {
      const answer = await api.conduct(name, { type: text('type'), data, ...(id === '' ? {} : { id }) })
      return { what, source: '', ...answer }
    }
  }
}
