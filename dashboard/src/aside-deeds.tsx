// What a person does to something that lies aside: has the owner of its shard look at it once more, or drops it for good. Each asks first.
import { useMutation } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { api } from './api.ts'
import { AskDialog, Reason, reasonOf } from './ask-dialog.tsx'
import { client, useNot } from './queries.ts'
import { asideActedWords, lostWords, printable, type AsideAction, type AsideItemView } from './shown.ts'

const NAMES: Readonly<Record<AsideAction, string>> = { retry: 'Try again', drop: 'Drop' }

interface DeedsProps {
  readonly of: AsideItemView
  /** Told what came of a deed, in words. */
  readonly onSaid: (words: string) => void
}

export function AsideDeeds({ of: one, onSaid }: DeedsProps): ReactNode {
  const not = useNot('act')
  const [asked, setAsked] = useState<AsideAction | null>(null)
  const doing = useMutation({
    mutationFn: async (form: FormData) =>
      asked === null ? undefined : api.actOnAside(one.item, asked, reasonOf(form)),
    onSuccess: async (acted) => {
      setAsked(null)
      onSaid(acted === undefined ? '' : asideActedWords(acted))
      await client.invalidateQueries()
    },
  })
  return (
    <>
      <div className="buttons">
        {(['retry', 'drop'] as const).map((action) => (
          <button
            key={action}
            type="button"
            disabled={not !== undefined}
            aria-label={`${NAMES[action]} ${printable(one.id)}`}
            onClick={() => {
              doing.reset()
              setAsked(action)
            }}
          >
            {NAMES[action]}
          </button>
        ))}
      </div>
      {asked === null ? null : (
        <AskDialog
          heading={
            <>
              {NAMES[asked]}: <span className="id">{printable(one.id)}</span>
            </>
          }
          action={NAMES[asked]}
          error={doing.error}
          isBusy={doing.isPending}
          onDo={(form) => doing.mutate(form)}
          onClose={() => setAsked(null)}
        >
          <p>
            {asked === 'drop'
              ? `It is gone for good. ${lostWords(one.kind)}`
              : 'The owner of its shard looks at it at once. It is taken, or lies aside again.'}
          </p>
          <Reason
            kept={asked === 'drop' ? 'the log of the node, and beside what was dropped' : 'the log of the node'}
          />
        </AskDialog>
      )}
    </>
  )
}
