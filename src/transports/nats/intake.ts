// Takes events from a stream for as long as the application is open: one attempt of one call, which is under way at one node at a
// time and goes on at another when that is gone. How far it is, is its progress; what it takes twice after a crash has an id, by
// which the store knows it. Each message comes to one of
//
//   skipped    it is of a type that is not asked for, or came from here
//   taken      its event is durable in the log
//   refused    it is no event, or one that its schema refuses: a call of its own, stuck, which a person tries again or cancels
//
// Messages of one key are taken in their order, others beside each other. Called by transport.ts.
import type { JsMsg } from '@nats-io/jetstream'
import { elapsedOf } from '../../core/clock.ts'
import { asError, isBalletError } from '../../core/errors.ts'
import { isRecord, type Json } from '../../core/json.ts'
import type { Heard } from '../../core/transport.ts'
import { batchesOf } from './batches.ts'
import type { Here, TakenEvent } from './here.ts'
import type { From, Inlet, NatsMessage, Refused } from './inlet.ts'
import { endedId } from './going-on.ts'
import { failed } from './link.ts'
import { begin, miss, missBefore, nameOf, note, placeOf, type Place, type Reading } from './reading.ts'
import { causeHere } from './send.ts'
import type { Standing } from './standing.ts'
import { rest, whileWanted, within } from './within.ts'

/** A message, and what it is known by. */
interface Named extends NatsMessage {
  readonly name: string
}

/** What has come no sooner than this after the last is looked after: that it goes on, and how far it is. */
const IDLE_MS = 10_000
/** What is asked first is answered sooner than this, or is asked again. */
const BEGIN_MS = 30_000
/** What goes wrong is tried again at once, a little later each time, for so long; then the attempt fails, and everybody sees why. */
const AGAIN_MS = { first: 100, most: 2000, inAll: 10_000 }

interface Told {
  /** The id of the run that takes. */
  readonly run: string
  /** How far the attempts before have come. */
  readonly progress: Json | undefined
  readonly signal: AbortSignal
  readonly heard: Heard
  readonly standing: Standing
}

/** Goes on until it is told to end. @throws what tells it so, NATS_FAILED, INPUT_INVALID, and what the application refuses for now */
export async function take(inlet: Inlet, here: Here, from: From, told: Told): Promise<never> {
  const { run, progress, signal, heard, standing } = told
  const { clock, stream } = inlet
  let place = placeOf(progress)
  let pause = AGAIN_MS.first
  let failingSince: number | null = null
  // Messages of one key are taken one after the other: many of them may take long.
  const lives = (): void => heard()
  const begun = (at: Place): void => heard((place = at))
  const gone = (on: Place): void => {
    pause = AGAIN_MS.first
    failingSince = null
    heard((place = on))
  }
  while (!signal.aborted) {
    try {
      const reading = begin(inlet, here, { from, known: place, run })
      // Whoever is told to end does not wait until it has begun, which may be for ever.
      const one = await within(reading, { clock, idleMs: BEGIN_MS, signal })
      if (typeof one === 'object') await takeAll(inlet, here, one, { signal, standing, begun, lives, gone })
      else
        reading.then(
          ({ end }) => end(),
          () => {},
        )
      if (one === 'idle') throw failed(stream, `there is no connection, or no answer, after ${BEGIN_MS / 1000} s`)
    } catch (error) {
      // A person has to say another place.
      if (isBalletError(error) && error.code === 'INPUT_INVALID') throw error
      failingSince ??= elapsedOf(clock)
      if (elapsedOf(clock) - failingSince > AGAIN_MS.inAll)
        throw isBalletError(error) ? error : failed(stream, asError(error).message, error)
      await rest({ clock, idleMs: pause, signal })
      pause = Math.min(pause * 2, AGAIN_MS.most)
    }
  }
  const reason: unknown = signal.reason
  // A person who has ended it, and begins another, has to know behind which message.
  if (place !== null && isBalletError(reason) && reason.code === 'CALL_ABORTED')
    note(inlet, here, endedId(run), place).catch(() => {})
  throw asError(reason)
}

interface Telling {
  readonly signal: AbortSignal
  readonly standing: Standing
  /** Is told where it begins, of each message, and then how far it has gone on. */
  readonly begun: (place: Place) => void
  readonly lives: () => void
  readonly gone: (place: Place) => void
}

