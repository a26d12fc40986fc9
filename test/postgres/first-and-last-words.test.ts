// What a node says to the store before it is open, over a network that loses it: it is said again, and the node opens. And what it
// says last, over a network that is gone: nobody waits for it for long.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, workflow } from '../../src/index.ts'
import { openForTest } from '../support/applications.ts'
import { Proxy, type Mishap } from './proxy.ts'
import { newPlace } from './subject.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const hello = workflow('hello', { input: z.string(), output: z.string() }, async (_, name) => `hello ${name}`)
const definition = ballet({ name: 'greeter', services: [], workflows: [hello] })

test.each<{ shards: number; words: readonly Mishap[] }>([
  { shards: 1, words: ['lose-reply'] },
  { shards: 1, words: ['cut-before', 'lose-reply', 'lose-reply'] },
  { shards: 16, words: ['lose-reply'] },
  { shards: 16, words: ['cut-before', 'lose-reply', 'lose-reply'] },
])(
  'a node of $shards shards whose first words come to $words opens, and owns what there is',
  async ({ shards, words }) => {
    const place = await newPlace()
    closing.push(() => place.drop())
    const url = place.url(`&shards=${shards}&lease=5`)
    // So that the store is there.
    const before = await openForTest(definition, { store: url })
    await before.close()
    const proxy = await Proxy.before(url)
    closing.push(() => proxy.close())
    const happening = (async () => {
      for (const word of words) await proxy.next(word)
    })()
    const app = await openForTest(definition, { store: proxy.url(url) })
    await happening
    const { shards: owned } = await app.nodes()
    expect(owned.map(({ owner }) => owner)).toEqual(Array.from({ length: shards }, () => app.standing.node))
    const { id } = await app.start(hello('you'))
    expect(await app.result(id)).toBe('hello you')
    // Before its network goes.
    await app.close()
  },
)

test.each([1, 16])(
  'a node of %i shards that ends while its database is away waits for a call, and not for its patience',
  async (shards) => {
    const place = await newPlace()
    closing.push(() => place.drop())
    const url = place.url(`&shards=${shards}&lease=5&deadline=1&patience=86400`)
    const proxy = await Proxy.before(url)
    closing.push(() => proxy.close())
    const app = await openForTest(definition, { store: proxy.url(url) })
    const { id } = await app.start(hello('you'))
    await app.result(id)
    await proxy.close()
    // In the middle of something, too.
    const asked = app.start(hello('nobody')).catch((error: unknown) => error)
    await app.close()
    expect(await asked).toMatchObject({ status: 503 })
  },
)
