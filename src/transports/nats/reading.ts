// From where on a stream is read: behind the place that was kept, once it is sure that the stream is the one of which it says so,
// and has what comes behind it. What it has lost is told, by a call that is stuck. Called by intake.ts.
import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream'
import { fault, isBalletError, type BalletError } from '../../core/errors.ts'
import { isRecord, type Json } from '../../core/json.ts'
import type { Here } from './here.ts'
import type { From, Inlet, Refused } from './inlet.ts'
import { failed, type Linked } from './link.ts'

/** How far it is. */
export interface Place {
  /** When the stream was made: by that a new one of the same name is known. */
  readonly created: string
  /** All up to this message of the stream have been taken, or were not for us. */
  readonly after: number
  /** Messages that wait in the stream, as far as was known when the last one came. */
  readonly waiting: number
  /** How old the last message was when it had been taken, milliseconds: by the clocks of the server and of this machine. */
  readonly lateMs: number
}

/** A request to the server for more messages lasts so long; when it is not heard of for that long, it is looked for. */
const EXPIRES_MS = 10_000
/** Messages that are asked for at a time, so that as many of the largest that the server takes have room, bytes. */
const MOST = 500
const LEAST = 16
const MOST_BYTES = 134_217_728
/** A consumer of which nobody has heard goes, nanoseconds. */
const CONSUMER_NS = 60_000_000_000

export interface Reading {
  readonly place: Place
  readonly messages: ConsumerMessages
  /**
   * All that the stream had at a moment when nothing of it was still to be delivered; undefined when something is.
   * @param last that came. @throws when something was delivered behind it, and is lost on the way
   */
  readonly caughtUp: (last: JsMsg | null) => Promise<number | undefined>
  /** How many messages wait behind the last that came and was taken, also those that have come and were not. */
  readonly waiting: (last: () => JsMsg | null) => Promise<number>
  /** Of the first message that the stream still has. */
  readonly firstSeq: () => Promise<number>
  readonly end: () => void
}

/** What is to be read. */
export interface Wanted {
  /** Where the first attempt begins. */
  readonly from: From
  /** How far the attempts before have come; null for the first. */
  readonly known: Place | null
  /** The id of the run that takes. */
  readonly run: string
}

/**
 * Begins to read behind a place, once it is sure that it is one of this stream.
 * @throws NATS_FAILED, INPUT_INVALID for a place that the stream has not come to, and what the application refuses
 */
export async function begin(inlet: Inlet, here: Here, { from, known: kept, run }: Wanted): Promise<Reading> {
  const { link, stream, taking } = inlet
  const linked = await link.open()
  const { created, state, config } = await linked.manager.streams.info(stream)
  if (config.retention !== 'limits')
    throw failed(
      stream,
      `its retention is "${config.retention}", by which it removes what was not taken here; it must be "limits"`,
    )
  /** Before all that it has: what is not there any more was never promised. */
  const all = Math.max(0, state.first_seq - 1)
  const isNow = kept === null && from === 'now'
  const known = isNow ? await firstOf(inlet, here, run, { created, after: state.last_seq }) : kept
  if (known === null) {
    const after = typeof from === 'number' ? from : all
    if (after > state.last_seq) throw beyond(taking, stream, state.last_seq)
    return readBehind(linked, inlet, { created, after, waiting: 0, lateMs: 0 })
  }
  const { after } = known
  const behind = (last: number): Promise<Reading> =>
    readBehind(linked, inlet, { created, after: last, waiting: 0, lateMs: 0 })
  if (known.created !== created) {
    const missed = `it has lost what it had behind message ${after}, if anything: it was made anew`
    await miss(inlet, here, nameOf(known.created, after), missed)
    return behind(all)
  }
  if (state.last_seq < after) {
    const { last_seq: last } = state
    const missed = `it has lost what it had from message ${last + 1} to ${after}, and gives those numbers once more: what was lost had been taken here`
    await miss(inlet, here, `${nameOf(created, after)}-${last}`, missed)
    return behind(last)
  }
  if (state.first_seq > after + 1) {
    await missBefore(inlet, here, known, state.first_seq)
    return behind(state.first_seq - 1)
  }
  return readBehind(linked, inlet, known)
}

