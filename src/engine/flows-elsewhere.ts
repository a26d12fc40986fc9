// Flows of a shard that is not here: the monitor of whoever owns it writes a flow a moment after its events (monitor.ts), and
// nobody else can have it do so at once. Whoever asks waits for that moment, in which the row without a key says that what was
// durable when they asked stands in the rows. While nobody owns the shard nobody writes it: then the rows are answered as they
// are. Used by elsewhere.ts.
import type { StoreReader } from '../core/store.ts'
import type { ChoreographyDefinition } from '../define/definition.ts'
import { keysMeant } from './flow-views.ts'
import type { Patience } from './patience.ts'

/** Of which flows it is asked: those of all choreographies, or of one; of all keys, or of one. */
export interface FlowsOf {
  readonly choreography?: string
  /** `field:value`, or the value alone. */
  readonly key?: string
}

export interface FlowsElsewhereOptions {
  readonly store: StoreReader
  readonly ns: string
  readonly choreographies: readonly ChoreographyDefinition[]
  readonly patience: Patience
}

/** Longer than an owner that has nothing to wait for takes to write a flow that goes on (monitor.ts). */
const WRITTEN_MS = 2000
/** Pauses between looks: an owner writes the most after 50 ms, and the rest after 250. */
const LOOK_MS = [20, 20] as const
const PAGE = 1000

/** Resolves when the flows of a shard stand in the store as the events do that are durable by now, or that takes too long. */
export async function flowsStand(
  options: FlowsElsewhereOptions,
  shard: number,
  { choreography, key }: FlowsOf,
): Promise<void> {
  const asked = options.choreographies.filter(({ name }) => choreography === undefined || name === choreography)
  await Promise.all(asked.map((one) => flowStands(options, shard, one, key)))
}

async function flowStands(
  { store, ns, patience }: FlowsElsewhereOptions,
  shard: number,
  { name, key: field, flow }: ChoreographyDefinition,
  key?: string,
): Promise<void> {
  /** Up to which position all events have been taken and written; null where nobody follows the choreography. */
  const written = async (): Promise<number | null> => (await store.flowsOf(shard, ns, name, ['']))[0]?.pos ?? null
  const known = await written()
  if (known === null) return
  let last = known
  for (const one of key === undefined ? [key] : keysMeant(field, key))
    for (let count = PAGE; count === PAGE;) {
      const events = await store.events(shard, { ns, types: [...flow.types], key: one, after: last, limit: PAGE })
      last = events.at(-1)?.pos ?? last
      count = events.length
    }
  if (last > known) await patience.until(async () => ((await written()) ?? last) >= last || null, WRITTEN_MS, LOOK_MS)
}
