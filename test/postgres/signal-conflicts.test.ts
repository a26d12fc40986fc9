// A signal that comes again under its id with other data is refused, whichever node is asked, also within a transaction.
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { ballet, signal, workflow, type Application } from '../../src/index.ts'
import { keptLog, openForTest, until } from '../support/applications.ts'
import { libraries, type Within } from './libraries.ts'
import { nodesOf, placeForTest } from './two-versions.ts'

const Told = signal('told', z.string())
const Over = signal('over', z.null())
const input = z.null()
const output = z.json()
const hearing = workflow('hearing', { input, output, signals: [Told, Over] }, async (run) => {
  const { data } = await run.receive(Told)
  await run.receive(Over)
  return data
})
const again = workflow('again', { input: z.number(), output, signals: [Told] }, async (run, n) => {
  const { data } = await run.receive(Told)
  return data === 'over' ? n : run.continueAs(n + 1)
})
const shop = (version: string) => ballet({ name: 'shop', version, services: [], workflows: [hearing, again] })

const [, openPg] = libraries[1] as (typeof libraries)[number]
async function withinForTest(): Promise<Within> {
  const { within, close } = await openPg()
  onTestFinished(async () => void (await close()))
  return within
}

/** Whichever node is asked, and however. */
async function areToldApart(run: string, nodes: readonly Application[], within: Within): Promise<void> {
  const conflict = { code: 'SIGNAL_CONFLICT', details: { id: run, signal: 's' } }
  for (const node of nodes) {
    expect(await node.signal(run, Told('one'), { id: 's' })).toEqual({ id: 's', created: false })
    await expect(node.signal(run, Told('other'), { id: 's' })).rejects.toMatchObject(conflict)
    await within((tx) => node.signal(run, Told('one'), { id: 's', tx }))
    await expect(within((tx) => node.signal(run, Told('other'), { id: 's', tx }))).rejects.toMatchObject(conflict)
  }
}

test('whether the run is open or has ended', async () => {
  const { old, owner } = await nodesOf(shop)
  const within = await withinForTest()
  for (const [run, node] of Object.entries({ here: owner, there: old })) {
    await node.start(hearing(null), { id: run })
    expect(await node.signal(run, Told('one'), { id: 's' })).toEqual({ id: 's', created: true })
    await areToldApart(run, [owner, old], within)
    await node.signal(run, Over(null))
    expect(await node.result(run)).toBe('one')
    await areToldApart(run, [owner, old], within)
  }
})

test('in a later generation of the run', async () => {
  const { old, owner } = await nodesOf(shop)
  const within = await withinForTest()
  await owner.start(again(0), { id: 'a' })
  await within((tx) => old.signal('a', Told('one'), { id: 's', tx }))
  await until(owner, null, async () => (await owner.run('a'))?.generation === 1)
  await areToldApart('a', [owner, old], within)
  await old.signal('a', Told('over'))
  expect(await old.result('a')).toBe(1)
  await areToldApart('a', [owner, old], within)
})

test('what one transaction says while another has not committed is told in the log', async () => {
  const log = keptLog()
  const app = await openForTest(shop('1'), { store: (await placeForTest()).url(), log })
  const within = await withinForTest()
  await app.start(hearing(null), { id: 'h' })
  await within(async (tx) => {
    await app.signal('h', Told('first'), { id: 's', tx })
    // What the first says cannot be seen yet, by whoever asks.
    await within((other) => app.signal('h', Told('second'), { id: 's', tx: other }))
  })
  await app.signal('h', Over(null))
  expect(['first', 'second']).toContain(await app.result('h'))
  expect(log.lines).toContain(
    'warn An inbox row for h was not taken: The run "h" has had another signal under the id "s", or the same with other data.',
  )
})
