// The frame around every page: where one can go, the search, who serves. Without a token where one is asked for, nothing but
// the sign-in page is shown.
import { useEffect, useState, type ReactNode } from 'react'
import { api, Problem } from './api.ts'
import { EventPage } from './event-page.tsx'
import { EventsPage } from './events-page.tsx'
import { FlowPage } from './flow-page.tsx'
import { ChoreographiesPage, FlowsPage } from './flows-page.tsx'
import { KeyPage } from './key-page.tsx'
import { NodesPage } from './nodes-page.tsx'
import { Mishap } from './mishap.tsx'
import { OverviewPage } from './overview-page.tsx'
import { Empty } from './pieces.tsx'
import { useApp, useAwaySince, useMayWrite, useSession } from './queries.ts'
import { addressOf, href, useHash, type Address } from './router.ts'
import { shownTime } from './shown.ts'
import { RunPage } from './run-page.tsx'
import { RunsPage } from './runs-page.tsx'
import { SchedulesPage } from './schedules-page.tsx'
import { Search } from './search.tsx'
import { SignInPage } from './sign-in-page.tsx'
import { StartPage } from './start-page.tsx'

const PLACES = [
  { path: [], name: 'Overview' },
  { path: ['runs'], name: 'Runs' },
  { path: ['flows'], name: 'Flows' },
  { path: ['schedules'], name: 'Schedules' },
  { path: ['events'], name: 'Events' },
  { path: ['nodes'], name: 'Nodes' },
  { path: ['start'], name: 'Start' },
] as const

export function App(): ReactNode {
  const session = useSession()
  const [wasIn, setWasIn] = useState(false)
  const isIn = session.data?.signedIn === true
  useEffect(() => {
    if (isIn) setWasIn(true)
  }, [isIn])
  if (session.isPending) return null
  const isRefused = session.error instanceof Problem && session.error.status === 401
  if (isRefused || (session.data?.required === true && !session.data.signedIn)) return <SignInPage hasEnded={wasIn} />
  return <Frame canSignOut={session.data?.required === true} />
}

function Frame({ canSignOut }: { readonly canSignOut: boolean }): ReactNode {
  const hash = useHash()
  const address = addressOf(hash)
  const app = useApp()
  const here = address.path[0] ?? ''
  // A page begins at its top, and says in the title of the window which it is.
  const path = address.path.join('/')
  useEffect(() => {
    // In braces: what it answers is not what undoes the effect.
    window.scrollTo(0, 0)
  }, [path])
  useEffect(() => {
    document.title = [address.path.at(-1), app.data?.name ?? '', 'Ballet'].filter(Boolean).join(' · ')
  }, [path, app.data?.name])
  const away = useAwaySince()
  const { key, scopes } = useSession().data ?? {}
  const mayWrite = useMayWrite()
  return (
    <>
      <a className="skip" href="#content" onClick={toContent}>
        To the content
      </a>
      <header className="top">
        <a className="brand" href={href([])}>
          <span className="mark" aria-hidden="true" />
          Ballet <span className="dim">{app.data?.name}</span>
        </a>
        <Search />
        <span className="live" role="status">
          {away === null ? null : (
            <span className="bad">
              No answer from the server since {shownTime(new Date(away).toISOString()).slice(-9)}: shown is what was
            </span>
          )}
        </span>
        {key == null ? null : (
          <span className="dim" title={`Signed in with an API key that may ${scopes?.join(', ')}`}>
            API key {key.name}
          </span>
        )}
        {mayWrite ? null : (
          <span className="dim" title="Signed in with what only reads">
            Only reads
          </span>
        )}
        {canSignOut ? (
          <button type="button" onClick={() => void signOut()}>
            Sign out
          </button>
        ) : null}
      </header>
      <nav className="places" aria-label="Pages">
        {PLACES.map(({ path: to, name }) => (
          <a key={name} href={href(to)} aria-current={(to[0] ?? '') === here ? 'page' : undefined}>
            {name}
          </a>
        ))}
      </nav>
      <main id="content" tabIndex={-1}>
        <Mishap key={path}>
          <Page address={address} />
        </Mishap>
      </main>
    </>
  )
}

/** The address of a page stands behind the `#`, so that a jump in the page is made by hand. */
function toContent(event: { preventDefault(): void }): void {
  event.preventDefault()
  document.getElementById('content')?.focus()
}

/** The page begins anew: what it has been shown is not kept. */
async function signOut(): Promise<void> {
  try {
    await api.signOut()
  } finally {
    window.location.reload()
  }
}

function Page({ address: { path, query } }: { readonly address: Address }): ReactNode {
  const [place, one, other] = path
  const hasTwo = one !== undefined && other !== undefined
  switch (place) {
    case undefined:
      return <OverviewPage />
    case 'runs':
      return one === undefined ? <RunsPage query={query} /> : <RunPage key={one} id={one} query={query} />
    case 'flows':
      if (one === undefined) return <ChoreographiesPage />
      return hasTwo ? <FlowPage name={one} value={other} query={query} /> : <FlowsPage name={one} query={query} />
    case 'events':
      return one === undefined ? <EventsPage query={query} /> : <EventPage key={one} to={one} query={query} />
    case 'keys':
      return hasTwo ? <KeyPage field={one} value={other} query={query} /> : <Nowhere />
    case 'nodes':
      return <NodesPage />
    case 'schedules':
      return <SchedulesPage />
    case 'start':
      return <StartPage query={query} />
    default:
      return <Nowhere />
  }
}

function Nowhere(): ReactNode {
  return (
    <>
      <h1>No such page</h1>
      <Empty>
        Nothing is at this address. <a href={href([])}>To the overview</a>
      </Empty>
    </>
  )
}
