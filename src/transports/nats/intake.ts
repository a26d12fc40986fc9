// Takes events from a stream for as long as the application is open: one attempt of one call, which is under way at one node at a
// time and goes on at another when that is gone. How far it is, is its progress; what it takes twice after a crash has an id, by
// which the store knows it. Each message comes to one of
//
//   skipped    it is of a type that is not asked for, or came from here
//   taken      its event is durable in the log
//   refused    it is no event, or one that its schema refuses: a call of its own, stuck, which a person tries again or cancels
//
// Messages of one key are taken in their order, others beside each other. Called by transport.ts.
import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream'
import { elapsedOf, type Clock } from '../../core/clock.ts'
import { asError, isBalletError } from '../../core/errors.ts'
import { isRecord, type Json } from '../../core/json.ts'
import type { Heard } from '../../core/transport.ts'
import { batchesOf, within } from './batches.ts'
import type { Here, TakenEvent } from './here.ts'
import { failed, type Link, type Linked } from './link.ts'

/** A message, as plain data. */
export interface NatsMessage {
  readonly subject: string
  /** By names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly data: Uint8Array
}

/** Reads the event in a message; null when it has none that concerns us. @throws what is wrong with it */
export type ReadMessage = (message: NatsMessage) => TakenEvent | null

/** Where the first attempt begins: with all that the stream has, with what comes from now on, or behind a message. */
export type From = 'all' | 'now' | number

export interface Inlet {
  readonly link: Link
  readonly stream: string
  /** Of the subjects that are asked for. */
  readonly filter: string
  /** The fields of the keys, by the types that are taken. */
  readonly keys: ReadonlyMap<string, string>
  readonly read: ReadMessage
  /** The operation that stands for a message which was refused: `orders.takeOne`. */
  readonly refused: string
  readonly clock: Clock
}

/** How far it is. */
interface Place {
  /** When the stream was made: by that a new one of the same name is known. */
  readonly created: string
  /** All up to this message of the stream have been taken, or were not for us. */
  readonly after: number
  /** Messages that wait in the stream, as far as was known when the last one came. */
  readonly waiting: number
}

/** What a call that stands for a message is handed: the message, or what was missed. */
export type Refused =
  | {
      readonly subject: string
      readonly headers: Readonly<Record<string, string>>
      readonly base64: string
      /** Of the message, in its stream: what its event is known by when it has no id. */
      readonly name: string
    }
  /** Or in words what was lost. */
  | { readonly missed: string }

/** A message, and what it is known by. */
interface Named extends NatsMessage {
  readonly name: string
}

/** What has come no sooner than this after the last is looked after: that it goes on, and how far it is. */
const IDLE_MS = 10_000
/** A request to the server for more messages lasts so long; when it is not heard of for that long, it is looked for. */
const EXPIRES_MS = 10_000
/** Messages that are asked for at a time, so that as many of the largest that the server takes have room, bytes. */
const MOST = 500
const LEAST = 16
const MOST_BYTES = 134_217_728
/** What is asked first is answered sooner than this, or is asked again. */
const BEGIN_MS = 30_000
/** A consumer of which nobody has heard goes, nanoseconds. */
const CONSUMER_NS = 60_000_000_000

/** What goes wrong is tried again at once, a little later each time, for so long; then the attempt fails, and everybody sees why. */
const AGAIN_MS = { first: 100, most: 2000, inAll: 10_000 }

interface Told {
  /** How far the attempts before have come. */
  readonly progress: Json | undefined
  readonly signal: AbortSignal
  readonly heard: Heard
}

/** Goes on until it is told to end. @throws what tells it so, NATS_FAILED, and what the application refuses for now */
export async function take(inlet: Inlet, here: Here, from: From, { progress, signal, heard }: Told): Promise<never> {
  const { clock, stream } = inlet
  let place = placeOf(progress)
  let pause = AGAIN_MS.first
  let failingSince: number | null = null
  const begun = (at: Place): void => heard((place = at))
  const gone = (on: Place): void => {
    pause = AGAIN_MS.first
    failingSince = null
    heard((place = on))
  }
  while (!signal.aborted) {
    try {
      const reading = begin(inlet, here, from, place)
      // Whoever is told to end does not wait until it has begun, which may be for ever.
      const one = await within(reading, { clock, idleMs: BEGIN_MS, signal })
      if (typeof one === 'object') await takeAll(inlet, here, one, { signal, begun, gone })
      else
        reading.then(
          ({ end }) => end(),
          () => {},
        )
      if (one === 'idle') throw failed(stream, `there is no connection, or no answer, after ${BEGIN_MS / 1000} s`)
    } catch (error) {
      failingSince ??= elapsedOf(clock)
      if (elapsedOf(clock) - failingSince > AGAIN_MS.inAll)
        throw isBalletError(error) ? error : failed(stream, asError(error).message, error)
      await within(new Promise(() => {}), { clock, idleMs: pause, signal })
      pause = Math.min(pause * 2, AGAIN_MS.most)
    }
  }
  throw asError(signal.reason)
}

interface Reading {
  readonly place: Place
  readonly messages: ConsumerMessages
  /**
   * All that the stream had at a moment when nothing of it was still to be delivered; undefined when something is.
   * @param last that came. @throws when something was delivered behind it, and is lost on the way
   */
  readonly caughtUp: (last: JsMsg | null) => Promise<number | undefined>
  /** Of the first message that the stream still has. */
  readonly firstSeq: () => Promise<number>
  readonly end: () => void
}

/** Begins to read behind a place, once it is sure that it is one of this stream. */
async function begin(inlet: Inlet, here: Here, from: From, known: Place | null): Promise<Reading> {
  const { link, stream } = inlet
  const linked = await link.open()
  const { created, state, config } = await linked.manager.streams.info(stream)
  if (config.retention !== 'limits')
    throw failed(
      stream,
      `its retention is "${config.retention}", by which it removes what was not taken here; it must be "limits"`,
    )
  if (known === null) {
    const after = from === 'all' ? 0 : from === 'now' ? state.last_seq : from
    return readBehind(linked, inlet, { created, after, waiting: 0 })
  }
  const { after } = known
  const behind = (last: number): Promise<Reading> => readBehind(linked, inlet, { created, after: last, waiting: 0 })
  if (known.created !== created) {
    const missed = `it has lost what it had behind message ${after}, if anything: it was made anew`
    await miss(inlet, here, nameOf(known.created, after), missed)
    return behind(0)
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
    firstSeq: async () => (await manager.streams.info(stream)).state.first_seq,
    caughtUp: async (last) => {
      const { state } = await manager.streams.info(stream)
      const { num_pending, delivered, name } = await consumer.info()
      const come = last?.info.consumer === name ? last.info.deliverySequence : 0
      if (delivered.consumer_seq > come) throw failed(stream, 'something was delivered, and has not come')
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

/** Limits of a stream have removed what came behind a place. */
async function missBefore(inlet: Inlet, here: Here, { created, after }: Place, first: number): Promise<void> {
  const last = first - 1
  const missed = `it has lost what it had from message ${after + 1} to ${last}, if anything for us: removed there before it was taken`
  await miss(inlet, here, `${nameOf(created, after)}-${last}`, missed)
}

interface Telling {
  readonly signal: AbortSignal
  /** Is told where it begins, and then how far it has gone on. */
  readonly begun: (place: Place) => void
  readonly gone: (place: Place) => void
}

/** Takes what comes, until it is told to end. @throws also when the delivery ends */
async function takeAll(
  inlet: Inlet,
  here: Here,
  { place: start, messages, firstSeq, caughtUp, end }: Reading,
  { signal, begun, gone }: Telling,
): Promise<void> {
  const next = batchesOf(messages, { clock: inlet.clock, idleMs: IDLE_MS, signal })
  let place = start
  let came: JsMsg | null = null
  begun(place)
  try {
    for (let batch = await next(); batch !== null; batch = await next()) {
      const last = batch.at(-1)
      if (last === undefined) {
        // What is for others is not delivered: without this the place would stay where the last of ours was.
        const after = await caughtUp(came)
        if (after !== undefined && after > place.after) place = { ...place, after, waiting: 0 }
      } else {
        const gap = gapIn(batch, place.after)
        const first = gap === null ? 0 : await firstSeq()
        if (gap !== null && first > gap + 1) await missBefore(inlet, here, { ...place, after: gap }, first)
        await takeBatch(inlet, here, batch, place.created)
        came = last
        place = { ...place, after: last.seq, waiting: last.info.pending }
      }
      gone(place)
    }
  } finally {
    end()
  }
  if (!signal.aborted) throw failed(inlet.stream, 'nothing is delivered any more')
}

/** The last message before numbers that are not there: of others, or removed. */
function gapIn(batch: readonly JsMsg[], after: number): number | null {
  let last = after
  for (const { seq } of batch) {
    if (seq > last + 1) return last
    last = seq
  }
  return null
}

/** Resolves when all of it is durable. @throws the first that was not */
async function takeBatch(inlet: Inlet, here: Here, batch: readonly JsMsg[], created: string): Promise<void> {
  const lanes = new Map<string, Promise<void>>()
  for (const one of batch) {
    const message = messageOf(one, created)
    const { lane, work } = judge(inlet, here, message)
    const before = lanes.get(lane)
    if (work !== null) lanes.set(lane, before === undefined ? work() : before.then(work))
  }
  const over = await Promise.allSettled(lanes.values())
  for (const one of over) if (one.status === 'rejected') throw asError(one.reason)
}

/** What is to be done with a message, and behind which others; null for nothing. */
function judge(
  inlet: Inlet,
  here: Here,
  message: Named,
): { readonly lane: string; readonly work: (() => Promise<void>) | null } {
  const refuse = (): Promise<void> => putAside(inlet, here, message)
  let event: TakenEvent | null
  try {
    event = read(inlet, here, message)
  } catch {
    return { lane: `refused:${message.name}`, work: refuse }
  }
  if (event === null) return { lane: '', work: null }
  const taken = event
  return {
    lane: laneOf(inlet, taken),
    work: async () => {
      try {
        await here.publishNamed(taken)
      } catch (error) {
        if (!isItsOwn(error)) throw error
        await refuse()
      }
    },
  }
}

/** Takes one message that was refused before. @throws what is still wrong with it */
export async function takeOne(inlet: Inlet, here: Here, refused: Refused): Promise<void> {
  if ('missed' in refused) throw failed(inlet.stream, refused.missed)
  const { subject, headers, base64, name } = refused
  const data = Buffer.from(base64, 'base64')
  const event = read(inlet, here, { subject, headers: new Map(Object.entries(headers)), data, name })
  if (event !== null) await here.publishNamed(event)
}

/** The event in a message, if it is for us. @throws what is wrong with it */
function read({ read: readMessage, stream, keys }: Inlet, here: Here, message: Named): TakenEvent | null {
  const event: unknown = readMessage(message)
  if (event === null) return null
  if (!isEvent(event)) throw failed(stream, 'read must give an event, which has a type, or null, and no promise')
  if (!keys.has(event.type)) return null
  const { type, data, cause, traceparent, source = `nats/${stream}`, id = message.name } = event
  // What was sent from here comes from there as well.
  return source.startsWith(`${here.source}/`) ? null : { type, data, cause, traceparent, source, id }
}

/** Whether it is one as far as that must be known here: all else of it is checked where it is published. */
function isEvent(value: unknown): value is TakenEvent {
  // Of a promise nobody hears: what it fails with would end the process.
  if (value instanceof Promise) value.catch(() => {})
  return isRecord(value) && typeof value['type'] === 'string'
}

/** Whether a refusal is that of one event, which another attempt of all would meet again: the others are of the moment, or of the application. */
function isItsOwn(error: unknown): boolean {
  // What is thrown beside these comes from its schema; of one that throws, zod makes one that has to be waited for.
  if (!isBalletError(error) || error.code === 'SCHEMA_ASYNC') return true
  return (error.family === 'fix' || error.family === 'final') && error.status < 500
}

function laneOf({ keys }: Inlet, { type, data }: TakenEvent): string {
  const field = keys.get(type) ?? ''
  const key = isRecord(data) ? data[field] : undefined
  // What is no string is no key, and refused.
  return `${field}:${typeof key === 'string' ? key : ''}`
}

function messageOf({ subject, headers, data, seq }: JsMsg, created: string): Named {
  const named = new Map<string, string>()
  for (const [name, values] of headers ?? []) named.set(name.toLowerCase(), values[0] ?? '')
  return { subject, headers: named, data, name: nameOf(created, seq) }
}

async function putAside(inlet: Inlet, here: Here, message: Named): Promise<void> {
  const { refused } = inlet
  const { subject, headers, data, name } = message
  const input: Refused = {
    subject,
    headers: Object.fromEntries(headers),
    base64: Buffer.from(data).toString('base64'),
    name,
  }
  try {
    await here.startNamed({ call: refused, input, id: `${refused}:${name}` })
  } catch (error) {
    if (!isItsOwn(error)) throw error
    // Too large, say. It must hold up nothing, and not go without a word.
    const why = `the message ${name} can be neither taken nor kept here: ${asError(error).message}`
    await miss(inlet, here, name, why)
  }
}

async function miss({ refused }: Inlet, here: Here, name: string, missed: string): Promise<void> {
  await here.startNamed({ call: refused, input: { missed } satisfies Refused, id: `${refused}:missed:${name}` })
}

/** Of a message: when its stream was made and its place there, without the signs that an id cannot have. */
const nameOf = (created: string, seq: number): string => `${created.replaceAll(/[^\w.-]/g, '')}.${seq}`

function placeOf(progress: Json | undefined): Place | null {
  if (!isRecord(progress)) return null
  const { created, after, waiting = 0 } = progress
  return typeof created === 'string' && typeof after === 'number' && typeof waiting === 'number'
    ? { created, after, waiting }
    : null
}
