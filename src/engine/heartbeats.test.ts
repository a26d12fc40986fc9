// Long operations say that they live, and how far they are: who is silent has failed, and the next attempt goes on from there, in
// this process or in the next.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { ballet, operation, service, workflow, type OperationContext } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

type Body = (context: OperationContext) => unknown
const output = z.json()

/** An export whose attempts are made by these, one after the other; what `context.progress` was in each. */
function exporting(bodies: readonly Body[], policy: { readonly heartbeat?: string } = { heartbeat: '30s' }) {
  const progress: unknown[] = []
  const begun = bodies.map(() => gate<OperationContext>())
  const table = service('table', {
    export: operation({
      input: z.null(),
      output,
      timeout: '4h',
      ...(policy as { readonly heartbeat?: '30s' }),
      run: async (_, context) => {
        const number = progress.push(context.progress) - 1
        begun[number]?.open(context)
        return (await bodies[number]?.(context)) as string
      },
    }),
  })
  const flow = workflow('flow', { input: z.null(), output: z.object({ told: output }) }, async (run) => ({
    told: await run.call(table.export(null)),
  }))
  return { definition: ballet({ services: [table], workflows: [flow] }), table, flow, progress, begun }
}

const never = (): Promise<never> => new Promise(() => {})

test('an attempt that says nothing has failed long before its timeout, and the next one is told how far it was', async () => {
  const clock = new SteppedClock()
  const began = clock.now()
  const { definition, flow, progress, begun } = exporting([never, ({ progress: row }) => ({ row: row ?? null })])
  const app = await openForTest(definition, { clock })
  await app.start(flow(null), { id: 'one' })
  const context = await begun[0]?.promise
  await clock.moveTo(began + 29_000)
  context?.heartbeat({ row: 7 })
  await clock.moveTo(began + 58_000)
  context?.heartbeat()
  await clock.moveTo(began + 87_999)
  expect(progress).toEqual([undefined])
  await clock.moveTo(began + 88_000)
  const failed = await until(app, null, async () => (await app.run('one'))?.waits[0]?.attempt)
  expect(failed.error).toMatchObject({ code: 'ATTEMPT_SILENT', message: 'table.export said nothing for 30000ms.' })
  expect(context?.signal.reason).toMatchObject({ code: 'ATTEMPT_SILENT' })
  // Nobody listens to it any more.
  context?.heartbeat({ row: 8 })
  await clock.moveTo(began + 90_000)
  expect(await app.result('one')).toEqual({ told: { row: { row: 7 } } })
})

test('how far it was is kept within five seconds, in one row, and the next process goes on from there', async () => {
  const clock = new SteppedClock()
  const began = clock.now()
  const data = new MemoryData()
  const bodies = [never, ({ progress }: OperationContext) => progress]
  const { definition, flow, progress, begun } = exporting(bodies)
  const first = await openForTest(definition, { store: memory(data), clock })
  await first.start(flow(null), { id: 'one' })
  const context = await begun[0]?.promise
  const num = data.runOrder[0] ?? 0
  const beside = (): readonly unknown[] => data.journal.get(-num) ?? []
  for (let row = 1; row <= 1000; row++) context?.heartbeat(row)
  await clock.moveTo(began + 4999)
  expect(beside()).toEqual([])
  await clock.moveTo(began + 5000)
  await until(first, null, async () => beside().length === 1)
  const turns = data.journal.get(num)?.length
  for (let seconds = 6; seconds <= 60; seconds++) {
    context?.heartbeat(1000 + seconds)
    await clock.moveTo(began + seconds * 1000)
  }
  await until(first, null, async () => JSON.stringify(beside()).includes('1060'))
  // However long it goes on, there is no more of it than that.
  expect(beside()).toHaveLength(1)
  expect(data.journal.get(num)).toHaveLength(turns ?? -1)
  const view = { attempt: 1, at: new Date(began + 59_000).toISOString(), progress: 1060 }
  expect((await first.run('one'))?.waits[0]?.heartbeat).toEqual(view)
  // Its process is gone, with what it had not written.
  context?.heartbeat(2000)
  const second = await openForTest(definition, { store: memory(data), clock })
  expect(await second.result('one')).toEqual({ told: 1060 })
  expect(progress).toEqual([undefined, 1060])
  expect(beside()).toEqual([])
})