/**
 * Where it begins with what comes from now on: that is durable before anything is taken, in a run of its own, whose id another attempt
 * has as well. Otherwise one that begins anew, before its progress is kept, would pass over what came meanwhile.
 */
async function firstOf(inlet: Inlet, here: Here, run: string, now: Pick<Place, 'created' | 'after'>): Promise<Place> {
  const id = `${run}:begins`
  await note(inlet, here, id, now)
  const first = placeOf((await here.begunWith(id)) as Json | undefined)
  if (first === null) throw failed(inlet.stream, `the run ${id} does not say behind which message it begins`)
  return first
}

/** A place, as the input of a run: the first that was said under an id. */
export async function note(
  { noting }: Inlet,
  here: Here,
  id: string,
  { created, after }: Pick<Place, 'created' | 'after'>,
): Promise<void> {
  try {
    await here.startNamed({ call: noting, input: { created, after }, id })
  } catch (error) {
    if (!isBalletError(error) || error.code !== 'RUN_CONFLICT') throw error
  }
}

/** It would wait until the stream has come there, which may be never, and pass over all until then. */
const beyond = (taking: string, stream: string, last: number): BalletError =>
  fault('INPUT_INVALID', {
    what: `the input of ${taking}`,
    path: 'from',
    problem: `the stream ${stream} ends with message ${last}`,
  })

async function readBehind(
  { client, manager, connection, line }: Linked,
  { stream, filter }: Inlet,
  place: Place,
): Promise<Reading> {
  const consumer = await client.consumers.get(stream, {
    filter_subjects: filter,
    opt_start_seq: place.after + 1,
    inactive_threshold: CONSUMER_NS,
  })
  const largest = connection.info?.max_payload ?? MOST_BYTES
  const messages = await consumer.consume({
    max_messages: Math.min(MOST, Math.max(LEAST, Math.floor(MOST_BYTES / largest))),
    expires: EXPIRES_MS,
    abort_on_missing_resource: true,
  })
  // What was under way is lost then, and the server takes it for delivered: it is asked for anew.
  const forget = line.onCut(() => void messages.close())
  return {
    place,
    messages,
    waiting: async (last) => {
      const { num_pending, delivered, name } = await consumer.info()
      // What has been taken by now, and not when it was asked.
      return Math.max(0, num_pending + delivered.consumer_seq - comeOf(last(), name))
    },
    firstSeq: async () => (await manager.streams.info(stream)).state.first_seq,
    caughtUp: async (last) => {
      const { state } = await manager.streams.info(stream)
      const { num_pending, delivered, name } = await consumer.info()
      if (delivered.consumer_seq > comeOf(last, name)) throw failed(stream, 'something was delivered, and has not come')
      return num_pending === 0 ? state.last_seq : undefined
    },
    end: () => {
      forget()
      void messages.close()
      // A server that does not answer is not waited for: it goes by itself.
      consumer.delete().catch(() => {})
    },
  }
}

/** Messages of a consumer up to the one that came last: one that was made anew counts from its beginning. */
const comeOf = (last: JsMsg | null, consumer: string): number =>
  last?.info.consumer === consumer ? last.info.deliverySequence : 0

/** Limits of a stream have removed what came behind a place. */
export async function missBefore(inlet: Inlet, here: Here, { created, after }: Place, first: number): Promise<void> {
  const last = first - 1
  const missed = `it has lost what it had from message ${after + 1} to ${last}, if anything for us: removed there before it was taken`
  await miss(inlet, here, `${nameOf(created, after)}-${last}`, missed)
}

export async function miss({ refused }: Inlet, here: Here, name: string, missed: string): Promise<void> {
  await here.startNamed({ call: refused, input: { missed } satisfies Refused, id: `${refused}:missed:${name}` })
}

/** Of a message: when its stream was made and its place there, without the signs that an id cannot have. */
export const nameOf = (created: string, seq: number): string => `${created.replaceAll(/[^\w.-]/g, '')}.${seq}`

export function placeOf(progress: Json | undefined): Place | null {
  if (!isRecord(progress)) return null
  const { created, after, waiting = 0, lateMs = 0 } = progress
  const areNumbers = [after, waiting, lateMs].every((one) => typeof one === 'number')
  return typeof created === 'string' && areNumbers ? ({ created, after, waiting, lateMs } as Place) : null
}
