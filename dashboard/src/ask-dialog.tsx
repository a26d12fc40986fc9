// The dialog in which a person confirms what is to be done: what it is, what it asks for besides, who does it and why. It is
// open as long as it is drawn. What was confirmed is the form, as a whole.
import { useEffect, useId, useRef, type FormEvent, type ReactNode } from 'react'
import { Failure } from './pieces.tsx'

interface AskDialogProps {
  readonly heading: ReactNode
  /** What is on the button that does it. */
  readonly action: string
  readonly error: Error | null
  readonly isBusy: boolean
  readonly onDo: (form: FormData) => void
  readonly onClose: () => void
  readonly children: ReactNode
}

export function AskDialog({ heading, action, error, isBusy, onDo, onClose, children }: AskDialogProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    dialog.current?.showModal()
  }, [])
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    onDo(new FormData(event.currentTarget))
  }
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <form onSubmit={submit}>
        <h2 id={id}>{heading}</h2>
        {children}
        <Failure of={error} />
        <div className="buttons end">
          <button type="button" onClick={onClose}>
            Leave it
          </button>
          <button type="submit" className="primary" disabled={isBusy}>
            {action}
          </button>
        </div>
      </form>
    </dialog>
  )
}

/** Under which the name of the person is kept in this browser. */
const WHO = 'ballet.by'

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

/** A field of a form, without blanks around it. */
export function textOf(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value.trim() : ''
}

/** What was said of that; who it is is kept in this browser. */
export function reasonOf(form: FormData): { readonly by: string; readonly why: string } {
  const [by, why] = [textOf(form, 'by'), textOf(form, 'why')]
  if (by !== '') localStorage.setItem(WHO, by)
  return { by, why }
}
