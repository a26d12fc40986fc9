// The names of runs that schedules have started (`nightly@20260302T030000Z`), seen by who frees names: as long as a schedule has not
// come past a time, it may make that firing once more, however long it was kept from it, and has to meet what it began.
import { isRecord } from '../core/json.ts'
import { parseText } from '../core/json-text.ts'
import { FIRED, scheduleRun } from './schedules.ts'
import type { ShardContext } from './shard-context.ts'

/** Whether a schedule may still make the firing of this name. @throws STORE_FAILED */
export async function mayBeFired(context: ShardContext, id: string): Promise<boolean> {
  const [, name = '', day, time] = FIRED.exec(id) ?? []
  if (day === undefined || time === undefined) return false
  const { store, place, ns } = context
  const run = scheduleRun(name)
  const shard = place.shardOf(run)
  const [claim = null] = await store.claims(shard, ns, 'run', [run])
  const row = claim === null ? null : await store.run(shard, claim.num)
  if (row === null || row.ended !== null) return false
  const input = parseText(context.decode(row.input, 'input', run))
  const kept = isRecord(input) ? input['kept'] : null
  const planned = isRecord(kept) ? kept['planned'] : null
  const until = isRecord(planned) ? planned['until'] : null
  return typeof until === 'number' && until < timeOf(day, time)
}

const timeOf = (day: string, time: string): number =>
  Date.parse(`${day.replace(/^(....)(..)/, '$1-$2-')}T${time.replace(/^(..)(..)/, '$1:$2:')}Z`)
