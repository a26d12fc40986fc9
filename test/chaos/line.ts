// The way of one node to its database, and what can be done to it: a proxy in this process, or one beside the database with a
// network of the campaign's own in between.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Mishap, Proxy } from '../postgres/proxy.ts'
import type { Network } from './network.ts'

export type Line = Pick<Proxy, 'url' | 'next' | 'forgo' | 'deafen' | 'close'> & { readonly cut: () => unknown }

const script = fileURLToPath(new URL('far-proxy.ts', import.meta.url))
const Said = z.union([z.object({ port: z.number() }), z.object({ done: z.number() })])

/** None outlives whoever started it. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** By way of a proxy that stands where the database is; packets to it are real, and are lost when it is deaf. */
export async function farLine(network: Network, place: number, url: string): Promise<Line> {
  const host = network.host(place)
  const [enter, ...args] = network.inside
  const child = spawn(enter, [...args, process.execPath, script, url, host], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const [first] = (await once(child, 'message')) as readonly unknown[]
  const ready = Said.parse(first)
  if (!('port' in ready)) throw new Error('the proxy beside the database did not say its port')
  const waiting = new Map<number, () => void>()
  child.on('message', (message) => {
    const said = Said.parse(message)
    if ('done' in said) waiting.get(said.done)?.()
  })
  let asked = 0
  const ask = (what: Mishap | 'forgo' | 'cut'): Promise<void> => {
    const id = ++asked
    child.send({ id, what })
    return new Promise((resolve) => void waiting.set(id, resolve))
  }
  return {
    url: (own) => own.replace(/@[^/?]+/, `@${host}:${ready.port}`),
    next: (mishap) => ask(mishap),
    forgo: () => void ask('forgo'),
    cut: () => void ask('cut'),
    deafen: (isDeaf) => void (isDeaf ? network.cut(place) : network.heal(place)),
    close: async () => void child.kill('SIGKILL'),
  }
}
