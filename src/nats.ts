// The door `ballet/nats`: events that cross to other applications, and come from there, over a stream of NATS JetStream. What goes
// over the wire, and what the stream has to be: docs/guides/nats.md.
import { fault, isBalletError } from './core/errors.ts'
import { eventRef } from './core/ids.ts'
import { isRecord, type Json } from './core/json.ts'
import type { Schema } from './core/schema.ts'
import type { EventView } from './core/views.ts'
import type { Application } from './define/application.ts'
import { placed } from './define/elsewhere.ts'
import type { EventDefinition, EventTransport, Log } from './define/definition.ts'
import { isEventType } from './define/event.ts'
import { operation } from './define/operation.ts'
import { refuse, refuseName, refuseNotFunction, refuseUnknownOptions } from './define/refusal.ts'
import { service } from './define/service.ts'
import { systemClock } from './engine/clock.ts'
import { consoleLog, safeLog } from './engine/log.ts'
import { cloudEventIn } from './server/cloud-event.ts'
import { goOnCommand } from './transports/nats/going-on.ts'
import type { Here } from './transports/nats/here.ts'
import type { From, ReadMessage, Refused } from './transports/nats/inlet.ts'
import { Link, type NatsConnection } from './transports/nats/link.ts'
import type { Sending } from './transports/nats/send.ts'
import { NatsTransport } from './transports/nats/transport.ts'

export type { EventTransport } from './define/definition.ts'
export type { TakenEvent } from './transports/nats/here.ts'
export type { NatsMessage, ReadMessage } from './transports/nats/inlet.ts'
export type { NatsConnection } from './transports/nats/link.ts'

/** Which events cross, and how. */
export interface NatsTransportOptions {
  /** Makes a connection: `() => connect({ servers: 'nats://localhost:4222' })` of `@nats-io/transport-node`. Called again when one has ended. */
  readonly connect: () => Promise<NatsConnection>
  /** The stream, which must be there. */
  readonly stream: string
  /** In front of the subjects of events, `<prefix>.<type>`; default: the name of the transport. */
  readonly prefix?: string | undefined
  /** Event types that go there, each that is published in this application. */
  readonly sends?: readonly EventDefinition[] | undefined
  /** Event types that come from there. Others are passed over. */
  readonly takes?: readonly EventDefinition[] | undefined
  /** Where it begins, the first time: with all that the stream has (`all`, the default), or with what comes from then on (`now`). */
  readonly from?: 'all' | 'now' | undefined
  /** Subjects that are asked for; default `<prefix>.>`. */
  readonly filter?: string | undefined
  /** Reads messages that are no CloudEvents; null for one that does not concern this application. What it throws is wrong with the message. */
  readonly read?: ReadMessage | undefined
  /** In front of the sources of events that arise here, `<source>/payment`; no other application may have it. Default: the name of the application. */
  readonly source?: string | undefined
  /** Where it is written that nothing is taken any more, because somebody has ended that; default: JSON lines on the standard error. */
  readonly log?: Log | undefined
}

const OPTIONS = ['connect', 'stream', 'prefix', 'sends', 'takes', 'from', 'filter', 'read', 'source', 'log']
/** For as long as it takes. */
const FOR_EVER = 1_000_000_000

const anything = <T>(): Schema<T> => ({
  '~standard': { version: 1, vendor: 'ballet', validate: (value) => ({ value: value as T }) },
})

/** What `take` begins with. */
const beginning: Schema<{ readonly from: From }> = {
  '~standard': {
    version: 1,
    vendor: 'ballet',
    validate: (value) => {
      const from = isRecord(value) ? value['from'] : undefined
      const isPlace = typeof from === 'number' && Number.isSafeInteger(from) && from >= 0
      if (from === 'all' || from === 'now' || isPlace) return { value: { from } }
      return {
        issues: [
          { message: 'it must be "all", "now", or the number of the message behind which it begins', path: ['from'] },
        ],
      }
    },
  },
}

/**
 * A transport of events over a stream of NATS JetStream:
 *
 *     const orders = natsTransport('orders', {
 *       connect: () => connect({ servers: process.env.NATS_URL }),
 *       stream: 'ORDERS',
 *       sends: [PaymentApproved],
 *       takes: [OrderShipped],
 *     })
 *     ballet({ services: [payment], transports: [orders] })
 *
 * What `sends` names is sent when it is published here, in the order of its key, as often as it takes until the server has it; what
 * `takes` names is published here, once, in the order of its key. Both are runs like any other: seen, retried, stuck.
 *
 * @param name of the service whose operations these are.
 * @throws DEFINITION_INVALID
 */
export function natsTransport(name: string, options: NatsTransportOptions): EventTransport {
  const what = refuseName('transport', name)
  const said = checked(what, name, options)
  const { stream, prefix, sends, takes, from } = said
  const link = new Link(stream, options.connect)
  const inlet = {
    link,
    stream,
    filter: said.filter,
    keys: new Map(takes.map(({ type, key }) => [type, key])),
    read: options.read ?? (({ headers, data }) => cloudEventIn(headers, data)),
    taking: `${name}.take`,
    refused: `${name}.takeOne`,
    noting: `${name}.note`,
    clock: systemClock,
  }
  const transport = new NatsTransport(name, link, { link, stream, prefix, clock: systemClock }, inlet)
  // Whoever plays an application through has nothing to send to, and nothing comes.
  const run = (): void => {}
  const carried = service(name, {
    send: operation({ input: anything<Sending>(), retry: { attempts: FOR_EVER }, timeout: '30s', run }),
    take: operation({
      input: beginning,
      retry: { attempts: FOR_EVER, backoff: '1s', limit: '30s' },
      timeout: '365d',
      heartbeat: '1m',
      run,
    }),
    takeOne: operation({ input: anything<Refused>(), retry: { attempts: 1 }, timeout: '30s', run }),
    note: operation({ input: anything<Json>(), run }),
  })
  for (const event of sends)
    carried.on(event, (data: unknown) => carried.send({ type: event.type, data: data as Json }))
  const begins = takes.length > 0 ? { call: `${name}.take`, input: { from }, id: `${name}:take` } : null
  return Object.freeze({
    kind: 'transport',
    name,
    service: placed(carried, transport),
    takes,
    intake: (store: string) => transport.standing(store),
    opened: (app: Application) =>
      void serve(app, transport, {
        begins,
        source: options.source ?? app.name,
        log: safeLog(options.log ?? consoleLog),
      }),
  })
}

