// What can be said of a PostgreSQL database from outside, without a store being opened: `ballet doctor` asks. Nothing is
// written.
import type { Clock } from '../../core/clock.ts'
import { readAddress } from './address.ts'
import { failureOf } from './failure.ts'
import { layoutVersion } from './layout.ts'
import { openLink } from './link.ts'
import { loadDriver } from './driver.ts'

export interface Probe {
  /** `18.4`. */
  readonly server: string
  /** 0 when there is no store in the schema. */
  readonly layout: number
  readonly isStandby: boolean
  /** Names of standbys of which one must have a commit before it is acknowledged; empty without. */
  readonly synchronousStandbys: string
  readonly fsync: boolean
  /** One question and its answer. */
  readonly roundTripMs: number
  /** By how much the clock of this machine is ahead of that of the server; milliseconds, right to within the round trip. */
  readonly aheadMs: number
  readonly connections: number
  readonly connectionsAllowed: number
}

/** @throws STORE_UNKNOWN, STORE_UNREACHABLE, STORE_FAILED, STORE_FOREIGN, STORE_NEWER, PACKAGE_MISSING */
export async function probe(url: string, clock: Clock): Promise<Probe> {
  const address = readAddress(url)
  const link = await openLink(await loadDriver(), address, clock, { onlyAsks: true })
  const deadline = link.deadline(address.deadlineMs)
  try {
    const since = clock.now()
    const asked = 'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint::text'
    const [[there] = []] = (await link.send({ text: asked, parameters: [] })).rows
    const roundTripMs = clock.now() - since
    const aheadMs = Math.round(since + roundTripMs / 2 - Number(there))
    const look = `SELECT current_setting('server_version'), pg_is_in_recovery()::int,
      current_setting('synchronous_standby_names'), (current_setting('fsync') = 'on')::int,
      (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), current_setting('max_connections')`
    const [row = []] = (await link.send({ text: look, parameters: [] })).rows
    const [server, isStandby, standbys, fsync, connections, allowed] = row
    return {
      server: String(server).split(' ')[0] ?? '',
      layout: await layoutVersion(link, address.schema, address.name),
      isStandby: isStandby === 1,
      synchronousStandbys: String(standbys),
      fsync: fsync === 1,
      roundTripMs,
      aheadMs,
      connections: Number(connections),
      connectionsAllowed: Number(allowed),
    }
  } catch (error) {
    throw failureOf(error, address.name)
  } finally {
    deadline()
    await link.close()
  }
}
