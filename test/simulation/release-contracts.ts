// An application in three releases. What the second adds, and the third again, the first knows nothing of: a step of a workflow, whose
// old runs go on without it (`run.patched`), an event, a workflow of another key, a reaction, an operation. So whatever is of a newer
// release and comes to a process of an older one has to wait there, or be refused, and be done in the end.
import { z } from 'zod'
import {
  ballet,
  choreography,
  event,
  on,
  operation,
  seq,
  service,
  signal,
  workflow,
  type OperationContext,
} from '../../src/index.ts'
import type { ApplicationDefinition } from '../../src/define/definition.ts'
import { PATIENT } from './patient-policy.ts'

export type Release = 1 | 2 | 3

const Order = z.object({
  id: z.string(),
  /** To whom it goes, and the name of what is written about it: both are keys, mostly of other shards. */
  to: z.string(),
  letter: z.string(),
  /** How long it rests between two steps; milliseconds. */
  rest: z.number(),
})
export type Order = z.infer<typeof Order>

/** What a new release asks for besides, which an old one refuses. */
const Gift = Order.extend({ card: z.string() })
export type Gift = z.infer<typeof Gift>

const Sent = event('sent', Order, { key: 'to' })
/** From the second release on. */
export const Given = event('given', Gift, { key: 'to' })
const Hurry = signal('hurry', z.string())
/** Of a flow that the second release brings, and the third makes longer. */
export const Asked = event('asked', Order, { key: 'id' })
const Wrapped = event('wrapped', Order, { key: 'id' })
const Labelled = event('labelled', Order, { key: 'id' })
export const wrapping = choreography('wrapping', { key: 'id' }, seq(Asked, Wrapped, Labelled))

export const STEPS = [
  'take',
  'check',
  'ship',
  'note',
  'write',
  'tick',
  'give',
  'thank',
  'sign',
  'wrap',
  'label',
] as const
export type Step = (typeof STEPS)[number]
export type Hands = Readonly<Record<Step, (order: Order, context: OperationContext) => Promise<void>>>

/** What its desk does: `all` in the newer releases, of which the first has a part. */
function desksOf(release: Release, hands: Hands) {
  const does = (step: Step) =>
    operation({
      input: Order,
      ...PATIENT,
      run: (order: Order, context: OperationContext) => hands[step](order, context),
    })
  const answers = (step: Step, outcome: typeof Wrapped | typeof Labelled) =>
    operation({
      input: Order,
      outcomes: [outcome],
      ...PATIENT,
      run: async (order: Order, context: OperationContext) => {
        await hands[step](order, context)
        return outcome(order)
      },
    })
  const old = { take: does('take'), ship: does('ship'), write: does('write') }
  const all = service('desk', {
    ...old,
    tick: does('tick'),
    sign: does('sign'),
    wrap: answers('wrap', Wrapped),
    label: answers('label', Labelled),
    check: does('check'),
    note: does('note'),
    give: does('give'),
    thank: does('thank'),
  })
  return { all, desk: release === 1 ? service('desk', old) : all }
}

/** @param version what the release is called: some have the name of the one before. */
export function applicationOf(release: Release, hands: Hands, version = String(release)): ApplicationDefinition {
  const isOld = release === 1
  const { all, desk } = desksOf(release, hands)
  const post = service('post', {})
  const gift = workflow('gift', { input: Gift, output: z.string(), key: 'card' }, async (run, order) => {
    await run.call(all.give(order))
    run.emit(Given(order))
    return order.id
  })
  const card = workflow('card', { input: Gift, output: z.null(), key: 'card' }, async (run, given) => {
    await run.call(all.sign(given))
    return null
  })
  const order = workflow(
    'order',
    { input: Order, output: z.string(), key: 'id', signals: isOld ? [] : [Hurry] },
    async (run, placed) => {
      await run.call(desk.take(placed))
      if (!isOld && run.patched('check')) {
        await run.call(all.check(placed))
        await run.start(gift({ ...placed, card: `of-${placed.id}` })).result()
      }
      if (isOld) await run.sleep(`${placed.rest}ms`)
      else if (run.patched('hurry')) await run.receive(Hurry, { within: `${placed.rest}ms` })
      else await run.sleep(`${placed.rest}ms`)
      await run.call(desk.ship(placed))
      if (release > 2 && run.patched('note')) await run.call(all.note(placed))
      run.emit(Sent(placed))
      return placed.id
    },
  )
  const letter = workflow('letter', { input: Order, output: z.null(), key: 'letter' }, async (run, sent) => {
    await run.sleep(`${sent.rest}ms`)
    if (!isOld && run.patched('tick')) await run.call(all.tick(sent))
    if (sent.rest > 0) return run.continueAs({ ...sent, rest: 0 })
    await run.call(desk.write(sent))
    return null
  })
  return ballet({
    name: 'releases',
    version,
    services: [desk, post],
    workflows: isOld ? [order, letter] : [order, letter, gift, card],
    reactions: [
      on(post, Sent, (sent) => letter(sent)),
      ...(isOld
        ? []
        : [
            on(all, Given, (given) => all.thank(given)),
            on(post, Given, (given) => card(given)),
            on(all, Asked, (asked) => all.wrap(asked)),
            on(all, Wrapped, (wrapped) => all.label(wrapped)),
          ]),
    ],
    choreographies: isOld ? [] : [wrapping],
  })
}
