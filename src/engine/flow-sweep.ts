// What a retention forgets of flows: those that wait for nothing, since their last event, and all of a choreography that has left
// the code for as long. A choreography may leave for an hour and come back, with its flows where they stood; so the row without a
// key notes since when it is not there, and whoever has the choreography again writes that row anew. A flow is found by its events,
// of which a sweep comes past those that are old: all flows are many more, and most are young. Used by retention.ts.
//
//   followed --the code does not have it--> left --it is back--> followed
//                                           left --runs--> forgotten, with the deadlines that still stand
import { parseText } from '../core/json-text.ts'
import type { FlowGone, FlowRow } from '../core/store.ts'
import type { FlowStanding } from '../core/store-queries.ts'
import { leftOf, NO_RUN, opOfFlow } from './flow-rows.ts'
import type { ShardContext } from './shard-context.ts'

/** What a sweep looks at in one read, and forgets in one batch. */
export const PAGE = 500
export const STEP = 128
/** How flows stand that nobody waits for. */
const OVER: ReadonlySet<FlowStanding> = new Set(['complete', 'may end', 'broken'])

/** Nothing has come of it for so long, and nobody waits for it: it has ended, or could have, or is broken. */
const isOver = ({ standing, changed }: FlowRow, cutoff: number): boolean => changed <= cutoff && OVER.has(standing)

type Rows = ShardContext['writer']['rows']

/** The sweep of which this is a part. */
export interface Sweep {
  readonly isStopped: () => boolean
  /** One batch of its own. */
  readonly step: (write: (rows: Rows) => void) => Promise<void>
}

/**
 * Forgets what is left.
 * @param now milliseconds since the epoch, by the time of the sweep.
 * @param runsMs for how long what is over is kept.
 * @param all comes past every flow and forgets what is due, also where its events are not there any more.
 * @returns the names of all choreographies of which flows may stand.
 */
export async function sweepFlows(
  context: ShardContext,
  sweep: Sweep,
  now: number,
  runsMs: number,
  all: boolean,
): Promise<ReadonlySet<string>> {
  const { store, shard, ns, directory } = context
  const names = new Set([...directory.choreographies.keys(), ...(await store.choreographies(shard, ns))])
  for (const name of names) {
    const place = directory.choreographies.has(name) ? null : await leftPlace(context, sweep, name, now)
    const isGone = place !== null && (leftOf(place) ?? now) <= now - runsMs
    if (all || isGone) await forgetFlows(context, sweep, name, now - runsMs, isGone)
    if (isGone && !sweep.isStopped()) await sweep.step((rows) => void rows.flowsGone.push(place))
  }
  return names
}

/**
 * Forgets the flows of these keys that are due, which goes before their events: as long as one stands, they say how it came to that.
 * @returns the keys of which flows stand.
 */
export async function sweepFlowsOf(
  { store, shard, ns, forgettable }: ShardContext,
  sweep: Sweep,
  names: ReadonlySet<string>,
  keys: readonly string[],
  cutoff: number,
): Promise<ReadonlySet<string>> {
  const standing = new Set<string>()
  for (const name of names) {
    const flows = (await store.flowsOf(shard, ns, name, keys)).filter((flow) => flow !== null)
    const due = flows.filter((flow) => isOver(flow, cutoff))
    let gone: readonly FlowGone[] = []
    if (due.length > 0) await sweep.step((rows) => void rows.flowsGone.push(...(gone = forgettable(due))))
    const goneKeys = new Set(gone.map(({ key }) => key))
    for (const { key } of flows) if (!goneKeys.has(key)) standing.add(key)
  }
  return standing
}

/** The row without a key of a choreography that is not in the code: from now on it says since when. */
async function leftPlace({ store, shard, ns }: ShardContext, sweep: Sweep, name: string, now: number) {
  const [place = null] = await store.flowsOf(shard, ns, name, [''])
  if (place !== null && leftOf(place) === null) {
    const detail = JSON.stringify({ ...(parseText(place.detail) as object), left: now })
    await sweep.step((rows) => void rows.flows.push({ ...place, detail }))
  }
  return place
}

async function forgetFlows(
  { store, shard, ns, forgettable, timers }: ShardContext,
  sweep: Sweep,
  name: string,
  cutoff: number,
  isGone: boolean,
): Promise<void> {
  const forget = (rows: Rows, due: readonly FlowRow[]): void => {
    rows.flowsGone.push(...forgettable(due))
    if (!isGone) return
    // Nobody follows them, so nobody else drops their deadlines.
    for (const row of due.filter((one) => one.due !== null)) {
      const timer = { due: row.due as number, run: NO_RUN, op: opOfFlow(ns, row) }
      rows.timersGone.push(timer)
      timers.remove(timer)
    }
  }
  for (let after = ''; !sweep.isStopped();) {
    const page = await store.flows(shard, { ns, name, after, limit: PAGE })
    const due = page.filter((flow) => isGone || isOver(flow, cutoff))
    for (let at = 0; at < due.length && !sweep.isStopped(); at += STEP)
      await sweep.step((rows) => forget(rows, due.slice(at, at + STEP)))
    after = page.at(-1)?.key ?? after
    if (page.length < PAGE) return
  }
}
