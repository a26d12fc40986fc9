// Which orders of a comparison go on no more: what is stuck waits for a person, and in a comparison there is none. Used by
// worker.ts, which would wait for their last event for ever.
import type { RunView } from '../../core/views.ts'
import type { Application } from '../../define/application.ts'
import { waitingLine } from '../why-waiting.ts'

const PAGE = 500

/**
 * Whether nothing more comes of an order by itself: none of its runs is under way, or each of these belongs to something of
 * which a run is stuck.
 * @param key of the order; null for all orders.
 */
export async function isLeft(app: Application, key: string | null): Promise<boolean> {
  const known = new Map<string, boolean>()
  for (let cursor: string | undefined; ;) {
    const page = await app.runs({ key: key ?? undefined, status: ['running'], limit: PAGE, cursor })
    for (const { root } of page.items) {
      const isStuck = known.get(root) ?? (await app.runs({ root, status: ['stuck'], limit: 1 })).items.length > 0
      if (!isStuck) return false
      known.set(root, isStuck)
    }
    cursor = page.cursor
    if (cursor === undefined) return true
  }
}

/** Why an order goes on no more, in a line. @param now milliseconds since the epoch. */
export async function whyLeft(app: Application, key: string, now: number): Promise<string> {
  const { items } = await app.runs({ key, limit: PAGE })
  const stuck = await firstStuck(app, items)
  const told = stuck ?? items.find(({ status }) => status === 'failed' || status === 'cancelled')
  if (told === undefined) return `${key}: all of its ${items.length} runs have ended, and its last event did not come`
  return `${key}: ${told.id}: ${waitingLine(told, now)}`
}

/** What is stuck may have no key of its own. */
async function firstStuck(app: Application, runs: readonly RunView[]): Promise<RunView | undefined> {
  for (const root of new Set(runs.map((run) => run.root))) {
    const [stuck] = (await app.runs({ root, status: ['stuck'], limit: 1 })).items
    if (stuck !== undefined) return stuck
  }
  return undefined
}
