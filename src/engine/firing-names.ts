// The names of runs that schedules have started (`nightly@20260302T030000Z`), seen by who frees names: as long as a schedule has not
// come past a time, it may make that firing once more, however long it was kept from it, and has to meet what it began.
import { isRecord } from '../core/json.ts'
import { parseText } from '../core/json-text.ts'
import type { RunRow } from '../core/store.ts'
import { orFailure } from './run-rows.ts'
import { FIRED, scheduleRun } from './schedules.ts'
import type { ShardContext } from './shard-context.ts'

/** Whether a schedule may still make the firing of this name; one of which that cannot be read may. @throws STORE_FAILED */
export async function mayBeFired(context: ShardContext, id: string): Promise<boolean> {
  const [, name = '', day, time] = FIRED.exec(id) ?? []
  if (day === undefined || time === undefined) return false
  const { store, place, ns } = context
  const run = scheduleRun(name)
  const shard = place.shardOf(run)
  const [claim = null] = await store.claims(shard, ns, 'run', [run])
  const row = claim === null ? null : await orFailure(store.run(shard, claim.num))
  if (row instanceof Error) return true
  if (row === null || row.ended !== null) return false
  const until = untilIn(context, row)
  return until === 'unread' || (until !== null && until < timeOf(day, time))
}

/** The time that a schedule has come past; null where it has not looked yet, or is gone. */
function untilIn(context: ShardContext, { id, input: payload }: RunRow): number | 'unread' | null {
  try {
    const input = parseText(context.decode(payload, 'input', id))
    const kept = isRecord(input) ? input['kept'] : null
    const planned = isRecord(kept) ? kept['planned'] : null
    const until = isRecord(planned) ? planned['until'] : null
    return typeof until === 'number' ? until : null
  } catch {
    // With a key that is not here, for example: that its run is stuck by it has been said.
    return 'unread'
  }
}

const timeOf = (day: string, time: string): number =>
  Date.parse(`${day.replace(/^(....)(..)/, '$1-$2-')}T${time.replace(/^(..)(..)/, '$1:$2:')}Z`)
