// All that is known about one order, gathered for the rules of the audit: what its clients were told, what the services
// did for it in the order of time, and what the description of its flow says of that.
import type { LedgerRow } from '../../examples/shop/ledger.ts'
import type { OrderRow } from './records.ts'

/** What the ledger of an order must look like: the steps, and whether all or none of them may stand at an ending. */
export interface Flow {
  readonly steps: readonly {
    readonly name: string
    readonly after?: readonly string[] | undefined
    readonly undo?: string | undefined
    readonly optional?: boolean | undefined
  }[]
  readonly terminal: Readonly<Record<string, 'all' | 'none'>>
}

type OfType<Type extends OrderRow['type']> = Extract<OrderRow, { readonly type: Type }>

export class Story {
  readonly submits: readonly OfType<'submit'>[]
  readonly acks: readonly OfType<'ack'>[]
  readonly finals: readonly OfType<'final'>[]
  readonly wasRefused: boolean
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
    this.finals = of('final')
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

  /** Steps that were done and can be taken back, in the order in which they were done, with what takes them back. */
  undoable(): { readonly name: string; readonly undo: string }[] {
    return this.flow.steps
      .flatMap(({ name, undo }) => (undo !== undefined && this.position(name) >= 0 ? [{ name, undo }] : []))
      .sort((left, right) => this.position(left.name) - this.position(right.name))
  }
}
