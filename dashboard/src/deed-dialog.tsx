// The dialog in which a person confirms what is to be done to a run: to what of it, with what, who and why.
import { useEffect, useId, useRef, useState, type FormEvent, type ReactNode } from 'react'
import type { Body } from './api.ts'
import { Failure } from './pieces.tsx'
import { JsonField, written } from './json-field.tsx'
import { freshId } from './fresh-id.ts'
import type { Deed, Possible, Target } from './possible.ts'
import { printable, type ApplicationView, type RunView } from './shown.ts'

/** What was confirmed: the body of the request, and the name of a signal. */
export interface Deeds {
  readonly deed: Deed
  readonly name: string
  readonly body: Body
}

interface DialogProps {
  readonly title: string
  readonly run: RunView
  readonly app: ApplicationView | undefined
  readonly possible: Possible
  readonly error: Error | null
  readonly isBusy: boolean
  readonly onDo: (deeds: Deeds) => void
  readonly onClose: () => void
}

const WHAT: Readonly<Record<Deed, string>> = {
  retry: 'It is tried again at once, with the same idempotency key; code that threw or diverged is run as it is today.',
  answer:
    'The call is answered in the place of its service, and nothing is called. Look at the service first: an attempt may have reached it.',
  fail: 'The call fails with this error, and its workflow goes on with that. Without a call, the run ends as failed, and what it did stays done.',
  cancel: 'The run is asked to stop and to take back what it did. Its children are asked too.',
  signal: 'The run gets this signal once.',
}

/** Under which the name of the person is kept in this browser. */
const WHO = 'ballet.by'

export function DeedDialog(props: DialogProps): ReactNode {
  const { title, run, possible, error, isBusy, onClose } = props
  const dialog = useRef<HTMLDialogElement>(null)
  const [op, setOp] = useState(possible.targets[0]?.op)
  const heading = useId()
  useEffect(() => {
    dialog.current?.showModal()
  }, [])
  return (
    <dialog ref={dialog} aria-labelledby={heading} onClose={onClose}>
      <form onSubmit={(event) => submit(event, props)}>
        <h2 id={heading}>
          {title}: <span className="id">{printable(run.id)}</span>
        </h2>
        <p>{WHAT[possible.deed]}</p>
        {possible.targets.length > 0 ? <Targets targets={possible.targets} onChoose={setOp} /> : null}
        <Extra {...props} op={op} />
        {possible.deed === 'signal' ? null : <Reason />}
        <Failure of={error} />
        <div className="buttons end">
          <button type="button" onClick={onClose}>
            Leave it
          </button>
          <button type="submit" className="primary" disabled={isBusy}>
            {title}
          </button>
        </div>
      </form>
    </dialog>
  )
}

interface TargetsProps {
  readonly targets: readonly Target[]
  readonly onChoose: (op: string | undefined) => void
}

function Targets({ targets, onChoose }: TargetsProps): ReactNode {
  const after = targets.find((target) => target.after !== undefined)?.after
  return (
    <>
      {after === undefined ? null : <p className="care">First: {printable(after)}.</p>}
      <label>
        Of what
        <select name="op" onChange={({ target }) => onChoose(target.value === '' ? undefined : target.value)}>
          {targets.map(({ op }) => (
            <option key={op ?? ''} value={op ?? ''}>
              {op === undefined ? 'the run' : printable(op)}
            </option>
          ))}
        </select>
      </label>
    </>
  )
}

/** What this deed asks for besides. */
function Extra({ possible, run, app, error, op }: DialogProps & { readonly op: string | undefined }): ReactNode {
  switch (possible.deed) {
    case 'answer':
      return <AnswerFields key={op} run={run} app={app} target={op} error={error} />
    case 'fail':
      return (
        <>
          <label>
            Message
            <input name="message" required defaultValue="failed by hand" />
          </label>
          <label>
            Code <span className="dim">(may be left out)</span>
            <input name="code" spellCheck={false} />
          </label>
        </>
      )
    case 'signal':
      return (
        <>
          <label>
            Signal
            <select name="name">
              {possible.signals.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
          <JsonField name="data" label="Data" start="{}" error={error} />
        </>
      )
    case 'retry':
    case 'cancel':
      return null
  }
}

interface AnswerProps {
  readonly run: RunView
  readonly app: ApplicationView | undefined
  readonly target: string | undefined
  readonly error: Error | null
}

/** An operation with outcomes is answered with one of them. */
function AnswerFields({ run, app, target, error }: AnswerProps): ReactNode {
  const wait = run.waits.find(({ op }) => op === target)
  const operations = app?.services.flatMap((service) => service.operations) ?? []
  const outcomes = operations.find(({ name }) => name === wait?.for)?.outcomes ?? []
  const key = run.key === null ? {} : { [run.key.field]: run.key.value }
  const start = (type: string | undefined): string =>
    JSON.stringify(type === undefined ? {} : { type, data: key }, null, 2)
  const [type, setType] = useState(outcomes[0])
  return (
    <>
      {outcomes.length === 0 ? null : (
        <label>
          Outcome
          <select value={type} onChange={(event) => setType(event.target.value)}>
            {outcomes.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
      <JsonField
        key={type}
        name="value"
        label="What its service would have answered"
        start={start(type)}
        error={error}
      />
    </>
  )
}

/** Who does it, and why. */
export function Reason({ kept = 'the journal' }: { readonly kept?: string }): ReactNode {
  return (
    <>
      <label>
        Who
        <input
          name="by"
          required
          defaultValue={localStorage.getItem(WHO) ?? ''}
          autoComplete="username"
          maxLength={200}
        />
      </label>
      <label>
        Why
        <input name="why" required maxLength={1000} autoComplete="off" />
      </label>
      <p className="hint">Both stand in {kept}.</p>
    </>
  )
}

/** What was said of that; who it is is kept in this browser. */
export function reasonOf(form: FormData): { readonly by: string; readonly why: string } {
  const text = (name: string): string => {
    const value = form.get(name)
    return typeof value === 'string' ? value.trim() : ''
  }
  if (text('by') !== '') localStorage.setItem(WHO, text('by'))
  return { by: text('by'), why: text('why') }
}

function submit(event: FormEvent<HTMLFormElement>, { possible: { deed }, onDo }: DialogProps): void {
  event.preventDefault()
  const form = new FormData(event.currentTarget)
  const text = (name: string): string => {
    const value = form.get(name)
    return typeof value === 'string' ? value.trim() : ''
  }
  const json = (name: string): unknown => written(text(name))
  const op = text('op') === '' ? {} : { op: text('op') }
  const reason = reasonOf(form)
  switch (deed) {
    case 'signal':
      return onDo({ deed, name: text('name'), body: { data: json('data'), id: freshId() } })
    case 'answer':
      return onDo({ deed, name: '', body: { ...op, value: json('value'), ...reason } })
    case 'fail': {
      const code = text('code') === '' ? {} : { code: text('code') }
      return onDo({ deed, name: '', body: { ...op, error: { message: text('message'), ...code }, ...reason } })
    }
    case 'retry':
      return onDo({ deed, name: '', body: { ...op, ...reason } })
    case 'cancel':
      return onDo({ deed, name: '', body: reason })
  }
}
