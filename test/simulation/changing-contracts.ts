// An application whose choreography is another one in each release: an event more, another order, another deadline, another name, or
// none. Reactions go with it, so a flow that one release has begun is answered by another in its way: it may be told as broken, or wait
// for what nobody brings any more, as the flow of today says.
import { z } from 'zod'
import { ballet, choreography, event, on, operation, seq, service, type OperationContext } from '../../src/index.ts'
import type { Application } from '../../src/define/application.ts'
import type { ApplicationDefinition, ChoreographyDefinition } from '../../src/define/definition.ts'
import { PATIENT } from './patient-policy.ts'

export const Parcel = z.object({ id: z.string() })
export type Parcel = z.infer<typeof Parcel>

export const Placed = event('placed', Parcel, { key: 'id' })
const Packed = event('packed', Parcel, { key: 'id' })
const Noted = event('noted', Parcel, { key: 'id' })
const Sent = event('sent', Parcel, { key: 'id' })

const KEY = { key: 'id' } as const

/** What follows from what, and the contract that says so. */
const VARIANTS = {
  plain: { flow: choreography('parcel', KEY, seq(Placed, Packed, Sent)), order: ['pack', 'send'] },
  longer: { flow: choreography('parcel', KEY, seq(Placed, Packed, Noted, Sent)), order: ['pack', 'note', 'send'] },
  turned: { flow: choreography('parcel', KEY, seq(Placed, Sent, Packed)), order: ['send', 'pack'] },
  shorter: { flow: choreography('parcel', KEY, seq(Placed, Sent)), order: ['send'] },
  hurried: { flow: choreography('parcel', KEY, seq(Placed, Packed, Sent.within('50ms'))), order: ['pack', 'send'] },
  renamed: { flow: choreography('delivery', KEY, seq(Placed, Packed, Sent)), order: ['pack', 'send'] },
  none: { flow: null, order: ['pack', 'send'] },
} as const
export type Variant = keyof typeof VARIANTS

export const STEPS = ['pack', 'note', 'send'] as const
export type Step = (typeof STEPS)[number]
export type Hands = Readonly<Record<Step, (parcel: Parcel, context: OperationContext) => Promise<void>>>

const OUTCOMES = { pack: Packed, note: Noted, send: Sent }

export const flowOf = (variant: Variant): ChoreographyDefinition | null => VARIANTS[variant].flow

/** Has one run perform the flow; all of them begin with the same event, and differ in nothing else that is asked here. */
export function conductWith(app: Application, variant: Variant, parcel: Parcel): Promise<unknown> | null {
  const { flow } = VARIANTS[variant]
  return flow === null ? null : app.conduct(flow)(Placed(parcel), { id: parcel.id })
}

export function changingApplication(variant: Variant, hands: Hands, version: string): ApplicationDefinition {
  const does = (step: Step) => {
    const outcome = OUTCOMES[step] as typeof Packed
    return operation({
      input: Parcel,
      outcomes: [outcome],
      ...PATIENT,
      run: async (parcel: Parcel, context: OperationContext) => {
        await hands[step](parcel, context)
        return outcome(parcel)
      },
    })
  }
  const desk = service('desk', { pack: does('pack'), note: does('note'), send: does('send') })
  const { flow, order } = VARIANTS[variant]
  const causes = [Placed, ...order.map((step) => OUTCOMES[step])]
  return ballet({
    name: 'changing',
    version,
    services: [desk],
    reactions: order.map((step, index) => on(desk, causes[index] as typeof Placed, (parcel) => desk[step](parcel))),
    choreographies: flow === null ? [] : [flow],
  })
}
