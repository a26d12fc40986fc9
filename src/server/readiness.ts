// Whether the application takes work, as /readyz answers it and as the metric of the same name tells it.
import { fault } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { standbyFault } from '../engine/standing.ts'
import type { Exchange } from './route.ts'

/** How it is ready. @throws NOT_READY, LEASE_UNCONFIRMED, NODE_STANDBY, and what has stopped it */
export async function readiness({ app, passing }: Exchange): Promise<Json> {
  // An engine that has stopped (closed, its disk gone) refuses this too, and its error is the answer.
  await app.describe()
  const { role, owner, isSure } = app.standing
  if (role === 'recovering') throw fault('NOT_READY')
  // One that was away may have been replaced, and does not know it yet.
  if (role === 'owner' && !isSure) throw fault('LEASE_UNCONFIRMED')
  if (role === 'standby') {
    if (!passing.isPossible || owner?.address == null) throw standbyFault(owner)
    const { id, address } = owner
    await passing.check({ id, address })
    return { status: 'standby', owner: address }
  }
  const { runs, stuck, durationMs } = app.recovered
  return { status: 'ready', recovered: { runs, stuck, durationMs } }
}
