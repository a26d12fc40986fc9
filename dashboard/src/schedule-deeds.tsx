// What a person does to a schedule: pauses it, lets it go on, fires it by hand. Each asks first.
import { useMutation } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { api, serverNow } from './api.ts'
import { AskDialog, Reason, reasonOf } from './ask-dialog.tsx'
import { RunLink } from './pieces.tsx'
import { client, useNot } from './queries.ts'
import { printable, type ScheduleView } from './shown.ts'

type Deed = 'pause' | 'resume' | 'trigger'

const NAMES: Readonly<Record<Deed, string>> = { pause: 'Pause', resume: 'Resume', trigger: 'Fire' }

const WHAT: Readonly<Record<Deed, string>> = {
  pause: 'It fires no more until it is resumed. What comes due meanwhile is not made up for.',
  resume: 'It goes on with its next time. What came due while it was paused is not made up for.',
  trigger:
    'Starts a run at once, whatever is under way. A time at which it has fired, or will, has one run: it is not begun twice.',
}

export function ScheduleDeeds({ schedule }: { readonly schedule: ScheduleView }): ReactNode {
  const not = useNot('act')
  const [asked, setAsked] = useState<Deed | null>(null)
  const doing = useMutation({
    mutationFn: async (form: FormData): Promise<string | null> => carryOut(schedule.name, asked, form),
    onSuccess: async () => {
      setAsked(null)
      await client.invalidateQueries()
    },
  })
  const deeds: readonly Deed[] = [schedule.state === 'paused' ? 'resume' : 'pause', 'trigger']
  return (
    <>
      <div className="buttons">
        {deeds.map((deed) => (
          <button
            key={deed}
            type="button"
            disabled={not !== undefined}
            aria-label={`${NAMES[deed]} ${printable(schedule.name)}`}
            onClick={() => {
              doing.reset()
              setAsked(deed)
            }}
          >
            {NAMES[deed]}
          </button>
        ))}
      </div>
      <span role="status">
        {typeof doing.data === 'string' ? (
          <>
            Fired: <RunLink id={doing.data} />
          </>
        ) : null}
      </span>
      {asked === null ? null : (
        <Ask
          name={schedule.name}
          deed={asked}
          error={doing.error}
          isBusy={doing.isPending}
          onDo={(form) => doing.mutate(form)}
          onClose={() => setAsked(null)}
        />
      )}
    </>
  )
}

/** The run that it started, if it did. */
async function carryOut(name: string, deed: Deed | null, form: FormData): Promise<string | null> {
  if (deed === null) return null
  if (deed !== 'trigger') {
    await api.hold(name, deed, reasonOf(form))
    return null
  }
  const at = form.get('at')
  return (await api.fire(name, { at, ...reasonOf(form) })).id
}

interface AskProps {
  readonly name: string
  readonly deed: Deed
  readonly error: Error | null
  readonly isBusy: boolean
  readonly onDo: (form: FormData) => void
  readonly onClose: () => void
}

function Ask({ name, deed, ...asked }: AskProps): ReactNode {
  // One moment for all that is sent from here: what is sent twice starts one run.
  const [now] = useState(() => `${new Date(serverNow()).toISOString().slice(0, 19)}Z`)
  const heading = (
    <>
      {NAMES[deed]}: <span className="id">{printable(name)}</span>
    </>
  )
  return (
    <AskDialog heading={heading} action={NAMES[deed]} {...asked}>
      <p>{WHAT[deed]}</p>
      {deed === 'trigger' ? (
        <label>
          For the time <span className="dim">(now, or one at which it was due; UTC)</span>
          <input name="at" required defaultValue={now} spellCheck={false} autoComplete="off" />
        </label>
      ) : null}
      <Reason kept={deed === 'trigger' ? 'the log of the node' : 'the journal'} />
    </AskDialog>
  )
}
