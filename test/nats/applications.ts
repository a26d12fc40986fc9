// What the tests of transports over NATS share: a server for each file, a stream for each test, and applications on both ends of it.
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { jetstream } from '@nats-io/jetstream'
import type { Application, EventView } from '../../src/index.ts'
import { natsTransport, type EventTransport, type NatsTransportOptions } from '../../src/nats.ts'
import { until } from '../support/applications.ts'
import { findNats, startNats, type Nats } from './server.ts'

const program = findNats()

export type Options = Partial<NatsTransportOptions>

export interface World {
  readonly nats: Nats
  /** Of the test that runs. */
  readonly stream: string
  readonly prefix: string
  transport(options: Options): EventTransport
  /** What anybody may put into the stream. */
  send(subject: string, body: string | Uint8Array, headers?: Readonly<Record<string, string>>): Promise<number>
}

/** A server for the tests of a file; each has a stream, unless it is to make one itself. */
export function worldOfTests({ hasStream = true } = {}): World {
  let nats: Nats | null = null
  let count = 0
  const there = (): Nats => {
    if (nats === null) throw new Error('the server has not been started')
    return nats
  }
  beforeAll(async () => {
    if (program !== null) nats = await startNats(program)
  })
  beforeEach((context) => context.skip(program === null, 'there is no nats-server here'))
  afterAll(() => nats?.close())
  const world = {
    get nats() {
      return there()
    },
    get stream() {
      return `ORDERS-${count}`
    },
    get prefix() {
      return `s${count}`
    },
    transport: (options: Options) =>
      natsTransport('wire', { connect: there().connect, stream: world.stream, prefix: world.prefix, ...options }),
    send: async (subject: string, body: string | Uint8Array, said: Readonly<Record<string, string>> = {}) => {
      const { headers } = await import('@nats-io/transport-node')
      const all = headers()
      for (const [name, value] of Object.entries(said)) all.set(name, value)
      const connection = await there().connection()
      return (await jetstream(connection).publish(`${world.prefix}.${subject}`, body, { headers: all })).seq
    },
  }
  beforeEach(async () => {
    count += 1
    if (hasStream) await there().makeStream({ name: world.stream, subjects: [`${world.prefix}.>`] })
  })
  return world
}

export async function eventsOf(app: Application, type: string): Promise<readonly EventView[]> {
  const found: EventView[] = []
  let cursor: string | undefined
  do {
    const page = await app.events({ types: [type], limit: 200, cursor })
    found.push(...page.items)
    cursor = page.cursor
  } while (cursor !== undefined)
  return found
}

/** Resolves when there are so many events of a type. */
export const untilThere = (app: Application, type: string, wanted: number): Promise<readonly EventView[]> =>
  until(app, null, async () => {
    const found = await eventsOf(app, type)
    return found.length >= wanted ? found : undefined
  })

/** Resolves when it has taken all up to a message of the stream: the process knows that first. */
export async function untilAfter(app: Application, wanted: number, run = 'wire:take'): Promise<void> {
  let after: number | undefined
  while (after !== wanted) {
    const progress = (await app.run(run))?.waits[0]?.heartbeat?.progress
    after = (progress as { readonly after?: number } | undefined)?.after
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** What is stuck, by its id, and why in words. */
export async function stuckIn(app: Application): Promise<readonly (readonly [string, string])[]> {
  const { items } = await app.runs({ status: ['stuck'] })
  const views = await Promise.all(items.map(({ id }) => app.run(id)))
  return views.flatMap((view) => {
    return view === null
      ? []
      : view.waits.map(({ attempt }) => [view.id, `${attempt?.error.code}: ${attempt?.error.message}`] as const)
  })
}

/** An event as a stranger sends it. */
export const cloudEvent = (type: string, id: string, data: unknown, more: object = {}): string =>
  JSON.stringify({ specversion: '1.0', type, source: 'https://crm.example', id, data, ...more })
