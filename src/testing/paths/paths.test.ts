// Generated tests of a small order process: a sound one passes on every path, and each way in which an application or a
// service can break the contract is found, with the path and the place.
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ballet } from '../../define/ballet.ts'
import type { Call } from '../../define/call.ts'
import { choreography } from '../../define/choreography.ts'
import { event } from '../../define/event.ts'
import { operation } from '../../define/operation.ts'
import { choice, many, optional, seq } from '../../define/pattern.ts'
import { on } from '../../define/reaction.ts'
import { service } from '../../define/service.ts'
import { workflow } from '../../define/workflow.ts'
import { DataMaker, type EventData } from './event-data.ts'
import { everyPath } from './every-path.ts'
import { project } from './project.ts'

const id = z.object({ orderId: z.string() })
const key = { key: 'orderId' } as const
const Created = event('order.created', id.extend({ total: z.int() }), key)
const Paid = event('order.paid', id, key)
const Declined = event('order.declined', id, key)
const Sent = event('order.sent', id, key)
const Lost = event('order.lost', id, key)
const Refunded = event('order.refunded', id, key)
const Rated = event('order.rated', id.extend({ stars: z.int() }), key)

const order = choreography(
  'order',
  key,
  seq(
    Created,
    choice(
      seq(Paid.within('30s'), choice(Sent.as('sent'), seq(Lost, Refunded).as('refunded')), many(Rated)),
      Declined.as('declined'),
    ),
  ),
  { outside: [Rated] },
)

type Answer = (input: { readonly orderId: string }) => Call | null
interface Wiring {
  readonly onCreated?: Answer
  readonly onPaid?: Answer
  readonly onSent?: Answer
  readonly onLost?: Answer
  /** What the services do when they are run themselves. */
  readonly charge?: (total: number) => 'paid' | 'declined' | 'lost'
}

/** The process, but for what a test wires otherwise. */
function make({ onCreated, onPaid, onSent, onLost, charge }: Wiring = {}) {
  const payment = service('payment', {
    charge: operation({
      input: id.extend({ total: z.int() }),
      outcomes: [Paid, Declined, Lost],
      run: ({ orderId, total }) => {
        const how = charge?.(total) ?? (total > 100 ? 'declined' : 'paid')
        return how === 'paid' ? Paid({ orderId }) : how === 'lost' ? Lost({ orderId }) : Declined({ orderId })
      },
    }),
    refund: operation({
      input: id,
      undoes: 'charge',
      outcomes: [Refunded],
      run: ({ orderId }) => Refunded({ orderId }),
    }),
  })
  const shipping = service('shipping', {
    ship: operation({ input: id, outcomes: [Sent, Lost], run: ({ orderId }) => Sent({ orderId }) }),
  })
  const wait = workflow('wait', { input: id, output: z.null() }, async (run, { orderId }) => {
    await run.sleep('2h')
    run.start(shipping.ship({ orderId }))
    return null
  })
  payment.on(Created, onCreated ?? (({ orderId }) => payment.charge({ orderId, total: 1 })))
  shipping.on(Paid, onPaid ?? ((paid) => shipping.ship(paid)))
  payment.on(Lost, onLost ?? ((lost) => payment.refund(lost)))
  if (onSent !== undefined) shipping.on(Sent, onSent)
  const definition = ballet({ services: [payment, shipping], workflows: [wait], choreographies: [order] })
  return { definition, payment, shipping, wait }
}

// `charge` can say that a parcel is lost, which the flow does not know: the script answers with what fits alone.
const data = { [Created.type]: () => ({ orderId: '8841', total: 1 }) }
const problemOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  )

