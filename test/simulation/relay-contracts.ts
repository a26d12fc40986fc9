// An application whose work goes from key to key, and so from shard to shard: a payment takes money from one account and says
// so to another, by an event of that account's key; there it is put in by a reaction, and a second one begins a workflow under a
// key of its own. What comes of it is a sum over all accounts, so that whatever is lost or doubled on the way shows.
import { z } from 'zod'
import { ballet, event, on, operation, service, workflow, type OperationContext } from '../../src/index.ts'
import { SameCode } from './same-code.ts'
import type { ApplicationDefinition } from '../../src/define/definition.ts'
import { PATIENT } from './patient-policy.ts'

const Payment = z.object({ from: z.string(), to: z.string(), letter: z.string(), v: z.number() })
export type Payment = z.infer<typeof Payment>
/** Of the account that gets it: mostly in another shard than the payment. */
const Moved = event('moved', Payment, { key: 'to' })

/** Every other payment is said under a name that others could use as well. */
function nameOf({ from, letter }: Payment): { readonly id?: string; readonly source?: string } {
  return /[02468]$/.test(from) ? { id: `moved:${letter}`, source: 'bank' } : {}
}

export interface Bank {
  readonly take: (payment: Payment, context: OperationContext) => Promise<void>
  readonly give: (payment: Payment, context: OperationContext) => Promise<void>
  readonly write: (payment: Payment, context: OperationContext) => Promise<void>
}

/** Of every process, made once. */
export const relayCode: SameCode<Bank> = new SameCode((bankOf) =>
  relayApplication({
    take: (payment, context) => bankOf(context).take(payment, context),
    give: (payment, context) => bankOf(context).give(payment, context),
    write: (payment, context) => bankOf(context).write(payment, context),
  }),
)

function relayApplication(bank: Bank): ApplicationDefinition {
  const desk = service('bank', {
    take: operation({ input: Payment, ...PATIENT, run: (payment, context) => bank.take(payment, context) }),
    give: operation({ input: Payment, ...PATIENT, run: (payment, context) => bank.give(payment, context) }),
    write: operation({ input: Payment, ...PATIENT, run: (payment, context) => bank.write(payment, context) }),
  })
  const pay = workflow('pay', { input: Payment, output: z.null(), key: 'from' }, async (run, payment) => {
    await run.call(desk.take(payment))
    run.emit(Moved(payment), nameOf(payment))
    return null
  })
  const letter = workflow('letter', { input: Payment, output: z.null(), key: 'letter' }, async (run, payment) => {
    await run.sleep('10ms')
    await run.call(desk.write(payment))
    return null
  })
  const post = service('post', {})
  return ballet({
    name: 'relay',
    services: [desk, post],
    workflows: [pay, letter],
    reactions: [on(desk, Moved, (moved) => desk.give(moved)), on(post, Moved, (moved) => letter(moved))],
  })
}
