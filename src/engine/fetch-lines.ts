// The lines of services that fetch their calls: a call waits there until its service has room, and no attempt is made before. When
// nobody asks for work for a while, though calls wait, that stands in the log, once, and once when somebody does again. Used by
// call-limits.ts.
import type { Cancel, Clock } from '../core/clock.ts'
import type { KeptRoom, Room } from '../core/transport.ts'
import type { ApplicationView, PlaceView } from '../core/views.ts'
import type { Log, ServiceDefinition } from '../define/definition.ts'
import type { CallLimit } from '../define/service-limits.ts'

/** For how long a call waits before that nobody fetches it is said. */
const SAID_AFTER_MS = 30_000

export class FetchLines {
  readonly #clock: Clock
  readonly #log: Log
  readonly #said = new Set<Room>()

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  /** Calls back when there may be room. Null for a limit without a room, and where there is some now. */
  whenFree({ room, name }: CallLimit, tell: () => void): Cancel | null {
    if (room === undefined || room.free > 0) return null
    let cancel: Cancel = () => {}
    const off = room.whenFree(() => {
      cancel()
      tell()
    })
    if (this.#said.has(room)) return off
    const look = (): void => {
      const since = room.unaskedSince
      if (since === null) return void (cancel = this.#clock.after(SAID_AFTER_MS, look))
      this.#said.add(room)
      const at = iso(since)
      this.#log.warn(`Calls wait at ${name}, and nobody has asked for its work since ${at}`, { name, since: at })
    }
    cancel = this.#clock.after(SAID_AFTER_MS, look)
    return () => {
      off()
      cancel()
    }
  }

  /** Keeps room for one attempt. */
  reserve({ room, name }: CallLimit): KeptRoom | undefined {
    if (room === undefined) return undefined
    if (this.#said.delete(room)) this.#log.info(`The work of ${name} is fetched again`, { name })
    return room.reserve()
  }
}

/** By which name it is counted: a service may be limited as well. */
export const countedAs = ({ name, room }: CallLimit): string => (room === undefined ? name : `${name} (fetched)`)

/** For what a call waits, as operators see it. */
export function placeView({ limit, value, taken: running }: LineSeen, before: number): PlaceView {
  const { name: at, words, room } = limit
  const per = limit.per === null ? {} : { per: { field: limit.per, value } }
  if (room === undefined) return { at, limit: words, ...per, before }
  return { at, limit: words, before, fetched: { running, unasked: unaskedOf(room) } }
}

/** How a service stands that fetches its calls; nothing of any other. */
export function fetchedOf(
  { operations: [first] }: ServiceDefinition,
  limits: { countsOf(name: string): { readonly waiting: number; readonly running: number } },
): Pick<ApplicationView['services'][number], 'fetched'> {
  const line = first?.elsewhere?.work?.line
  if (line?.room === undefined) return {}
  const { waiting, running } = limits.countsOf(countedAs(line))
  return { fetched: { waiting, running, unasked: unaskedOf(line.room) } }
}

interface LineSeen {
  readonly limit: CallLimit
  readonly value: string
  readonly taken: number
}

function unaskedOf({ unaskedSince: since }: Room): string | null {
  return since === null ? null : iso(since)
}

const iso = (ms: number): string => new Date(ms).toISOString()