/** Takes what comes, until it is told to end. @throws also when the delivery ends */
async function takeAll(inlet: Inlet, here: Here, reading: Reading, telling: Telling): Promise<void> {
  const { messages, waiting, end } = reading
  const { signal, standing, begun, gone } = telling
  const next = batchesOf(messages, { clock: inlet.clock, idleMs: IDLE_MS, signal })
  let { place } = reading
  let came: JsMsg | null = null
  const taking = standing.begin(() => waiting(() => came))
  try {
    begun(place)
    for (let batch = await next(); batch !== null; batch = await next()) {
      const last = batch.at(-1)
      const going =
        last === undefined ? goOn(reading, place, came) : takeBatch(inlet, here, { reading, place, batch }, telling)
      // What is under way may be for a shard that is taken up again only when this attempt is over.
      const on = await whileWanted(going, signal)
      if (on === 'aborted') break
      if (last !== undefined) came = last
      place = on
      taking.gone(place, batch.length)
      gone(place)
    }
  } finally {
    taking.end()
    end()
  }
  if (!signal.aborted) throw failed(inlet.stream, 'nothing is delivered any more')
}

/** What is for others is not delivered: without this the place would stay where the last of ours was. */
async function goOn({ caughtUp }: Reading, place: Place, came: JsMsg | null): Promise<Place> {
  const after = await caughtUp(came)
  return after === undefined ? place : { ...place, after: Math.max(after, place.after), waiting: 0, lateMs: 0 }
}

/** When the server got a message, milliseconds since the epoch. */
const sentAt = ({ info }: JsMsg): number => Math.floor(info.timestampNanos / 1e6)

/** The last message before numbers that are not there: of others, or removed. */
function gapIn(batch: readonly JsMsg[], after: number): number | null {
  let last = after
  for (const { seq } of batch) {
    if (seq > last + 1) return last
    last = seq
  }
  return null
}

/** Messages that came behind a place. */
interface Come {
  readonly reading: Reading
  readonly place: Place
  readonly batch: readonly JsMsg[]
}

/** Takes a piece of a stream, and what it has lost before that. Resolves when all of it is durable. @throws the first that was not */
async function takeBatch(
  inlet: Inlet,
  here: Here,
  { reading, place, batch }: Come,
  telling: Pick<Telling, 'signal' | 'lives'>,
): Promise<Place> {
  const gap = gapIn(batch, place.after)
  const first = gap === null ? 0 : await reading.firstSeq()
  if (gap !== null && first > gap + 1) await missBefore(inlet, here, { ...place, after: gap }, first)
  await takeLanes(
    inlet,
    here,
    batch.map((one) => messageOf(one, place.created)),
    telling,
  )
  const last = batch.at(-1)
  if (last === undefined) return place
  const lateMs = Math.max(0, inlet.clock.now() - sentAt(last))
  return { ...place, after: last.seq, waiting: last.info.pending, lateMs }
}

/** Resolves when all of it is durable. @throws the first that was not */
async function takeLanes(
  inlet: Inlet,
  here: Here,
  batch: readonly Named[],
  { signal, lives }: Pick<Telling, 'signal' | 'lives'>,
): Promise<void> {
  /** What has no room waits for it in its lane: made anew as a whole, most of it would have none again. */
  const patiently = async (work: () => Promise<void>): Promise<void> => {
    for (let pause = AGAIN_MS.first; !signal.aborted; pause = Math.min(pause * 2, AGAIN_MS.most)) {
      try {
        await work()
        return lives()
      } catch (error) {
        if (!isBalletError(error) || error.code !== 'OVERLOADED' || signal.aborted) throw error
      }
      lives()
      await rest({ clock: inlet.clock, idleMs: pause, signal })
    }
  }
  const lanes = new Map<string, Promise<void>>()
  for (const message of batch) {
    const { lane, work } = judge(inlet, here, message)
    const before = lanes.get(lane) ?? Promise.resolve()
    if (work !== null)
      lanes.set(
        lane,
        before.then(() => patiently(work)),
      )
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
  const { type, data, traceparent, source = `nats/${stream}`, id = message.name } = event
  const cause = event.cause === undefined ? undefined : causeHere(here, event.cause)
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
