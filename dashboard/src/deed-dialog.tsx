// The dialog in which a person confirms what is to be done to a run: to what of it, with what, who and why.
import { useState, type ReactNode } from 'react'
import type { Body } from './api.ts'
import { AskDialog, Reason, reasonOf, textOf } from './ask-dialog.tsx'
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

/** Taking back is a matter of the flow's own events there. */
const CANCEL_FLOW =
  'What is under way is asked to stop, and no further call is made. Nothing is taken back by that: publish the event that does so in the flow.'

export function DeedDialog(props: DialogProps): ReactNode {
  const { title, run, possible, error, isBusy, onDo, onClose } = props
  const [op, setOp] = useState(possible.targets[0]?.op)
  const heading = (
    <>
      {title}: <span className="id">{printable(run.id)}</span>
    </>
  )
  const confirmed = (form: FormData): void => onDo(deedsOf(possible.deed, form))
  return (
    <AskDialog heading={heading} action={title} error={error} isBusy={isBusy} onDo={confirmed} onClose={onClose}>
      <p>{possible.deed === 'cancel' && run.kind === 'choreography' ? CANCEL_FLOW : WHAT[possible.deed]}</p>
      {possible.targets.length > 0 ? <Targets targets={possible.targets} onChoose={setOp} /> : null}
      <Extra {...props} op={op} />
      {possible.deed === 'signal' ? null : <Reason />}
    </AskDialog>
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

function deedsOf(deed: Deed, form: FormData): Deeds {
  const json = (name: string): unknown => written(textOf(form, name))
  const target = textOf(form, 'op')
  const op = target === '' ? {} : { op: target }
  if (deed === 'signal') return { deed, name: textOf(form, 'name'), body: { data: json('data'), id: freshId() } }
  const reason = reasonOf(form)
  switch (deed) {
    case 'answer':
      return { deed, name: '', body: { ...op, value: json('value'), ...reason } }
    case 'fail': {
      const code = textOf(form, 'code')
      const error = { message: textOf(form, 'message'), ...(code === '' ? {} : { code }) }
      return { deed, name: '', body: { ...op, error, ...reason } }
    }
    case 'retry':
      return { deed, name: '', body: { ...op, ...reason } }
    case 'cancel':
      return { deed, name: '', body: reason }
  }
}
