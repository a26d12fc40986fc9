// Sends one event to a stream, and resolves when the server has acknowledged it. Called for each attempt of a reaction, which is
// what keeps the event until then, in order and under its id (transport.ts).
import { createHash } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { asError, fault, isBalletError } from '../../core/errors.ts'
import { toText, type Json } from '../../core/json.ts'
import { splitKey } from '../../core/names.ts'
import type { Asked } from '../../core/transport.ts'
import type { Here } from './here.ts'
import { failed, type Link } from './link.ts'
import { within } from './within.ts'

/** An event as the reaction to it hands it on. */
export interface Sending {
  readonly type: string
  readonly data: Json
}

export interface Outlet {
  readonly link: Link
  readonly stream: string
  /** Of the subjects: `<prefix>.<type>`. */
  readonly prefix: string
  readonly clock: Clock
}

/** How long the server may take to acknowledge, milliseconds, unless the attempt ends sooner. */
const ACKNOWLEDGED_MS = 5000
/** What stands before the body of a message: its subject, and its id in a header. */
const HEAD_BYTES = 1024

/** Sends the event that brought an attempt about. @throws NATS_FAILED, INPUT_INVALID, PAYLOAD_TOO_LARGE, PACKAGE_MISSING */
export async function send(outlet: Outlet, here: Here, asked: Asked, signal: AbortSignal): Promise<void> {
  const { link, stream, prefix } = outlet
  const itself = asked.cause ?? ''
  // Started by hand it would be of any type, and a message without an id: stuck at everybody who takes it.
  if (!itself.startsWith(EVENT))
    throw fault('INPUT_INVALID', {
      what: `the input of ${asked.operation}`,
      path: 'the top',
      problem: 'no event has brought it about: publish the event, and it is sent',
    })
  const { type, data } = asked.input as Sending
  const { source, id } = await identityIn(here, { cause: itself, type, key: asked.key })
  const key = asked.key === null ? undefined : splitKey(asked.key).value
  const event = {
    specversion: '1.0',
    id,
    source,
    type,
    subject: key,
    datacontenttype: 'application/json',
    data,
    correlationid: asked.root,
    // What began it all here is, in the other applications, what came before: a run is known to nobody there.
    causationid: asked.root === itself || !asked.root.startsWith(EVENT) ? undefined : refOf(here, asked.root),
    partitionkey: key,
    traceparent: asked.traceparent,
  }
  const body = new TextEncoder().encode(toText(event, `the event ${type}`))
  const { client, connection, line } = await link.open()
  const limit = connection.info?.max_payload
  if (limit !== undefined && body.byteLength + HEAD_BYTES > limit)
    throw fault('PAYLOAD_TOO_LARGE', {
      what: `The event ${type} for NATS`,
      size: body.byteLength + HEAD_BYTES,
      limit,
    })
  const subject = `${prefix}.${type}`
  const { promise: cut, reject } = Promise.withResolvers<never>()
  const forget = line.onCut(() => reject(failed(stream, 'the connection was cut before it was acknowledged')))
  try {
    const acknowledged = client.publish(subject, body, {
      msgID: `${source} ${id}`,
      timeout: Math.min(ACKNOWLEDGED_MS, asked.timeoutMs),
      // Or it would be in another stream, which has the subject, and nobody would miss it here.
      expect: { streamName: stream },
    })
    // What nobody waits for may come there all the same: the next attempt is the same message.
    const never = { clock: outlet.clock, idleMs: asked.timeoutMs, signal }
    const answer = Promise.race([acknowledged, cut])
    if ((await within(answer, never)) === 'aborted') throw failed(stream, 'the attempt was given up')
  } catch (error) {
    throw isBalletError(error) ? error : failed(stream, problemOf(error, subject), error)
  } finally {
    forget()
  }
}

/** What was wrong, in words; the client says of a subject that nobody listens to that JetStream is not enabled. */
function problemOf(error: unknown, subject: string): string {
  const { name, message } = asError(error)
  return name === 'JetStreamNotEnabled'
    ? `no stream there has the subject ${subject}, or the server has no JetStream`
    : message
}

/** Source and id of an event. Of one from elsewhere both may have colons: which is which, the log of events knows. */
async function identityIn(here: Here, event: Parameters<Here['identity']>[0]): Promise<ReturnType<typeof identityOf>> {
  const [, source = '', ...id] = event.cause.split(':')
  const isClear = here.own.has(source) || id.length === 1
  const known = isClear ? undefined : await here.identity(event)
  return known ?? identityOf(here, event.cause)
}

/**
 * Source and id of an event by what a reaction knows of it, `event:<source>:<id>`. What arose here has a source without a colon,
 * and gets the name of this application in front. What came from elsewhere keeps its own; where that
 * is not known any more, a URL ends at the last colon, anything else at the first.
 */
export function identityOf(
  { source: name, own }: Pick<Here, 'source' | 'own'>,
  cause: string,
): { readonly source: string; readonly id: string } {
  const text = cause.startsWith(EVENT) ? cause.slice(EVENT.length) : cause
  const colon = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text.lastIndexOf(':') : text.indexOf(':')
  const source = text.slice(0, colon)
  return { source: own.has(source) ? `${name}/${source}` : source, id: crossing(text.slice(colon + 1)) }
}

/** How an event is told from a run, as a cause. */
const EVENT = 'event:'

/** An event as others know it, as a cause. */
function refOf(here: Here, cause: string): string {
  const { source, id } = identityOf(here, cause)
  return `${EVENT}${source}:${id}`
}

/** A cause as it is known here: that of an event which arose here has its name back. */
export function causeHere({ source }: Pick<Here, 'source'>, cause: string): string {
  const ours = `${EVENT}${source}/`
  return cause.startsWith(ours) ? `${EVENT}${cause.slice(ours.length).replaceAll('%7E', '~')}` : cause
}

/** Most characters of the id of an event that comes from outside. */
const ID_LENGTH = 256

/**
 * An id as another application takes it. That of an outcome is the key of its call, which may have a `~` and be longer; what is
 * cut off stands there as its SHA-256.
 */
function crossing(id: string): string {
  const plain = id.replaceAll('~', '%7E')
  if (plain.length <= ID_LENGTH) return plain
  const digest = createHash('sha256').update(plain).digest('base64url')
  return `${plain.slice(0, ID_LENGTH - digest.length - 1)}.${digest}`
}