describe('every path of an application', () => {
  it('is walked, and each ends as it should', async () => {
    const { paths, cut, unseen, untaken } = await everyPath(make().definition, order, { data })
    expect(paths.map(({ events, ending }) => `${ending}: ${events.join(' ')}`)).toEqual([
      'declined: order.created order.declined',
      'refunded: order.created order.paid order.lost order.refunded',
      'sent: order.created order.paid order.sent',
      'sent: order.created order.paid order.sent order.rated',
      'refunded: order.created order.paid order.lost order.refunded order.rated',
    ])
    expect({ cut, unseen, untaken }).toEqual({ cut: [], unseen: [], untaken: [] })
  })

  it('repeats as often as it was told, and leaves out what it was told', async () => {
    const { paths } = await everyPath(make().definition, order, { data, repeats: 2 })
    expect(paths.filter(({ events }) => events.at(-2) === Rated.type)).toHaveLength(2)
    const { paths: plain } = await everyPath(make().definition, order, { data, without: [Rated] })
    expect(plain).toHaveLength(3)
  })

  it('tells what it cut because it would have repeated a step too often', async () => {
    const payment = service('payment', {
      charge: operation({ input: id, outcomes: [Paid, Declined], run: ({ orderId }) => Paid({ orderId }) }),
    })
    payment.on(Created, ({ orderId }) => payment.charge({ orderId }))
    payment.on(Paid, ({ orderId }) => payment.charge({ orderId }))
    const loop = choreography('loop', key, seq(Created, many(Paid), Declined))
    const app = ballet({ services: [payment], choreographies: [loop] })
    const { paths, cut } = await everyPath(app, loop, { repeats: 2 })
    const declined = (times: number) => [Created.type, ...Array.from({ length: times }, () => Paid.type), Declined.type]
    expect(paths.map(({ events }) => events)).toEqual([declined(0), declined(1), declined(2)])
    expect(cut).toEqual([])
    const stubborn = { [Declined.type]: () => null }
    const { cut: endless } = await everyPath(app, loop, { repeats: 2, data: stubborn, endings: [] })
    expect(endless).toEqual([[Created.type, Paid.type, Paid.type]])
  })

  it('lets the first event come about as it is told, and the others from outside', async () => {
    const begun: string[] = []
    const { paths } = await everyPath(make().definition, order, {
      data,
      begin: (app, first) => {
        begun.push(first.type)
        return app.publish(first, { source: 'web', id: 'first' })
      },
    })
    expect(begun).toEqual(paths.map(() => Created.type))
  })

  it('waits for a workflow that sleeps', async () => {
    const app = make({ onPaid: (paid) => app.wait(paid) })
    expect((await everyPath(app.definition, order, { data, without: [Rated] })).paths).toHaveLength(3)
  })

  it('waits for its turn when two are begun at once, also behind one that fails', async () => {
    const broken = everyPath(make({ onLost: () => null }).definition, order, { data })
    const sound = [1, 2].map(() => everyPath(make().definition, order, { data, without: [Rated] }))
    expect(await problemOf(broken)).toMatchObject({ code: 'PATHS_BROKEN' })
    expect((await Promise.all(sound)).map(({ paths }) => paths.length)).toEqual([3, 3])
  })

  it('refuses more paths than it may walk, and drops none', async () => {
    expect(await problemOf(everyPath(make().definition, order, { data, limit: 4 }))).toMatchObject({
      code: 'PATHS_TOO_MANY',
      message: 'choreography "order" has more than 4 paths in this application.',
    })
  })

  it.each<readonly [string, Wiring, string]>([
    [
      'a missing reaction',
      { onLost: () => null },
      'path 2: order.created > order.paid > order.lost\n    after order.created > order.paid > order.lost: order.refunded did not come: nobody called payment.refund',
    ],
    [
      'a reaction that makes another call',
      { onCreated: ({ orderId }) => make().payment.refund({ orderId }) },
      'path 1: order.created\n    after order.created: payment.refund is called, which answers with order.refunded; expected was order.declined or order.paid',
    ],
    [
      'an event too many',
      { onSent: ({ orderId }) => make().payment.refund({ orderId }) },
      'path 3: order.created > order.paid > order.sent\n    after order.created > order.paid > order.sent: payment.refund is called, which answers with order.refunded; expected was order.rated',
    ],
    [
      'a reaction that throws',
      {
        onPaid: () => {
          throw new Error('no address')
        },
      },
      'no address',
    ],
  ])('finds %s', async (_name, wiring, words) => {
    const problem = await problemOf(everyPath(make(wiring).definition, order, { data, without: [] }))
    expect(problem).toMatchObject({ code: 'PATHS_BROKEN', family: 'fix' })
    expect(String(problem)).toContain(words)
  })

  it('finds an ending to which nobody comes', async () => {
    const never = { ...data, [Lost.type]: () => null }
    const problem = await problemOf(everyPath(make().definition, order, { data: never }))
    expect(String(problem)).toContain('no path ends as refunded')
    const { unseen } = await everyPath(make().definition, order, { data: never, endings: ['sent', 'declined'] })
    expect(unseen).toEqual([Lost.type, Refunded.type])
  })

  it('says which data it could not make', async () => {
    const wrong = { [Created.type]: () => ({ total: 'much' }) }
    const problem = await problemOf(everyPath(make().definition, order, { data: wrong }))
    expect(String(problem)).toMatch(
      /after nothing: no data for order.created could be made: total: .*data\['order.created'\]/,
    )
  })

  it('refuses options that mean nothing', async () => {
    const refused = (options: object): Promise<unknown> => problemOf(everyPath(make().definition, order, options))
    expect(await refused({ repeats: 0 })).toMatchObject({ code: 'DEFINITION_INVALID' })
    expect(await refused({ data: { 'order.creatd': () => ({}) } })).toMatchObject({ code: 'DEFINITION_INVALID' })
    expect(await refused({ limt: 4 })).toMatchObject({ code: 'DEFINITION_INVALID' })
    for (const options of [{ data: 3 }, { data: { [Created.type]: {} } }, { without: 'order.created' }])
      expect(await refused(options)).toMatchObject({ code: 'DEFINITION_INVALID' })
    const none = {} as unknown as typeof order
    for (const problem of [
      await problemOf(everyPath({} as unknown as ReturnType<typeof make>['definition'], order)),
      await problemOf(everyPath(make().definition, none)),
      await problemOf(project(none, make().payment)),
    ])
      expect(problem).toMatchObject({
        code: 'DEFINITION_INVALID',
        message: expect.stringContaining('argument must be'),
      })
    const other = ballet({ services: [], choreographies: [] })
    expect(await problemOf(everyPath(other, order))).toMatchObject({ code: 'CHOREOGRAPHY_UNKNOWN' })
  })
})

