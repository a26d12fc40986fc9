// All that is known about one order, gathered for the rules of the audit: what its clients were told, what the services
// did for it in the order of time, and what the description of its flow says of that. A step that is made for each item
// has a name with the item, `reserve#tutu`; the flow speaks of `reserve`, and of all of them.
import type { LedgerRow } from '../../examples/shop/ledger.ts'
import type { OrderRow } from './records.ts'

interface FlowStep {
  readonly name: string
  readonly after?: readonly string[] | undefined
  readonly undo?: string | undefined
  readonly optional?: boolean | undefined
}

/** What the ledger of an order must look like: the steps, and whether all or none of them may stand at an ending. */
export interface Flow {
  readonly steps: readonly FlowStep[]
  readonly terminal: Readonly<Record<string, 'all' | 'none'>>
}

/** A step that was done and can be taken back, and what takes it back, each with its item. */
interface Undoable {
  readonly name: string
  readonly undo: string
}

type OfType<Type extends OrderRow['type']> = Extract<OrderRow, { readonly type: Type }>

const kindOf = (step: string): string => step.replace(/#.*$/, '')

export class Story {
  readonly submits: readonly OfType<'submit'>[]
  readonly acks: readonly OfType<'ack'>[]
  readonly cancels: readonly OfType<'cancel'>[]
  readonly finals: readonly OfType<'final'>[]
  readonly wasRefused: boolean
  readonly isGone: boolean
  readonly effects: readonly LedgerRow[]
  readonly flow: Flow
  readonly steps: ReadonlySet<string>
  /** `all` or `none` when it has ended. */
  readonly stands: 'all' | 'none' | undefined

  constructor(rows: readonly OrderRow[], effects: readonly LedgerRow[], flow: Flow) {
    const of = <Type extends OrderRow['type']>(type: Type) =>
      rows.filter((row): row is OfType<Type> => row.type === type)
    this.submits = of('submit')
    this.acks = of('ack')
    this.cancels = of('cancel')
    this.finals = of('final')
    this.isGone = of('gone').length > 0
    this.wasRefused = of('nack').length > 0 && of('ack').length + of('unknown').length === 0
    this.effects = effects
    this.flow = flow
    this.steps = new Set(effects.map(({ step }) => step))
    const status = this.finals[0]?.status
    this.stands = status === undefined ? undefined : flow.terminal[status]
  }

  applied(step: string): readonly LedgerRow[] {
    return this.effects.filter((effect) => effect.step === step && effect.outcome === 'applied')
  }

  /** Where among the effects a step was applied first; -1 when it never was. */
  position(step: string): number {
    return this.effects.findIndex((effect) => effect.step === step && effect.outcome === 'applied')
  }

  /** Where the steps of a kind were applied first, whatever their item; empty when none was. */
  positions(kind: string): readonly number[] {
    return [...this.steps].flatMap((step) =>
      kindOf(step) === kind && this.position(step) >= 0 ? [this.position(step)] : [],
    )
  }

  /** What can be taken back of what was done, by the kind of step; kinds in the order in which they came first. */
  undoable(): (readonly Undoable[])[] {
    return this.flow.steps
      .flatMap(({ name, undo }) => {
        const those = undo === undefined ? [] : [...this.steps].filter((step) => kindOf(step) === name)
        const done = those.filter((step) => this.position(step) >= 0)
        return done.length === 0 ? [] : [done.map((step) => ({ name: step, undo: step.replace(name, undo ?? '') }))]
      })
      .sort(([left], [right]) => this.position(left?.name ?? '') - this.position(right?.name ?? ''))
  }

  /** What was taken back, and what that takes back. */
  undone(): readonly Undoable[] {
    return this.flow.steps.flatMap(({ name, undo }) =>
      [...this.steps].flatMap((step) =>
        undo !== undefined && kindOf(step) === undo && this.position(step) >= 0
          ? [{ name: step.replace(undo, name), undo: step }]
          : [],
      ),
    )
  }
}
