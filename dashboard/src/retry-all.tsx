// Retries all runs that are stuck alike: one fault of a service leaves many. Asks first, as every deed does.
import { useMutation } from '@tanstack/react-query'
import { useEffect, useId, useRef, useState, type FormEvent, type ReactNode } from 'react'
import { api } from './api.ts'
import { Reason, reasonOf } from './deed-dialog.tsx'
import { Failure } from './pieces.tsx'
import { ONLY_READS } from './possible.ts'
import { client, useMayWrite } from './queries.ts'
import { actedAllWords, printable } from './shown.ts'

interface Alike {
  readonly name: string
  readonly reason: string | undefined
}

export function RetryAll({ alike }: { readonly alike: Alike }): ReactNode {
  const [isAsked, setAsked] = useState(false)
  const mayWrite = useMayWrite()
  const doing = useMutation({
    mutationFn: (form: FormData) => api.actOnAll({ action: 'retry', filter: { ...alike }, ...reasonOf(form) }),
    onSuccess: async () => {
      setAsked(false)
      await client.invalidateQueries()
    },
  })
  const ask = (): void => {
    doing.reset()
    setAsked(true)
  }
  return (
    <>
      <button type="button" onClick={ask} disabled={!mayWrite}>
        Retry all
      </button>{' '}
      {mayWrite ? null : <span className="dim small">{ONLY_READS}</span>}
      <span role="status">
        {doing.data === undefined ? '' : `${actedAllWords(doing.data)}${doing.data.more ? ' There are more.' : ''}`}
      </span>
      {isAsked ? (
        <Ask
          alike={alike}
          error={doing.error}
          isBusy={doing.isPending}
          onDo={(form) => doing.mutate(form)}
          onClose={() => setAsked(false)}
        />
      ) : null}
    </>
  )
}

interface AskProps {
  readonly alike: Alike
  readonly error: Error | null
  readonly isBusy: boolean
  readonly onDo: (form: FormData) => void
  readonly onClose: () => void
}

function Ask({ alike: { name, reason }, error, isBusy, onDo, onClose }: AskProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useEffect(() => {
    dialog.current?.showModal()
  }, [])
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    onDo(new FormData(event.currentTarget))
  }
  return (
    <dialog ref={dialog} aria-labelledby={heading} onClose={onClose}>
      <form onSubmit={submit}>
        <h2 id={heading}>Retry all stuck runs of {printable(name)}</h2>
        <p>
          All that are stuck{reason === undefined ? '' : ` for the reason ${reason}`}, up to the newest 1,000, whatever
          their errors are, are tried again at once, each with its own idempotency key.
        </p>
        <Reason />
        <Failure of={error} />
        <div className="buttons end">
          <button type="button" onClick={onClose}>
            Leave it
          </button>
          <button type="submit" className="primary" disabled={isBusy}>
            Retry all
          </button>
        </div>
      </form>
    </dialog>
  )
}
