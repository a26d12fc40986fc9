// A long operation that is over, however: nothing of how far it was is left, though its run may go on for long.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { ballet, operation, service, signal, workflow, type OperationContext } from '../index.ts'

const Go = signal('go', z.null())

/** A run that holds something, exports a table, and then waits; what takes back what it holds is not answered. */
function exporting(body: (context: OperationContext) => Promise<string>) {
  const [begun, undoing] = [gate(), gate()]
  const unanswered = (): Promise<never> => (undoing.open(), new Promise(() => {}))
  const table = service('table', {
    export: operation({
      input: z.null(),
      output: z.string(),
      heartbeat: '1h',
      timeout: '2h',
      retry: { attempts: 1 },
      run: async (_, context) => {
        context.heartbeat('row 9')
        begun.open()
        return body(context)
      },
    }),
    keep: operation({
      timeout: '2h',
      input: z.null(),
      output: z.null(),
      heartbeat: '1h',
      retry: { attempts: 5, backoff: '1h' },
      run: (_, { heartbeat }) => {
        heartbeat('row 9')
        throw new Error('not now')
      },
    }),
    hold: operation({ input: z.null(), output: z.null(), run: () => null }),
    release: operation({ input: z.null(), output: z.null(), undoes: 'hold', run: unanswered }),
    leave: operation({ input: z.null(), output: z.null(), undoes: 'keep', run: unanswered }),
  })
  const flow = workflow('flow', { input: z.null(), output: z.string(), signals: [Go] }, async (run) => {
    await run.call(table.hold(null), { undo: table.release(null) })
    const told = await run.call(table.export(null))
    await run.receive(Go)
    return told
  })
  const keeping = workflow('keeping', { input: z.null(), output: z.null() }, (run) =>
    run.call(table.keep(null), { undo: table.leave(null) }),
  )
  return { definition: ballet({ services: [table], workflows: [flow, keeping] }), flow, keeping, begun, undoing }
}

/** Numbers of rows beside journals. */
const beside = (data: MemoryData): readonly number[] =>
  [...data.journal].flatMap(([num, rows]) => (num < 0 && rows.length > 0 ? [num] : []))

test('what is answered while its process ends leaves nothing beside the run', async () => {
  const data = new MemoryData()
  const last = gate()
  const { definition, flow, begun } = exporting(async ({ heartbeat }) => {
    await last.promise
    heartbeat('row 10')
    return 'exported'
  })
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'one' })
  await begun.promise
  const closed = first.close()
  last.open()
  await closed
  const second = await openForTest(definition, { store: memory(data) })
  await second.signal('one', Go(null))
  expect(await second.result('one')).toBe('exported')
  expect(beside(data)).toEqual([])
})

test('a call that is dropped when its run is cancelled leaves nothing beside it, while that takes back what it did', async () => {
  const data = new MemoryData()
  const { definition, flow, begun, undoing } = exporting(() => new Promise<never>(() => {}))
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'one' })
  await begun.promise
  await first.close()
  expect(beside(data)).toHaveLength(1)
  const second = await openForTest(definition, { store: memory(data) })
  await second.cancel('one', { by: 'ana', why: 'it takes too long' })
  await undoing.promise
  expect(beside(data)).toEqual([])
})

test('a call that waited for its next attempt when its run was cancelled leaves nothing beside it', async () => {
  const data = new MemoryData()
  const { definition, keeping, undoing } = exporting(() => Promise.resolve(''))
  const app = await openForTest(definition, { store: memory(data) })
  await app.start(keeping(null), { id: 'one' })
  await until(app, null, async () => (await app.run('one'))?.waits[0]?.attempt)
  expect(beside(data)).toHaveLength(1)
  await app.cancel('one', { by: 'ana', why: 'it takes too long' })
  await undoing.promise
  expect(beside(data)).toEqual([])
})

test('a call that a person has answered leaves nothing beside its run', async () => {
  const data = new MemoryData()
  const { definition, flow } = exporting(() => Promise.reject(new Error('the disk is full')))
  const app = await openForTest(definition, { store: memory(data) })
  await app.start(flow(null), { id: 'one' })
  await until(app, null, async () => (await app.run('one'))?.status === 'stuck')
  expect(beside(data)).toHaveLength(1)
  await app.answer('one', { op: 'table.export#0', value: 'by hand', by: 'ana', why: 'the table is there' })
  expect(beside(data)).toEqual([])
})
