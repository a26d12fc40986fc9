// A long operation that is answered while its process ends, or gives its shard to another: nothing of how far it was is left.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest } from '../../test/support/applications.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { ballet, operation, service, workflow } from '../index.ts'

test('what is answered while its process ends leaves nothing beside the run', async () => {
  const data = new MemoryData()
  const [begun, last] = [gate(), gate()]
  const table = service('table', {
    export: operation({
      input: z.null(),
      output: z.string(),
      heartbeat: '1h',
      timeout: '2h',
      async run(_, { heartbeat }) {
        heartbeat('row 9')
        begun.open()
        await last.promise
        heartbeat('row 10')
        return 'exported'
      },
    }),
  })
  const flow = workflow('flow', { input: z.null(), output: z.string() }, (run) => run.call(table.export(null)))
  const definition = ballet({ services: [table], workflows: [flow] })
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'one' })
  await begun.promise
  const closed = first.close()
  last.open()
  await closed
  const second = await openForTest(definition, { store: memory(data) })
  expect(await second.result('one')).toBe('exported')
  expect([...data.journal.keys()].filter((num) => num < 0)).toEqual([])
})
