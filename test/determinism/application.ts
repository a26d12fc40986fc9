// The application whose runs the determinism tests crash: the service, one reaction of it, and one workflow whose body
// performs the program that its input names by a seed.
import { ballet, on, workflow, type ApplicationDefinition } from '../../src/index.ts'
import { goOn, perform } from './perform.ts'
import { programOf, type Style } from './program.ts'
import { Amount, Halt, Nudge, partsOf, Ping, PlayInput, Pong, type Outside } from './services.ts'

/** Programs of top-level runs, and smaller ones of their children. */
export const styleOf = (level: number): Style =>
  level > 0 ? { depth: 3, size: 12, children: level, calm: false } : { depth: 2, size: 4, children: 0, calm: false }

/** The application over one outside. */
export function applicationOf(outside: Outside): ApplicationDefinition {
  const parts = partsOf(outside)
  const options = { input: PlayInput, output: Amount, state: Amount, key: 'orderId', signals: [Nudge, Halt] } as const
  const play = workflow('play', options, async (run, input) =>
    goOn(run, input, await perform(programOf(input.seed, styleOf(input.level)), run, input, parts)),
  )
  const reactions = [on(parts.work, Ping, (ping) => parts.work.note(ping))]
  return ballet({ name: 'theatre', services: [parts.work], workflows: [play], reactions, events: [Pong] })
}
