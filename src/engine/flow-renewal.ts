// Flows that go on, of a choreography that is another one than the process before had: most of what they say still holds, but nobody
// waits for what another contract did not know. A limit above all is there for the case that nothing comes, so that a flow cannot be
// left as it is until something does. Each is read anew, beside the work of the shard, and is written if it says something else now; one
// that has ended has ended by the contract that it had, but for those that had not ended by today's, which is back: a shorter one in
// between was taken back. Used by monitor.ts.
import { isBalletError } from '../core/errors.ts'
import type { FlowRow } from '../core/store.ts'
import type { FlowStanding } from '../core/store-queries.ts'
import { beforeOf } from './flow-rows.ts'
import { flowOf, forgetIdle, isCrowded, type Followed, type Live } from './followed.ts'
import type { FlowReads } from './flow-reads.ts'
import type { ShardContext } from './shard-context.ts'

const PAGE = 500
/** When a page that could not be read is read again, and when it is looked whether flows that are in memory have been written. */
const AGAIN_MS = 1000
const STANDINGS: readonly FlowStanding[] = ['on track', 'may end', 'overdue', 'broken', 'complete']

/** @returns whether all of them have been read; false when the shard has stopped meanwhile, or some could not be. */
export async function renewFlows(
  context: ShardContext,
  followed: Followed,
  reads: FlowReads,
  isStopped: () => boolean,
): Promise<boolean> {
  const { choreography, flows } = followed
  let areRead = true
  for (const standing of STANDINGS) {
    for (let after = ''; ;) {
      const rows = await page(context, choreography.name, standing, after, isStopped)
      if (isStopped()) return false
      const old: Live[] = []
      for (const row of rows ?? []) {
        const { key, state, pos } = row
        if (pos >= followed.from && choreography.flow.load(state) !== null) continue
        if (standing === 'complete' && beforeOf(row) !== choreography.flow.hash) continue
        // One that is in memory was read, or is about to be.
        const known = flows.get(key)
        const flow = known ?? flowOf(followed, key, null)
        old.push(flow)
        if (known !== undefined) continue
        flows.set(key, flow)
        reads.ask(flow)
      }
      await reads.settled()
      // Others may wait by now, which are none of these.
      areRead &&= old.every(({ waiting }) => waiting === null)
      // Those that say nothing else are not written, so that nobody else lets go of them; the others go when they are durable.
      for (forgetIdle(followed); isCrowded(followed) && !isStopped(); forgetIdle(followed)) await pause(context)
      after = rows?.at(-1)?.key ?? after
      if (rows !== null && rows.length < PAGE) break
    }
  }
  return !isStopped() && areRead
}

/** Null when it cannot be read at the moment. */
async function page(
  context: ShardContext,
  name: string,
  standing: FlowStanding,
  after: string,
  isStopped: () => boolean,
): Promise<readonly FlowRow[] | null> {
  const { store, shard, ns, log } = context
  try {
    return await store.flows(shard, { ns, name, standing, after, limit: PAGE })
  } catch (error) {
    // A store that is closed by now says so, which is nobody's concern.
    if (isStopped()) return null
    if (!isBalletError(error) || error.code !== 'STORE_FAILED') throw error
    log.error(`Flows of ${name} cannot be read, and stand for now as they stood by another contract: ${error.message}`)
    await pause(context)
    return null
  }
}

const pause = ({ clock }: ShardContext): Promise<void> => new Promise((resolve) => void clock.after(AGAIN_MS, resolve))
