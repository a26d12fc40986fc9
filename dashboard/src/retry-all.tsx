// Retries all runs that are stuck alike: one fault of a service leaves many. Asks first, as every deed does.
import { useMutation } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { api } from './api.ts'
import { AskDialog, Reason, reasonOf } from './ask-dialog.tsx'
import { client, useNot } from './queries.ts'
import { actedAllWords, printable } from './shown.ts'

interface Alike {
  readonly name: string
  readonly reason: string | undefined
}

export function RetryAll({ alike }: { readonly alike: Alike }): ReactNode {
  const { name, reason } = alike
  const [isAsked, setAsked] = useState(false)
  const not = useNot('act')
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
      <button type="button" onClick={ask} disabled={not !== undefined}>
        Retry all
      </button>{' '}
      {not === undefined ? null : <span className="dim small">{not}</span>}
      <span role="status">
        {doing.data === undefined ? '' : `${actedAllWords(doing.data)}${doing.data.more ? ' There are more.' : ''}`}
      </span>
      {isAsked ? (
        <AskDialog
          heading={`Retry all stuck runs of ${printable(name)}`}
          action="Retry all"
          error={doing.error}
          isBusy={doing.isPending}
          onDo={(form) => doing.mutate(form)}
          onClose={() => setAsked(false)}
        >
          <p>
            All that are stuck{reason === undefined ? '' : ` for the reason ${reason}`}, up to the newest 1,000,
            whatever their errors are, are tried again at once, each with its own idempotency key.
          </p>
          <Reason />
        </AskDialog>
      ) : null}
    </>
  )
}
