// What sessions call themselves, and which of them are ended when they hold up another: a session of a process that is gone,
// or hangs, in the middle of a batch. Used by PostgresStore and by what opens its connections.
import type { Step } from './texts.ts'

/** How sessions call themselves: only such a one is ended. */
export const SESSION_NAME = 'ballet'

/** And while they make or change a schema: that takes as long as it takes, and nodes that wait for it are not to end it. */
export const LAYOUT_NAME = 'ballet layout'

/**
 * Ends whoever holds up what is under way in the session of this process of the server. One that waits for a standby has committed
 * already: the end of that wait would only make readable what the standby may not have.
 */
export function endBlockers(pid: number): Step {
  const text = `SELECT pg_terminate_backend(pid) FROM unnest(pg_blocking_pids($1::int)) AS pid
    JOIN pg_stat_activity AS session USING (pid) WHERE session.application_name = $2 AND session.wait_event IS DISTINCT FROM 'SyncRep'`
  return { text, parameters: [String(pid), SESSION_NAME] }
}
