// The events of one flow while a test plays it: what has come since one looked last, taken into the state of the flow, with
// every step counted. What does not fit ends the play with a problem that says where and what.
import { isBroken, type Flow, type FlowState } from '../../core/flow.ts'
import type { EventView, RunView } from '../../core/views.ts'
import type { Application } from '../../define/application.ts'
import { isRecord } from '../../core/json.ts'
import { shownPath, stepName } from './explore.ts'

/** What ends a play; its message says what is wrong. */
export class PathProblem extends Error {
  override readonly name: string = 'PathProblem'
}

/** Events that a path has at most. */
const LONGEST = 1000

/** New events of a key, oldest first. */
export class EventReader {
  readonly #types: readonly string[]
  #read = 0

  constructor(types: readonly string[]) {
    this.#types = types
  }

  async news(app: Application, key: string): Promise<readonly EventView[]> {
    const { items } = await app.events({ key, types: this.#types, limit: LONGEST })
    if (items.length === LONGEST) throw new PathProblem(`it has ${LONGEST} events and does not end`)
    return items.slice(this.#read, (this.#read = items.length))
  }
}

/** The way of a flow through its places. */
export class FlowWay {
  readonly flow: Flow
  readonly path: string[] = []
  readonly steps: string[] = []
  readonly known: Record<string, unknown> = {}
  state: FlowState

  constructor(flow: Flow) {
    this.flow = flow
    this.state = flow.start(0)
  }

  /** Takes an event. @throws PathProblem when it does not fit. */
  take({ type, source, data, time }: EventView): void {
    const next = this.flow.step(this.state, type, Date.parse(time))
    if (isBroken(next)) {
      const { rule, expected } = next
      const wanted = rule ?? (expected.length === 0 ? 'the flow was complete' : `expected was ${orList(expected)}`)
      throw new PathProblem(`after ${shownPath(this.path)}: ${type} came from ${source}; ${wanted}`)
    }
    this.steps.push(stepName(this.state.place, type))
    this.path.push(type)
    if (isRecord(data)) Object.assign(this.known, data)
    this.state = next
  }

  /** What can come next, but for steps that this path has taken `repeats` times. */
  open(repeats: number): readonly string[] {
    return this.expected().filter((type) => this.#times(type) < repeats)
  }

  expected(): readonly string[] {
    return this.flow.expected(this.state)
  }

  #times(type: string): number {
    const name = stepName(this.state.place, type)
    return this.steps.filter((step) => step === name).length
  }
}

/** Runs that do not go on, in words; empty when there are none. */
export async function haltedWords(app: Application): Promise<string> {
  const { items } = await app.runs({ status: ['stuck', 'failed'], limit: 5 })
  return items.map((run) => `; ${runWords(run)}`).join('')
}

/** How a run stands, in words. */
export function runWords({ id, status, reason, error, waits }: RunView): string {
  const failed = error ?? waits.find(({ attempt }) => attempt !== undefined)?.attempt?.error
  return `the run ${id} is ${status}${reason === undefined ? '' : ` (${reason})`}${failed === undefined ? '' : `: ${failed.message}`}`
}

/** `a, b or c` */
export function orList(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}
