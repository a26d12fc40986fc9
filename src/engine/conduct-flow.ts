// Begins to conduct a flow: its run, its first event and what follows from that are one batch. A flow that has begun by itself
// is not taken over, because its reactions are under way. Used by the application.
import { fault } from '../core/errors.ts'
import { eventRef } from '../core/ids.ts'
import { splitKey } from '../core/names.ts'
import type { ConductRequest, Started } from '../define/application.ts'
import type { ChoreographyDefinition } from '../define/definition.ts'
import { judgeEvent, writeAsked } from './asked-event.ts'
import { createRun } from './births.ts'
import type { Taken } from './claims.ts'
import type { Watched } from './conducts.ts'
import type { Shard } from './shard.ts'
import type { ShardContext } from './shard-context.ts'

/** @param own source of events without one. @throws what `Application.conductNamed` says. */
export async function conductFlow(shard: Shard, own: string, request: ConductRequest): Promise<Started> {
  shard.check()
  const { context } = shard
  const { directory, claims, conducts, writer } = context
  const choreography = directory.choreography(request.choreography)
  const { name } = choreography
  directory.checkConductible(choreography)
  const first = judgeEvent(context, own, request)
  const { type, key, source } = first
  checkFirst(choreography, type)
  const id = directory.checkRunId(`${name}:${splitKey(key).value}`)
  const hash = context.hash({ choreography: name, type, data: request.data })
  const names = [
    { space: 'run', id },
    { space: 'event', id: first.name },
  ] as const
  const ref = eventRef(source, first.id)
  const place = context.admission.enter({ workflow: null, runs: 1 + directory.reactionsTo(type).length })
  const watched = conducts.watch(key)
  try {
    const begun = await firstOf(context, choreography, key)
    return await claims.settleAll(names, async ([run = null, event = null]) => {
      shard.check()
      if (run !== null) return await existing(context, run, { id, hash })
      checkFree(context, choreography, { key, begun, watched })
      if (event !== null) throw fault('EVENT_CONFLICT', { id: first.id, source })
      context.space.check()
      const birth = { kind: 'choreography' as const, name, call: name, parent: null, parentOp: null }
      createRun(context, {
        id,
        ...birth,
        key,
        root: ref,
        cause: ref,
        input: JSON.stringify({ type, data: first.value }),
        hash,
      })
      try {
        writeAsked(context, first, request.cause ?? null)
      } catch (error) {
        // The run is written and its event cannot be (the codec, perhaps): half of it must not become durable.
        context.fail(error)
        throw error
      }
      place.born()
      await new Promise<void>((resolve, reject) => writer.acknowledgement(resolve, reject))
      return { id, created: true }
    })
  } finally {
    conducts.unwatch(key, watched)
    place.leave()
  }
}

/** @throws REQUEST_INVALID */
function checkFirst({ name, flow }: ChoreographyDefinition, type: string): void {
  const first = flow.expected(flow.start(0))
  if (first.includes(type)) return
  const problem = `"${type}" does not begin the flow ${name}; ${first.join(' or ')} does`
  throw fault('REQUEST_INVALID', { what: 'The request', path: 'type', problem })
}

/** The run exists: whoever asks again is answered when that is durable. @throws RUN_CONFLICT */
async function existing(
  { writer }: ShardContext,
  { hash }: Taken,
  asked: { readonly id: string; readonly hash: string },
): Promise<Started> {
  await writer.barrier()
  if (hash !== asked.hash) throw fault('RUN_CONFLICT', { id: asked.id })
  return { id: asked.id, created: false }
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