describe('data', () => {
  const Tagged = event(
    'tagged',
    id.extend({ tag: z.string(), note: z.string().optional(), size: z.enum(['S', 'M']) }),
    key,
  )
  const dataOf = (given: EventData, input: unknown, known: Readonly<Record<string, unknown>>) =>
    new DataMaker(given).make(Tagged, { path: [], input, known })

  it('come from the input, else from what is known, else from a sample; what may be left out from the input alone', () => {
    expect(dataOf({}, { tag: 'new', other: 1 }, { orderId: '8841', tag: 'old', note: 'old' })).toEqual({
      data: { orderId: '8841', tag: 'new', size: 'S' },
    })
    expect(dataOf({}, { note: 'new' }, { tag: 'old' })).toMatchObject({ data: { tag: 'old', note: 'new' } })
  })

  it('are what the test says, or none', () => {
    expect(dataOf({ tagged: ({ input }) => ({ size: 'M', tag: String(input) }) }, 7, {})).toMatchObject({
      data: { size: 'M', tag: '7' },
    })
    expect(dataOf({ tagged: () => null }, {}, {})).toBeNull()
    expect(dataOf({ tagged: () => ({ size: 'L' }) }, {}, {})).toMatch(/^no data for tagged could be made: size: /)
  })
})

describe('a service alone', () => {
  it('keeps its part, with the events of others given to it', async () => {
    const projection = await project(order, make().payment, { data })
    expect(projection).toEqual({
      given: ['order.created'],
      own: ['order.paid', 'order.declined', 'order.lost', 'order.refunded'],
      paths: [['order.created', 'order.paid']],
      unseen: ['order.declined', 'order.lost', 'order.refunded'],
    })
    const { paths } = await project(order, make().shipping, { data })
    expect(paths).toEqual([[], ['order.paid', 'order.sent']])
  })

  it('reacts also by what was made apart from it, and not by what others do', async () => {
    const orders = service('orders', { ship: operation({ input: id, outcomes: [Sent, Lost], run: Sent }) })
    const reactions = [on(orders, Paid, (paid) => orders.ship(paid)), on(make().shipping, Created, () => null)]
    const { given, paths } = await project(order, orders, { data, reactions })
    expect([given, paths]).toEqual([['order.paid'], [[], ['order.paid', 'order.sent']]])
    const silent = [on(orders, Paid, () => null)]
    const problem = await problemOf(project(order, orders, { data, reactions: silent, without: [Lost] }))
    expect(String(problem)).toContain('after order.paid: order.sent did not come')
    const none = [orders] as unknown as typeof reactions
    expect(await problemOf(project(order, orders, { reactions: none }))).toMatchObject({ code: 'DEFINITION_INVALID' })
  })

  it('answers otherwise for other data', async () => {
    const app = make({ onCreated: ({ orderId }) => app.payment.charge({ orderId, total: 200 }) })
    expect((await project(order, app.payment, { data })).paths).toEqual([['order.created', 'order.declined']])
  })

  it('is found when it is silent', async () => {
    const problem = await problemOf(project(order, make({ onCreated: () => null }).payment, { data }))
    expect(problem).toMatchObject({ code: 'PATHS_BROKEN' })
    expect(String(problem)).toContain('after order.created: order.declined or order.paid did not come')
  })

  it('is found when it answers with the wrong event', async () => {
    const problem = await problemOf(project(order, make({ charge: () => 'lost' }).payment, { data }))
    expect(String(problem)).toContain(
      'service "payment" in choreography "order" does not hold; 1 path was tried:\n  path 1: order.created\n    after order.created: order.lost came; expected was order.declined or order.paid',
    )
  })

  it('is found when it says more than was agreed', async () => {
    const app = make({ onSent: (sent) => app.shipping.ship(sent) })
    const problem = await problemOf(project(order, app.shipping, { data }))
    expect(String(problem)).toContain('after order.paid > order.sent: order.sent came; nothing of it was expected')
  })

  it('is found when its code breaks', async () => {
    const broken = make({
      charge: () => {
        throw new TypeError('no terminal')
      },
    })
    const problem = await problemOf(project(order, broken.payment, { data, patienceMs: 200 }))
    expect(String(problem)).toContain('after order.created: not done within 200 ms: the run payment:order.created:')
    expect(String(problem)).toContain('no terminal')
  })

  it('must have a part in the flow', async () => {
    expect(await problemOf(project(order, service('audit', {})))).toMatchObject({ code: 'DEFINITION_INVALID' })
    const none = { name: 'audit' } as unknown as ReturnType<typeof make>['payment']
    expect(await problemOf(project(order, none))).toMatchObject({
      message: 'project(...): its second argument must be a service, made by service(...).',
    })
    const optionalOnly = choreography('rating', key, seq(Rated, optional(Sent)), {})
    expect((await project(optionalOnly, make().shipping, {})).paths).toEqual([[]])
  })
})
