// A small application that has a little of everything that a run may do: it receives signals and events with a time limit,
// calls a service, takes back, continues as a new generation, starts another run, and its service reacts to events. What
// it comes to is a sum, so that whatever is lost, doubled or taken back wrongly shows in one number.
import { z } from 'zod'
import { TerminalError } from '../../src/core/errors.ts'
import { ballet, event, on, operation, service, signal, workflow, type OperationContext } from '../../src/index.ts'
import type { ApplicationDefinition } from '../../src/define/definition.ts'
import { SameCode } from './same-code.ts'

const Amount = z.object({ v: z.number() })
const Sheet = z.object({ id: z.string(), v: z.number() })
/** `isKnown`: whether the run was told how the booking had come out. */
const Unbooked = Sheet.extend({ isKnown: z.boolean() })
const Add = signal('add', Amount)
const Close = signal('close', Amount)
const Noted = event('noted', Sheet, { key: 'id' })

/**
 * `every`: signals of one generation. `breaksAt`: its code throws when this is booked, in the turn that is told so.
 * `ending`: what it does when it is closed.
 */
export const TallyInput = z.object({
  id: z.string(),
  total: z.number(),
  every: z.number(),
  withinMs: z.number(),
  breaksAt: z.number(),
  ending: z.enum(['well', 'fails', 'asks a child']),
})
export type TallyInput = z.infer<typeof TallyInput>

/** What the service does, over the wire. */
export interface Desk {
  readonly book: (input: { readonly id: string; readonly v: number }, context: OperationContext) => Promise<number>
  readonly unbook: (input: { readonly id: string; readonly v: number }, context: OperationContext) => Promise<number>
  readonly note: (input: { readonly id: string; readonly v: number }, context: OperationContext) => Promise<void>
}

/** Short, so that time limits and exhausted retries happen within a story. */
const POLICY = { retry: { attempts: 3, backoff: '20ms' }, timeout: '900ms' } as const

/** Of every process, made once. */
export const tallyCode: SameCode<Desk> = new SameCode((deskOf) =>
  tallyApplication({
    book: (input, context) => deskOf(context).book(input, context),
    unbook: (input, context) => deskOf(context).unbook(input, context),
    note: (input, context) => deskOf(context).note(input, context),
  }),
)

function tallyApplication(desk: Desk): ApplicationDefinition {
  const work = service('desk', {
    book: operation({
      input: Sheet,
      output: Amount,
      ...POLICY,
      run: async (input, context) => ({ v: await desk.book(input, context) }),
    }),
    unbook: operation({
      input: Unbooked,
      output: Amount,
      undoes: 'book',
      ...POLICY,
      run: async (input, context) => ({ v: await desk.unbook(input, context) }),
    }),
    note: operation({ input: Sheet, ...POLICY, run: (input, context) => desk.note(input, context) }),
  })
  const count = workflow('count', { input: Sheet, output: Amount, key: 'id' }, async (run, { id, v }) => {
    await run.sleep('15ms')
    const booked = await run.call(work.book({ id, v }), { undo: work.unbook({ id, v, isKnown: false }) })
    await run.sleep('5ms')
    return booked
  })
  const tally = workflow(
    'tally',
    { input: TallyInput, output: Amount, key: 'id', signals: [Add, Close], state: Amount },
    async (run, input) => {
      const { id, every, withinMs, breaksAt, ending } = input
      let total = input.total
      const call = (v: number): Promise<unknown> =>
        run.call(work.book({ id, v }), { undo: (outcome) => work.unbook({ id, v, isKnown: outcome !== undefined }) })
      const book = async (v: number): Promise<void> => {
        // It throws while another call is under way.
        if (v === breaksAt) call(v + 1).catch(() => {})
        await call(v)
        if (v === breaksAt) throw new RangeError('a bug')
        total += v
      }
      for (let taken = 0; ; taken++) {
        if (taken === every) return run.continueAs({ ...input, total })
        const got = await run.receive([Add, Close, Noted], { within: `${withinMs}ms` })
        if (got === null || got.type === 'close') break
        await book(got.data.v)
        run.set({ v: total })
      }
      if (ending === 'asks a child') {
        const [child] = await Promise.all([run.call(count({ id: `${id}-child`, v: 1 })), book(5002), book(5003)])
        run.emit(Noted({ id, v: 900 + child.v }))
      }
      if (ending === 'fails') throw new TerminalError('it does not balance')
      return { v: total }
    },
  )
  const reactions = [on(work, Noted, (noted) => work.note(noted))]
  return ballet({ name: 'tally', services: [work], workflows: [tally, count], reactions })
}
