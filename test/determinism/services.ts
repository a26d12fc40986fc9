// What the programs of the determinism tests play with: events, signals, and one service with operations that answer
// with outcomes, with an output and with nothing, some of them taking others back. What they and the steps answer is
// decided outside (Outside), because that is what differs between a run and its repetition.
import { z } from 'zod'
import { event, operation, service, signal, type Call, type OperationContext, type Run } from '../../src/index.ts'

/** The world beyond the engine: what an operation or a step comes to. May be late, may throw, may be asked twice. */
export interface Outside {
  work(what: string, input: number, context: OperationContext): number | Promise<number>
}

const Value = z.object({ orderId: z.string(), v: z.number() })
export const Amount = z.object({ v: z.number() })

/** Made once: a schema is compiled when it is used first. */
const Quote = Amount.extend({ unit: z.string().default('eur') })

export const Ping = event('ping', Value, { key: 'orderId' })
export const Pong = event('pong', Value, { key: 'orderId' })
const Charged = event('work.charged', Value, { key: 'orderId' })
const Declined = event('work.declined', Value, { key: 'orderId' })
const Refunded = event('work.refunded', Value, { key: 'orderId' })
export const Nudge = signal('nudge', Amount)
export const Halt = signal('halt', Amount)

/** `rounds`: generations that are still to come, each with a program of its own. */
export const PlayInput = z.object({
  orderId: z.string(),
  seed: z.number(),
  level: z.number(),
  rounds: z.number(),
  v: z.number(),
})
export type PlayInput = z.infer<typeof PlayInput>
export type PlayRun = Run<z.infer<typeof Amount>, typeof Nudge | typeof Halt, 'orderId', PlayInput>

/** A child of the same workflow. Made by hand: the workflow is not known yet where its body is written. */
export const playCall = (input: PlayInput): Call<{ v: number }, 'play', 'nothing'> =>
  ({ kind: 'call', target: 'workflow', name: 'play', input }) as unknown as Call<{ v: number }, 'play', 'nothing'>

/** The operations. Retries are short in virtual time; an exhausted one would be stuck and be reported. */
const workOf = (outside: Outside) =>
  service('work', {
    charge: operation({
      input: Value,
      outcomes: [Charged, Declined],
      async run({ orderId, v }, context) {
        const answer = await outside.work('charge', v, context)
        return answer % 4 === 0 ? Declined({ orderId, v: answer }) : Charged({ orderId, v: answer })
      },
    }),
    refund: operation({
      input: Value,
      undoes: 'charge',
      outcomes: [Refunded],
      run: async ({ orderId, v }, context) => Refunded({ orderId, v: await outside.work('refund', v, context) }),
    }),
    book: operation({
      input: Amount,
      output: Amount,
      run: async ({ v }, context) => ({ v: await outside.work('book', v, context) }),
    }),
    release: operation({
      input: Amount,
      undoes: 'book',
      output: Amount,
      run: async ({ v }, context) => ({ v: await outside.work('release', v, context) }),
    }),
    // The schema adds to what the workflow gives, so the journal keeps the raw input beside the decoded one.
    quote: operation({
      input: Quote,
      output: Amount,
      run: async ({ v, unit }, context) => ({ v: await outside.work(`quote ${unit}`, v, context) }),
    }),
    note: operation({
      input: Value,
      async run({ v }, context) {
        await outside.work('note', v, context)
      },
    }),
  })

export type Work = ReturnType<typeof workOf>

/** What a program needs to be performed. */
export interface Parts {
  readonly work: Work
  readonly outside: Outside
}

export const partsOf = (outside: Outside): Parts => ({ work: workOf(outside), outside })
