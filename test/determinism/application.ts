// The application whose runs the determinism tests crash: one service with operations that answer with outcomes, with an
// output and with nothing, some of them taking others back; one reaction; and one workflow whose body performs the
// program that its input names by a seed. What its operations and steps answer is decided outside (Outside), because
// that is what differs between a run and its repetition.
import { z } from 'zod'
import {
  ballet,
  event,
  on,
  operation,
  service,
  signal,
  workflow,
  type ApplicationDefinition,
  type Call,
  type OperationContext,
  type Run,
} from '../../src/index.ts'
import { perform } from './perform.ts'
import { programOf, type Style } from './program.ts'

/** The world beyond the engine: what an operation or a step comes to. May be late, may throw, may be asked twice. */
export interface Outside {
  work(what: string, input: number, context: OperationContext): number | Promise<number>
}

const Value = z.object({ orderId: z.string(), v: z.number() })
const Amount = z.object({ v: z.number() })

export const Ping = event('ping', Value, { key: 'orderId' })
export const Pong = event('pong', Value, { key: 'orderId' })
const Charged = event('work.charged', Value, { key: 'orderId' })
const Declined = event('work.declined', Value, { key: 'orderId' })
const Refunded = event('work.refunded', Value, { key: 'orderId' })
export const Nudge = signal('nudge', Amount)
export const Halt = signal('halt', Amount)

const PlayInput = z.object({ orderId: z.string(), seed: z.number(), level: z.number(), v: z.number() })
export type PlayInput = z.infer<typeof PlayInput>
export type PlayRun = Run<z.infer<typeof Amount>, typeof Nudge | typeof Halt, 'orderId', PlayInput>

/** A child of the same workflow. Made by hand: the workflow is not known yet where its body is written. */
export const playCall = (input: PlayInput): Call<{ v: number }, 'play', 'nothing'> =>
  ({ kind: 'call', target: 'workflow', name: 'play', input }) as unknown as Call<{ v: number }, 'play', 'nothing'>

/** Programs of top-level runs, and smaller ones of their children. */
export const styleOf = (level: number): Style =>
  level > 0 ? { depth: 3, size: 12, children: level, calm: false } : { depth: 2, size: 4, children: 0, calm: false }

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
      input: Amount.extend({ unit: z.string().default('eur') }),
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

/** The application over one outside. */
export function applicationOf(outside: Outside): ApplicationDefinition {
  const parts = partsOf(outside)
  const options = { input: PlayInput, output: Amount, state: Amount, key: 'orderId', signals: [Nudge, Halt] } as const
  const play = workflow('play', options, async (run, input) => ({
    v: await perform(programOf(input.seed, styleOf(input.level)), run, input, parts),
  }))
  const reactions = [on(parts.work, Ping, (ping) => parts.work.note(ping))]
  return ballet({ name: 'theatre', services: [parts.work], workflows: [play], reactions, events: [Pong] })
}
