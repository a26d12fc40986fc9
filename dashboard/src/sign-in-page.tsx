// Asks for the token where the server asks for one. The token goes to the server once, which keeps it in a cookie that no
// script can read; the page does not keep it.
import { useState, type FormEvent, type ReactNode } from 'react'
import { api, Problem } from './api.ts'
import { client } from './queries.ts'

/** `hasEnded`: there was a session until now. */
export function SignInPage({ hasEnded }: { readonly hasEnded: boolean }): ReactNode {
  const [said, setSaid] = useState('')
  const [isBusy, setBusy] = useState(false)
  const signIn = async (token: string): Promise<void> => {
    setBusy(true)
    try {
      await api.signIn(token)
      setSaid('')
      await client.invalidateQueries()
    } catch (error) {
      const isWrong = error instanceof Problem && error.code === 'TOKEN_REQUIRED'
      setSaid(isWrong ? 'That is not a token of this server.' : error instanceof Error ? error.message : String(error))
    } finally {
      setBusy(false)
    }
  }
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const token = new FormData(event.currentTarget).get('token')
    if (typeof token === 'string' && token !== '') void signIn(token)
  }
  return (
    <main className="sign-in">
      <form className="card" onSubmit={submit}>
        <h1>Ballet</h1>
        {hasEnded ? <p>Your session has ended. Sign in again to go on where you were.</p> : null}
        <label>
          Token
          <input name="token" type="password" autoComplete="current-password" required autoFocus spellCheck={false} />
        </label>
        <p className="hint">
          The one that the server was started with (BALLET_TOKEN), one that only reads (BALLET_READ_TOKEN), or an API
          key.
        </p>
        <button type="submit" className="primary" disabled={isBusy}>
          Sign in
        </button>
        <p className="bad" role="alert">
          {said}
        </p>
      </form>
    </main>
  )
}
