// Takes from a stream without an application: a test says what becomes of each message, and hears how far it is.
import { expect } from 'vitest'
import type { Clock } from '../../src/core/clock.ts'
import type { ReadMessage } from '../../src/nats.ts'
import { HandClock } from '../../src/testing.ts'
import type { Here } from '../../src/transports/nats/here.ts'
import type { From } from '../../src/transports/nats/inlet.ts'
import { take } from '../../src/transports/nats/intake.ts'
import { Link } from '../../src/transports/nats/link.ts'
import { Standing } from '../../src/transports/nats/standing.ts'
import type { World } from './applications.ts'

/** Pauses are over at once, and have taken long; what is waited for longer comes first. */
export function hurried(): Clock {
  let time = 0
  return {
    now: () => time,
    after: (ms, over) => {
      const pause = ms < 10_000 ? setImmediate(over) : undefined
      if (pause !== undefined) time += 11_000
      return () => clearImmediate(pause)
    },
  }
}

/** Takes without an application: what it says, by hand. */
export function takeBare(
  world: World,
  progress: { readonly after: number } | undefined,
  started: (input: unknown) => void,
) {
  const link = new Link(world.stream, world.nats.connect)
  const inlet = {
    link,
    stream: world.stream,
    filter: `${world.prefix}.>`,
    keys: new Map([['order.placed', 'orderId']]),
    read: (() => {
      throw new Error('no event')
    }) as ReadMessage,
    taking: 'wire.take',
    refused: 'wire.takeOne',
    noting: 'wire.note',
    clock: new HandClock() as Clock,
  }
  const standing = new Standing(inlet.clock)
  const ending = new AbortController()
  const published: string[] = []
  const here = {
    publishNamed: async ({ id = '' }: { readonly id?: string | undefined }): Promise<void> => void published.push(id),
    startNamed: async ({ input }: { readonly id: string; readonly input: unknown }): Promise<unknown> => started(input),
    identity: () => Promise.resolve(undefined),
    begunWith: (() => Promise.resolve(undefined)) as Here['begunWith'],
    source: 'shop',
    own: new Set<string>(),
  }
  return {
    inlet,
    here,
    published,
    ending,
    standing,
    untilHeard: async (isOver: (place: { readonly after: number } | undefined) => boolean, from: From = 'all') => {
      const info = await (await world.nats.manager()).streams.info(world.stream)
      const place = progress === undefined ? undefined : { created: info.created, waiting: 0, ...progress }
      const heard = (said: unknown): void => {
        if (isOver(said as { readonly after: number } | undefined)) ending.abort()
      }
      const taking = take(inlet, here, from, {
        run: 'wire:take',
        progress: place,
        signal: ending.signal,
        heard,
        standing,
      })
      await expect(taking).rejects.toThrow('aborted')
      await link.close()
    },
  }
}
