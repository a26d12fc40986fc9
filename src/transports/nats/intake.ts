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
import { causeHere } from './send.ts'

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
  | { readonly missed: string }

/** A message, and what it is known by. */
interface Named extends NatsMessage {
  readonly name: string
}

/** What has come no sooner than this after the last is looked after: that it goes on, and how far it is. */
const IDLE_MS = 10_000
/** A request to the server for more messages lasts so long; when it is not heard of for that long, it is looked for. */
const EXPIRES_MS = 10_000
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
      await takeAll(inlet, here, await begin(inlet, here, from, place), { signal, begun, gone })
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
  /** All that the stream had at a moment when nothing of it was still to be delivered; undefined when something is. */
  readonly caughtUp: () => Promise<number | undefined>
  readonly end: () => void
}

/** Begins to read behind a place, once it is sure that it is one of this stream. */
async function begin(inlet: Inlet, here: Here, from: From, known: Place | null): Promise<Reading> {
  const { link, stream } = inlet
  const linked = await link.open()
  const { created, state } = await linked.manager.streams.info(stream)
  if (known === null) {
    const after = from === 'all' ? 0 : from === 'now' ? state.last_seq : from
    return readBehind(linked, inlet, { created, after, waiting: 0 })
  }
  const { after } = known
  if (known.created !== created) {
    const missed = `what it had behind message ${after}, if anything: it was made anew`
    await miss(inlet, here, nameOf(known.created, after), missed)
    return readBehind(linked, inlet, { created, after: 0, waiting: 0 })
  }
  if (state.first_seq > after + 1) {
    const missed = `what it had from message ${after + 1} to ${state.first_seq - 1}, if anything for us: removed there before it was taken`
    await miss(inlet, here, nameOf(created, after), missed)
  }
  return readBehind(linked, inlet, known)
}

async function readBehind({ client, manager }: Linked, { stream, filter }: Inlet, place: Place): Promise<Reading> {
  const consumer = await client.consumers.get(stream, {
    filter_subjects: filter,
    opt_start_seq: place.after + 1,
    inactive_threshold: CONSUMER_NS,
  })
  const messages = await consumer.consume({
    max_messages: 500,
    expires: EXPIRES_MS,
    abort_on_missing_resource: true,
  })
  return {
    place,
    messages,
    caughtUp: async () => {
      const { state } = await manager.streams.info(stream)
      const { num_pending } = await consumer.info()
      return num_pending === 0 && messages.getPending() === 0 ? state.last_seq : undefined
    },
    end: () => {
      void messages.close()
      // A server that does not answer is not waited for: it goes by itself.
      consumer.delete().catch(() => {})
    },
  }
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
  { place: start, messages, caughtUp, end }: Reading,
  { signal, begun, gone }: Telling,
): Promise<void> {
  const next = batchesOf(messages, { clock: inlet.clock, idleMs: IDLE_MS, signal })
  let place = start
  begun(place)
  try {
    for (let batch = await next(); batch !== null; batch = await next()) {
      const last = batch.at(-1)
      if (last === undefined) {
        // What is for others is not delivered: without this the place would stay where the last of ours was.
        const after = await caughtUp()
        if (after !== undefined && after > place.after) place = { ...place, after, waiting: 0 }
      } else {
        await takeBatch(inlet, here, batch, place.created)
        place = { ...place, after: last.seq, waiting: last.info.pending }
      }
      gone(place)
    }
  } finally {
    end()
  }
  if (!signal.aborted) throw failed(inlet.stream, 'nothing is delivered any more')
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
  if ('missed' in refused) throw failed(inlet.stream, `it has lost ${refused.missed}`)
  const { subject, headers, base64, name } = refused
  const data = Buffer.from(base64, 'base64')
  const event = read(inlet, here, { subject, headers: new Map(Object.entries(headers)), data, name })
  if (event !== null) await here.publishNamed(event)
}

/** The event in a message, if it is for us. @throws what is wrong with it */
function read({ read: readMessage, stream, keys }: Inlet, here: Here, message: Named): TakenEvent | null {
  const event = readMessage(message)
  if (event === null || !keys.has(event.type)) return null
  const { type, data, traceparent, source = `nats/${stream}`, id = message.name } = event
  const cause = event.cause === undefined ? undefined : causeHere(here, event.cause)
  // What was sent from here comes from there as well.
  return source.startsWith(`${here.source}/`) ? null : { type, data, cause, traceparent, source, id }
}

/** Whether a refusal is that of one event, which another attempt of all would meet again: the others are of the moment, or of the application. */
const isItsOwn = (error: unknown): boolean =>
  isBalletError(error) && (error.family === 'fix' || error.family === 'final') && error.status < 500

function laneOf({ keys }: Inlet, { type, data }: TakenEvent): string {
  const field = keys.get(type) ?? ''
  return `${field}:${isRecord(data) ? String(data[field]) : ''}`
}

function messageOf({ subject, headers, data, seq }: JsMsg, created: string): Named {
  const named = new Map<string, string>()
  for (const [name, values] of headers ?? []) named.set(name.toLowerCase(), values[0] ?? '')
  return { subject, headers: named, data, name: nameOf(created, seq) }
}

async function putAside({ refused }: Inlet, here: Here, message: Named): Promise<void> {
  const { subject, headers, data, name } = message
  const input: Refused = {
    subject,
    headers: Object.fromEntries(headers),
    base64: Buffer.from(data).toString('base64'),
    name,
  }
  await here.startNamed({ call: refused, input, id: `${refused}:${name}` })
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
