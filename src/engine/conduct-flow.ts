// Begins to conduct a flow: its run, its first event and what follows from that are one batch. A flow that has begun by itself
// is not taken over, because its reactions are under way. Used by the application.
import { fault } from '../core/errors.ts'
import { eventRef } from '../core/ids.ts'
import type { JsonText } from '../core/json.ts'
import { splitKey } from '../core/names.ts'
import type { ConductRequest, Started } from '../define/application.ts'
import type { StoreReader } from '../core/store.ts'
import type { ChoreographyDefinition } from '../define/definition.ts'
import { judgeEvent, writeAsked, type AskedEvent } from './asked-event.ts'
import type { Made } from './as-json.ts'
import type { Judging } from './asked-start.ts'
import { createRun, payloadsOf } from './births.ts'
import type { Taken } from './claims.ts'
import type { Watched } from './conducts.ts'
import type { Shard } from './shard.ts'
import type { ShardContext } from './shard-context.ts'

/** Of a request that does not come as it is. */
interface Before {
  /** What was judged of it already: it has the id of its event, also where none was given. */
  readonly asked?: AskedConduct
  /** Of one that lay in the inbox: takes its row away, with what is written in the same moment, and says how it came out. */
  readonly drain?: (started: Started) => void
}

/**
 * @param own source of events without one.
 * @throws what `Application.conductNamed` says.
 */
export async function conductFlow(
  shard: Shard,
  own: string,
  request: ConductRequest & Made,
  { asked, drain }: Before = {},
): Promise<Started> {
  shard.check()
  const { context } = shard
  const { directory, claims, conducts, writer } = context
  const choreography = directory.choreography(request.choreography)
  const { name } = choreography
  const made = drain === undefined ? undefined : request.made
  const { id, hash, first } = asked ?? judgeConduct(context, own, request, made)
  const { type, key, source } = first
  const names = [
    { space: 'run', id },
    { space: 'event', id: first.name },
  ] as const
  const ref = eventRef(source, first.id)
  const arrival = { workflow: null, runs: 1 + directory.reactionsTo(type).length }
  const place = drain === undefined ? context.admission.enter(arrival) : null
  const watched = conducts.watch(key)
  try {
    const begun = await firstOf(context, choreography, key)
    return await claims.settleAll(
      names,
      async ([run = null, event = null]) => {
        shard.check()
        if (run !== null) {
          const started = await existing(context, run, { id, hash, first })
          return drain === undefined ? started : drained(writer, drain, started)
        }
        checkFree(context, choreography, { key, begun, watched })
        if (event !== null) throw fault('EVENT_CONFLICT', { id: first.id, source })
        if (drain === undefined) context.space.check()
        const named = { id, kind: 'choreography' as const, name, call: name, parent: null, parentOp: null }
        const birth = { ...named, key, root: ref, cause: ref, input: JSON.stringify({ type, data: first.value }), hash }
        createRun(context, birth, payloadsOf(context.encodeAsked, birth))
        try {
          writeAsked(context, first, request)
        } catch (error) {
          // The run is written and its event cannot be (the codec, perhaps): half of it must not become durable.
          context.fail(error)
          throw error
        }
        place?.born()
        if (drain !== undefined) return drained(writer, drain, { id, created: true })
        await new Promise<void>((resolve, reject) => writer.acknowledgement(resolve, reject))
        return { id, created: true }
      },
      drain !== undefined,
    )
  } finally {
    conducts.unwatch(key, watched)
    place?.leave()
  }
}

function drained(writer: ShardContext['writer'], drain: (started: Started) => void, started: Started): Started {
  drain(started)
  writer.flush()
  return started
}

/** A flow that is to be conducted, as somebody outside asks for it. */
export interface AskedConduct {
  /** Of its run. */
  readonly id: string
  /** What makes two requests for it the same. */
  readonly hash: string
  readonly first: AskedEvent
}

/** Of a request that comes from another door. */
export interface FromDoor {
  /** The id of its event was made there: whoever asked has given none. */
  readonly isMade?: boolean | undefined
}

/**
 * @param made what the schema made of the data at another door, where that holds.
 * @throws CHOREOGRAPHY_UNKNOWN, CONDUCT_IMPOSSIBLE, INPUT_INVALID, VALUE_NOT_JSON, REQUEST_INVALID, ID_INVALID
 */
export function judgeConduct(
  judging: Judging,
  own: string,
  request: ConductRequest & FromDoor,
  made?: JsonText,
): AskedConduct {
  const { directory, hash } = judging
  const choreography = directory.choreography(request.choreography)
  directory.checkConductible(choreography)
  const { name } = choreography
  const event = judgeEvent(judging, own, request, made)
  const first = request.isMade === true ? { ...event, given: false } : event
  const { type, key } = first
  checkFirst(choreography, type)
  const id = directory.checkRunId(`${name}:${splitKey(key).value}`)
  return { id, hash: hash({ choreography: name, type, data: request.data }), first }
}

/** @throws REQUEST_INVALID */
function checkFirst({ name, flow }: ChoreographyDefinition, type: string): void {
  const first = flow.expected(flow.start(0))
  if (first.includes(type)) return
  const problem = `"${type}" does not begin the flow ${name}; ${first.join(' or ')} does`
  throw fault('REQUEST_INVALID', { what: 'The request', path: 'type', problem })
}

/** The run exists: whoever asks again is answered when that is durable. @throws RUN_CONFLICT */
async function existing({ writer, store, shard }: ShardContext, taken: Taken, asked: AskedConduct): Promise<Started> {
  await writer.barrier()
  await checkSame(store, shard, taken, asked)
  return { id: asked.id, created: false }
}

/**
 * The run was begun by the event that is asked for: by one with these data and, where an id is given, by the one with that.
 * Without an id whoever asks again means the same. @throws RUN_CONFLICT
 * @param taken the claim of the run, which is durable.
 */
export async function checkSame(
  store: Pick<StoreReader, 'run'>,
  shard: number,
  taken: Taken,
  { id, hash, first }: AskedConduct,
): Promise<void> {
  if (taken.hash !== hash) throw fault('RUN_CONFLICT', { id })
  if (!first.given) return
  // Of a run that is forgotten no more is known than that there was one.
  const cause = (await store.run(shard, taken.num))?.cause ?? null
  if (cause !== null && cause !== eventRef(first.source, first.id)) throw fault('RUN_CONFLICT', { id })
}

/** The first event of a flow that is durable, of all that had been written when it was asked for. */
async function firstOf(
  { store, shard, ns, writer }: ShardContext,
  { events }: ChoreographyDefinition,
  key: string,
): Promise<string | undefined> {
  await writer.barrier()
  const [first] = await store.events(shard, { ns, key, types: events.map(({ type }) => type), limit: 1 })
  return first?.type
}

interface Free {
  readonly key: string
  readonly begun: string | undefined
  readonly watched: Watched
}

/** Nobody conducts the key, and nothing of the flow has come. @throws CONDUCT_REFUSED */
function checkFree(
  context: ShardContext,
  { name, events }: ChoreographyDefinition,
  { key, begun, watched }: Free,
): void {
  const types = events.map(({ type }) => type)
  const [other] = types.flatMap((type) => context.conducts.of(type, key) ?? [])
  if (other !== undefined)
    throw fault('CONDUCT_REFUSED', { name, key, problem: `the run "${other.id}" conducts these events already` })
  const since = watched.events.find((type) => types.includes(type))
  const first = begun ?? since
  if (first !== undefined) throw fault('CONDUCT_REFUSED', { name, key, problem: `it has begun already, with ${first}` })
}
