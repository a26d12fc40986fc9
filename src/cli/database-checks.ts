// What `ballet doctor` looks at in a store's database: whether it can be reached and by which Ballet it is understood,
// and the settings of the server on which the promise of a commit rests.
import type { Clock } from '../core/clock.ts'
import { isBalletError } from '../core/errors.ts'
import { SCHEMA_VERSION } from '../core/store.ts'
import { publicUrl } from '../core/store-url.ts'
import { probe, type Probe } from '../stores/postgres/probe.ts'
import type { Check } from './store-checks.ts'

/** Beyond it, the others that want a connection will soon get none. */
const CROWDED = 0.8

/** All that can be said of the database of a URL. */
export async function databaseChecks(url: string, clock: Clock): Promise<readonly Check[]> {
  try {
    const found = await probe(url, clock)
    return [storeCheck(url, found), layoutCheck(found), durabilityCheck(found), connectionsCheck(found)]
  } catch (error) {
    const todo = isBalletError(error) ? error.hint : 'Look at the server.'
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
  const todo = 'Raise max_connections, or have fewer: pool in the URL of the store says how many each process has.'
  return { name: 'server', verdict: 'warn', found, todo }
}
