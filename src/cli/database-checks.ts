// What `ballet doctor` looks at in a store's database: whether it can be reached and by which Ballet it is understood,
// and the settings of the server on which the promise of a commit rests.
import type { Clock } from '../core/clock.ts'
import { showMs } from '../core/duration.ts'
import { isBalletError } from '../core/errors.ts'
import { SCHEMA_VERSION } from '../core/store.ts'
import { publicUrl } from '../core/store-url.ts'
import { probe, type Probe } from '../stores/postgres/probe.ts'
import type { Check } from './store-checks.ts'

/** Beyond it, the others that want a connection will soon get none. */
const CROWDED = 0.8
const MORE_CONNECTIONS =
  'Raise max_connections, or have fewer: pool in the URL of the store says how many each process has.'
/** What PostgreSQL calls it. */
const TOO_MANY = '53300'
/** Clocks that are kept by a server of time are never so far from each other. */
const ASTRAY_MS = 5000

/** All that can be said of the database of a URL. */
export async function databaseChecks(url: string, clock: Clock): Promise<readonly Check[]> {
  try {
    const found = await probe(url, clock)
    const { aheadMs } = found
    return [
      storeCheck(url, found),
      layoutCheck(found),
      durabilityCheck(found),
      connectionsCheck(found),
      clockCheck(aheadMs),
    ]
  } catch (error) {
    const isFull = isBalletError(error) && String(error.details['problem']).includes(`(${TOO_MANY})`)
    const todo = isFull ? MORE_CONNECTIONS : isBalletError(error) ? error.hint : 'Look at the server.'
    return [{ name: 'store', verdict: 'wrong', found: error instanceof Error ? error.message : String(error), todo }]
  }
}

function storeCheck(url: string, { server, roundTripMs, isStandby }: Probe): Check {
  const found = `${publicUrl(url)}, PostgreSQL ${server}, answers in ${roundTripMs} ms`
  if (!isStandby) return { name: 'store', verdict: 'ok', found }
  const todo = 'Name the primary: a standby answers questions only.'
  return { name: 'store', verdict: 'wrong', found: `${found}, and is a standby`, todo }
}

function layoutCheck({ layout }: Probe): Check {
  if (layout === SCHEMA_VERSION) return { name: 'layout', verdict: 'ok', found: `${layout}` }
  const found = layout === 0 ? 'there is no store yet' : `${layout}, this Ballet has ${SCHEMA_VERSION}`
  return { name: 'layout', verdict: 'warn', found, todo: 'It is made, or migrated, when the application is started.' }
}

function durabilityCheck({ fsync, synchronousStandbys }: Probe): Check {
  const name = 'commits'
  if (!fsync)
    return {
      name,
      verdict: 'wrong',
      found: 'fsync is off: a loss of power loses what was acknowledged',
      todo: 'Set fsync = on in the configuration of the server.',
    }
  return synchronousStandbys === ''
    ? { name, verdict: 'ok', found: 'on the disk of this server; a fail-over to a standby may lose the newest' }
    : { name, verdict: 'ok', found: `on the disk of this server and of a standby (${synchronousStandbys})` }
}

function connectionsCheck({ connections, connectionsAllowed }: Probe): Check {
  const found = `${connections} of ${connectionsAllowed} connections are in use`
  if (connections < connectionsAllowed * CROWDED) return { name: 'server', verdict: 'ok', found }
  return { name: 'server', verdict: 'warn', found, todo: MORE_CONNECTIONS }
}

/** Whether the clock of this machine goes as that of the server, on which leases and epochs are. @param aheadMs of the server's. */
export function clockCheck(aheadMs: number): Check {
  const name = 'clock'
  const by = showMs(Math.abs(aheadMs))
  if (Math.abs(aheadMs) < ASTRAY_MS) return { name, verdict: 'ok', found: 'goes as that of the server' }
  const found = `this machine is ${by} ${aheadMs > 0 ? 'ahead of' : 'behind'} the server`
  const todo =
    'Set it right: schedules, deadlines and sleeps go by it, and what nodes pass on to each other is refused beyond a minute.'
  return { name, verdict: 'warn', found, todo }
}
