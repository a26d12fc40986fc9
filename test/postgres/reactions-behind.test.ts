// A reaction that is held by the order of its key says which run holds it, whichever node is asked.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, event, operation, service } from '../../src/index.ts'
import { until } from '../support/applications.ts'
import { nodesOf } from './two-versions.ts'

const Order = z.object({ orderId: z.string() })
const Placed = event('placed', Order, { key: 'orderId' })

test('a reaction behind one that is stuck', async () => {
  const pay = service('pay', {
    charge: operation({
      input: Order,
      output: z.string(),
      retry: { attempts: 1 },
      run: () => Promise.reject(new RangeError('down')),
    }),
  })
  pay.on(Placed, (order) => pay.charge(order))
  const { old, owner } = await nodesOf((version) => ballet({ name: 'shop', version, services: [pay] }))
  const ids: string[] = []
  for (const id of ['e1', 'e2']) {
    await owner.publish(Placed({ orderId: 'o' }), { id })
    const [newest] = (await owner.runs({ kind: 'reaction' })).items
    ids.push(newest?.id ?? '')
  }
  const [first = '', second = ''] = ids
  await until(owner, null, async () => (await owner.run(first))?.status === 'stuck')
  for (const node of [owner, old])
    expect(await node.run(second)).toMatchObject({ status: 'running', waits: [{ for: 'pay.charge', behind: first }] })
})
