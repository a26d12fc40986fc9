// Compares what the clients were told with what the services wrote, and knows nothing of the engine. Each rule looks at
// the story of one order and says what is wrong with it; `SHARED_KEY` and `VACUOUS` look at all of them. Effects are
// taken in the order in which they are given, which is that of time. audit.test.ts breaks every rule once.
import type { LedgerRow } from '../../examples/shop/ledger.ts'
import type { BlowKind } from './blows.ts'
import type { ClusterBlowKind } from './cluster-blows.ts'
import { count } from './figures.ts'
import type { FaultRow, OrderRow } from './records.ts'
import { Story, type Flow } from './story.ts'

/** What a campaign must have seen to prove anything. */
export interface Least {
  readonly acks: number
  /** Blows that met at least one order at work, by their kind. */
  readonly hits: Readonly<Partial<Record<BlowKind | ClusterBlowKind, number>>>
  /** Steps that reached a service more than once. */
  readonly redelivered: number
  readonly endings: readonly string[]
}

export interface Exhibits {
  readonly orders: readonly OrderRow[]
  readonly effects: readonly LedgerRow[]
  readonly faults: readonly FaultRow[]
  readonly flow: Flow
  readonly least: Least
}

export interface Finding {
  readonly rule: RuleName
  /** The order, or the key. */
  readonly about: string
  readonly detail: string
}

type Rule = (story: Story) => readonly string[]

const CANCELLED: readonly string[] = ['in time', 'too late']

const when = (isWrong: boolean, detail: string): string[] => (isWrong ? [detail] : [])
const distinct = (values: readonly string[]): string[] => [...new Set(values)].sort()
const sum = (effects: readonly LedgerRow[]): number => effects.reduce((total, { amount }) => total + (amount ?? 0), 0)

/** The rules about one order. */
const rules = {
  /** Nothing that was acknowledged, or that has had an effect, is without an end. */
  LOST: ({ acks, effects, stands, isGone }) =>
    when(isGone, 'acknowledged, and nobody knows of it any more').concat(
      when(stands === undefined && acks.length > 0, 'acknowledged and never ended').concat(
        when(stands === undefined && acks.length === 0 && effects.length > 0, 'it has effects and never ended'),
      ),
    ),
  PHANTOM: ({ submits, wasRefused, effects }) =>
    when(effects.length > 0 && submits.length === 0, 'effects of an order that nobody placed').concat(
      when(effects.length > 0 && wasRefused, 'effects of an order of which the client was told that it was not taken'),
    ),
  /** One id is one thing, whoever asks and however often. */
  SPLIT: ({ acks, finals, cancels }) => {
    const runs = distinct(acks.map(({ run }) => run))
    // The customer's word that cancels a choreographed order begins a graph of its own.
    const isOwn = (root: string): boolean => cancels.length === 0 || !root.startsWith('event:customer:')
    const roots = distinct(finals.flatMap((final) => final.roots.filter(isOwn)))
    return when(runs.length > 1, `acknowledged as ${runs.join(' and ')}`).concat(
      when(roots.length > 1, `it has several beginnings: ${roots.join(', ')}`),
    )
  },
  TWICE: (story) =>
    [...story.steps].flatMap((step) => {
      const times = story.applied(step).length
      return when(times > 1, `${step} was applied ${times} times`)
    }),
  /** A service can only tell a repeat by its key. */
  KEYS: ({ steps, effects }) =>
    [...steps].flatMap((step) => {
      const keys = distinct(effects.flatMap((effect) => (effect.step === step ? [effect.key] : [])))
      return when(keys.length > 1, `${step} was asked for under ${keys.join(' and ')}`)
    }),
  /** A step of a kind comes after every step of the kinds that it needs. */
  ORDER: (story) =>
    story.flow.steps.flatMap(({ name, after = [] }) => {
      const at = story.positions(name)
      return after.flatMap((needed) => {
        const before = story.positions(needed)
        const mayLack = story.flow.steps.find((step) => step.name === needed)?.optional === true
        const isWrong = at.length > 0 && (before.length === 0 ? !mayLack : Math.max(...before) > Math.min(...at))
        return when(isWrong, `${name} without ${needed} before it`)
      })
    }),
  MISSING: (story) =>
    story.stands !== 'all'
      ? []
      : story.flow.steps
          .flatMap(({ name, optional }) =>
            when(optional !== true && story.positions(name).length === 0, `${name} is missing`),
          )
          .concat(
            (story.submits[0]?.items ?? []).flatMap((sku) =>
              when(story.position(`reserve#${sku}`) < 0, `${sku} was never reserved`),
            ),
          ),
  NOT_UNDONE: (story) =>
    story.stands !== 'none'
      ? []
      : story
          .undoable()
          .flat()
          .flatMap(({ name, undo }) => when(story.position(undo) < 0, `${name} has no ${undo}`)),
  /** What was done last is taken back first; among the items of one kind of step it makes no difference. */
  UNDO_ORDER: (story) =>
    story.undoable().flatMap((later, index, all) => {
      const last = Math.max(...later.map(({ undo }) => story.position(undo)))
      const earlier = (all[index - 1] ?? []).filter(({ undo }) => story.position(undo) >= 0)
      return earlier.flatMap(({ undo }) => when(story.position(undo) < last, `${undo} came too early`))
    }),
  /** What stands is not taken back, and what was not done is not either. */
  UNDO_WRONG: (story) =>
    story
      .undone()
      .flatMap(({ name, undo }) =>
        when(story.stands === 'all', `${undo}, and the order stands`).concat(
          when(story.position(name) < 0, `${undo} without ${name}`),
        ),
      ),
  /** What has left the house is paid for: no other ending may have a parcel on its way. */
  SENT: (story) =>
    when(story.stands === 'none' && story.position('ship') >= 0, 'shipped, and the order does not stand'),
  /** A customer who cancels is told whether that was in time, and it is true; of what an operator did nobody says so. */
  CANCEL: (story) => {
    const wasStopped = story.position('stop') >= 0
    const isCustomers = story.cancels.some(({ by }) => by === 'the customer')
    return story.finals.flatMap(({ status, cancellation }) =>
      when(isCustomers && !CANCELLED.includes(cancellation ?? ''), 'cancelled, and nobody says whether in time')
        .concat(when(story.cancels.length === 0 && status === 'cancelled', 'cancelled, and nobody asked for it'))
        .concat(
          when(
            isCustomers && wasStopped !== (cancellation === 'in time'),
            `shown as ${cancellation}, the books say otherwise`,
          ),
        )
        .concat(when(!isCustomers && cancellation !== undefined, `shown as ${cancellation}, and no customer asked`))
        .concat(when(wasStopped && status === 'confirmed', 'cancelled in time, and confirmed'))
        .concat(
          when(
            isCustomers && cancellation === 'too late' && status === 'confirmed' && story.position('regret') < 0,
            'nobody told the customer that it was too late',
          ),
        ),
    )
  },
  FLIP: ({ finals }) => {
    const seen = distinct(finals.map(({ status }) => status))
    return when(seen.length > 1, `it ended as ${seen.join(' and as ')}`)
  },
  WRONG_END: ({ submits, finals }) => {
    const [wants, status] = [submits[0]?.wants, finals[0]?.status]
    const isWrong = status !== undefined && wants !== undefined && !wants.some((ending) => ending === status)
    return when(isWrong, `${status} instead of ${wants?.join(' or ')}`)
  },
  MONEY: (story) => {
    const paid = sum(story.applied('charge')) - sum(story.applied('refund'))
    return story.finals.flatMap(({ amount }) => when(amount !== paid, `shown as ${amount}, the books say ${paid}`))
  },
  /**
   * An engine that was replaced gets nothing done any more once its successor has done something for the order. A repeat is not
   * counted: the successor begins by asking again for what was under way, of each service, and none of them knows of the others.
   */
  ZOMBIE: ({ effects }) => {
    let newest = 0
    return effects.flatMap(({ step, outcome, epoch = 0 }) => {
      if (outcome !== 'applied') return []
      newest = Math.max(newest, epoch)
      return when(epoch < newest, `${step} by epoch ${epoch} after ${newest}`)
    })
  },
  LATE: ({ finals, effects }) => {
    const ended = Math.min(...finals.map(({ t }) => t))
    return effects.flatMap(({ t, step, outcome }) => when(t > ended && outcome !== 'refused', `${step} after the end`))
  },
} satisfies Record<string, Rule>

