// An application that forgets soon: a job has a helper that has long ended when it is asked for, hands something on to another key, and
// so to another shard, where a reaction does it, and others begin workflows of keys of their own. So one graph lies in several
// shards, and parts of it are open while others are old enough to go.
import { z } from 'zod'
import {
  ballet,
  choreography,
  event,
  on,
  operation,
  seq,
  service,
  workflow,
  type OperationContext,
} from '../../src/index.ts'
import type { ApplicationDefinition } from '../../src/define/definition.ts'
import { PATIENT } from './patient-policy.ts'

/** What is handed on, the same whoever does so. */
const Order = z.object({
  id: z.string(),
  to: z.string(),
  letter: z.string(),
  copy: z.string(),
  /** How long its letter waits, and then the copy of that; milliseconds. */
  rest: z.number(),
  after: z.number(),
})
const Job = z.object({
  id: z.string(),
  order: Order,
  /** How long each of its generations waits before it asks for its helper, milliseconds. */
  waits: z.array(z.number()),
})
export type Order = z.infer<typeof Order>
export type Job = z.infer<typeof Job>
export const Asked = event('asked', Order, { key: 'to' })
const Done = event('done', Order, { key: 'to' })
const Written = event('written', Order, { key: 'id' })

export interface Hands {
  readonly help: (order: Order, context: OperationContext) => Promise<void>
  readonly carry: (order: Order, context: OperationContext) => Promise<void>
  readonly write: (order: Order, context: OperationContext) => Promise<void>
}

export function forgettingApplication(hands: Hands): ApplicationDefinition {
  const desk = service('desk', {
    help: operation({ input: Order, ...PATIENT, run: (order, context) => hands.help(order, context) }),
    carry: operation({
      input: Order,
      outcomes: [Done],
      ...PATIENT,
      run: async (order, context) => {
        await hands.carry(order, context)
        return Done(order)
      },
    }),
    write: operation({ input: Order, ...PATIENT, run: (order, context) => hands.write(order, context) }),
  })
  const helper = workflow('helper', { input: Order, output: z.string() }, async (run, order) => {
    await run.call(desk.help(order))
    return order.id
  })
  const job = workflow('job', { input: Job, output: z.string(), key: 'id' }, async (run, { id, order, waits }) => {
    const [wait = 0, ...others] = waits
    const help = run.start(helper(order))
    if (others.length === 0) run.emit(Asked(order))
    await run.sleep(`${wait}ms`)
    const helped = await help.result()
    return others.length > 0 ? run.continueAs({ id, order, waits: others }) : helped
  })
  const letter = workflow('letter', { input: Order, output: z.null(), key: 'letter' }, async (run, order) => {
    await run.sleep(`${order.rest}ms`)
    await run.call(desk.write(order))
    run.emit(Written(order))
    return null
  })
  const copy = workflow('copy', { input: Order, output: z.null(), key: 'copy' }, async (run, order) => {
    await run.sleep(`${order.after}ms`)
    return null
  })
  const post = service('post', {})
  return ballet({
    name: 'forgetting',
    services: [desk, post],
    workflows: [helper, job, letter, copy],
    reactions: [
      on(desk, Asked, (asked) => desk.carry(asked)),
      on(post, Done, (done) => letter(done)),
      on(post, Written, (written) => copy(written)),
    ],
    choreographies: [choreography('asking', { key: 'to' }, seq(Asked, Done.as('done')))],
  })
}