function checked(what: string, name: string, options: NatsTransportOptions) {
  refuseUnknownOptions(options, OPTIONS, what)
  refuseNotFunction(options.connect, what, 'connect')
  if (options.read !== undefined) refuseNotFunction(options.read, what, 'read')
  const { stream, prefix = name, sends = [], takes = [], from = 'all', source } = options
  const filter = options.filter ?? `${prefix}.>`
  for (const [option, word] of Object.entries({ stream, prefix, filter, ...(source === undefined ? {} : { source }) }))
    if (typeof word !== 'string' || !/^[!-~]{1,200}$/.test(word))
      refuse(what, `${option} must be 1 to 200 printable characters without spaces`)
  if (/[.*>/\\]/.test(stream)) refuse(what, `"${stream}" is no name of a stream`)
  if (/[*>]/.test(prefix)) refuse(what, 'prefix must be the beginning of a subject, without * and >')
  for (const [option, subject] of Object.entries({ prefix, filter }))
    if (subject.split('.').includes('')) refuse(what, `${option} must have something between its dots`)
  if (from !== 'all' && from !== 'now') refuse(what, 'from must be "all" or "now"')
  for (const [option, types] of Object.entries({ sends, takes }))
    if (!Array.isArray(types) || !types.every((one) => isEventType(one)))
      refuse(what, `${option} must be a list of event types, made by event(...)`)
  if (sends.length + takes.length === 0) refuse(what, 'it has neither sends nor takes, and would carry nothing')
  return { stream, prefix, filter, sends, takes, from }
}

/** How long to wait before what could not be done is tried again, milliseconds: it doubles. */
const AGAIN_MS = { first: 200, most: 30_000 }

/** Does something until it does not fail, or the application runs no more; undefined then. */
async function untilDone<T>(app: Application, work: () => Promise<T>): Promise<T | undefined> {
  const over = app.stopped.then(() => 'over' as const)
  for (let pause: number = AGAIN_MS.first; ; pause = Math.min(pause * 2, AGAIN_MS.most)) {
    try {
      return await work()
    } catch {
      const { promise, resolve } = Promise.withResolvers<'again'>()
      const cancel = systemClock.after(pause, () => resolve('again'))
      const next = await Promise.race([promise, over])
      cancel()
      if (next === 'over') return undefined
    }
  }
}

interface Serving {
  /** The call that fetches what comes; null where nothing is taken. */
  readonly begins: { readonly call: string; readonly input: unknown; readonly id: string } | null
  readonly source: string
  readonly log: Log
}

/** Makes the transport work for an application for as long as that is open. */
async function serve(app: Application, transport: NatsTransport, { begins, source, log }: Serving): Promise<void> {
  const view = await untilDone(app, () => app.describe())
  if (view === undefined) return
  const leave = transport.opened(view.store.id, {
    publishNamed: (event) => app.publishNamed(event),
    startNamed: (request) => app.startNamed(request),
    begunWith: async (run) => (await app.run(run))?.input,
    identity: (event) => identityIn(app, event),
    source,
    own: new Set([app.name, ...[...view.services, ...view.workflows].map((one) => one.name)]),
  })
  if (begins !== null) await untilDone(app, () => begin(app, begins, log))
  await app.stopped
  await leave()
}

/** The event of a type and a key by what a reaction to it knows of it. */
async function identityIn(
  app: Application,
  { cause, type, key }: Parameters<Here['identity']>[0],
): Promise<EventView | undefined> {
  let cursor: string | undefined
  do {
    const page = await app.events({ key: key ?? undefined, types: [type], limit: 200, cursor })
    const found = page.items.find(({ source, id }) => eventRef(source, id) === cause)
    if (found !== undefined) return found
    const hidden = page.unreadable?.find(({ id }) => cause.endsWith(`:${id}`))
    // It may be this one: another node, that has its key, is to say so.
    if (hidden !== undefined)
      throw fault('RUN_UNREADABLE', { run: `the event "${hidden.id}"`, problem: 'its codec does not decode it' })
    cursor = page.cursor
  } while (cursor !== undefined)
  return undefined
}

/** Whichever node comes first begins it, for all of them and for good. One that was begun with another `from` goes on as it was. */
async function begin(app: Application, { id, call, input }: NonNullable<Serving['begins']>, log: Log): Promise<void> {
  try {
    await app.startNamed({ id, call, input })
  } catch (error) {
    if (!isBalletError(error) || error.code !== 'RUN_CONFLICT') throw error
  }
  const run = await app.run(id)
  if (run === null || run.ended === null) return
  const again = await goOnCommand({ id, call }, (other) => app.run(other))
  log.warn(
    `The run "${id}" is ${run.status}, so that nothing is taken, unless another does. Begin another: ${again}`,
    undefined,
    {
      run: id,
    },
  )
}
