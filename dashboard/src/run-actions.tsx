// What a person does to a run. Each deed asks first, in a dialog that says what will happen; who did it and why go into the
// journal of the run. What cannot be done stands there with the reason.
import { useMutation } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { api } from './api.ts'
import { DeedDialog, type Deeds } from './deed-dialog.tsx'
import { client, useKnownApp, useSession } from './queries.ts'
import { lacking, possible, type Deed, type Possible } from './possible.ts'
import { actedWords, printable, type Acted, type RunView } from './shown.ts'

const NAMES: Readonly<Record<Deed, string>> = {
  retry: 'Retry',
  answer: 'Answer in its place',
  fail: 'Let it fail',
  cancel: 'Cancel',
  signal: 'Send a signal',
}

export function RunActions({ run }: { readonly run: RunView }): ReactNode {
  const app = useKnownApp()
  const [asked, setAsked] = useState<Deed | null>(null)
  const [said, setSaid] = useState('')
  const session = useSession().data
  const all = possible(run, app, (scope) => lacking(session, scope))
  const chosen = all.find(({ deed }) => deed === asked)
  const doing = useMutation({
    mutationFn: (deeds: Deeds) => carryOut(run.id, deeds),
    onSuccess: async (words) => {
      setSaid(words)
      setAsked(null)
      await client.invalidateQueries()
    },
  })
  return (
    <section className="actions" aria-label="What can be done">
      <div className="buttons">
        {all.map(({ deed, not }) => (
          <button
            key={deed}
            type="button"
            disabled={not !== undefined}
            title={not === undefined ? undefined : `Not possible: ${not}`}
            className={not === undefined && run.status === 'stuck' && deed === 'retry' ? 'primary' : ''}
            onClick={() => {
              doing.reset()
              setSaid('')
              setAsked(deed)
            }}
          >
            {NAMES[deed]}
          </button>
        ))}
      </div>
      <p className="not dim">{notWords(all)}</p>
      <p className="said" role="status">
        {printable(said)}
        {said !== '' && doing.variables?.deed === 'retry' && run.status === 'stuck'
          ? ' It is stuck still, or again: the timeline ends with its last attempt.'
          : ''}
      </p>
      {chosen === undefined ? null : (
        <DeedDialog
          key={chosen.deed}
          title={NAMES[chosen.deed]}
          run={run}
          app={app}
          possible={chosen}
          error={doing.error}
          isBusy={doing.isPending}
          onDo={(deeds) => doing.mutate(deeds)}
          onClose={() => setAsked(null)}
        />
      )}
    </section>
  )
}

/** The reasons, each with what it holds for. */
function notWords(all: readonly Possible[]): string {
  const reasons = new Map<string, string[]>()
  for (const { deed, not } of all) if (not !== undefined) reasons.set(not, [...(reasons.get(not) ?? []), NAMES[deed]])
  return [...reasons].map(([not, names]) => `${names.join(', ')}: ${not}.`).join(' ')
}

async function carryOut(id: string, { deed, name, body }: Deeds): Promise<string> {
  if (deed !== 'signal') return wordsOf(await api.act(id, deed, body))
  const { created } = await api.signal(id, name, body)
  return created
    ? `The signal ${name} is on its way to ${id}.`
    : `This signal had been sent before; nothing new happened.`
}

const wordsOf = (acted: Acted): string =>
  `${acted.changed ? '' : 'This had been asked for before; nothing new happened. '}${actedWords(acted)}`