export type RuleName = keyof typeof rules | 'SHARED_KEY' | 'VACUOUS'

/** The names of all rules. */
export const ruleNames: readonly RuleName[] = [
  ...(Object.keys(rules) as (keyof typeof rules)[]),
  'SHARED_KEY',
  'VACUOUS',
]

/** Everything that is wrong; nothing is, when it is empty. */
export function audit(exhibits: Exhibits): Finding[] {
  const { orders, effects, flow } = exhibits
  const rows = Map.groupBy(orders, ({ id }) => id)
  const done = Map.groupBy(effects, ({ run }) => run)
  const findings = distinct([...rows.keys(), ...done.keys()]).flatMap((id) => {
    const story = new Story(rows.get(id) ?? [], done.get(id) ?? [], flow)
    return (Object.entries(rules) as [RuleName, Rule][]).flatMap(([rule, find]) =>
      distinct(find(story)).map((detail): Finding => ({ rule, about: id, detail })),
    )
  })
  return [...findings, ...sharedKeys(effects), ...vacuous(exhibits)]
}

function sharedKeys(effects: readonly LedgerRow[]): Finding[] {
  return [...Map.groupBy(effects, ({ key }) => key)].flatMap(([key, those]) => {
    const owners = distinct(those.map(({ run, step }) => `${step} of ${run}`))
    return when(owners.length > 1, owners.join(' and ')).map((detail): Finding => ({
      rule: 'SHARED_KEY',
      about: key,
      detail,
    }))
  })
}

function vacuous({ least, ...seen }: Exhibits): Finding[] {
  const { acks, hits, redelivered, endings } = count(seen)
  const missing = least.endings.filter((ending) => !(ending in endings))
  return [
    ...when(acks < least.acks, `${acks} orders acknowledged, at least ${least.acks} are needed`),
    ...Object.entries(least.hits).flatMap(([kind, needed]) =>
      when((hits[kind] ?? 0) < needed, `${hits[kind] ?? 0} of ${kind} met work, at least ${needed} are needed`),
    ),
    ...when(
      redelivered < least.redelivered,
      `${redelivered} steps redelivered, at least ${least.redelivered} are needed`,
    ),
    ...missing.map((ending) => `no order ended ${ending}`),
  ].map((detail): Finding => ({ rule: 'VACUOUS', about: 'the campaign', detail }))
}
