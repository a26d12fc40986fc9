// Services that answer by script: an application in which no operation does anything but ask what it should answer. A call
// that can answer with an event of the flow waits until that event is to come; one that cannot is answered at once, with
// its first outcome or with a sample of its output.
import { fault } from '../../core/errors.ts'
import { keyOf } from '../../core/names.ts'
import type { EventValue } from '../../core/values.ts'
import { samplesOf } from '../../define/check/samples.ts'
import type {
  ApplicationDefinition,
  EventDefinition,
  OperationContext,
  OperationDefinition,
} from '../../define/definition.ts'
import type { DataMaker, Moment } from './event-data.ts'

/** A call that waits for its answer. */
export interface HeldCall {
  readonly operation: OperationDefinition
  readonly input: unknown
  readonly answer: (value: EventValue) => void
}

/** No attempt takes that long, whatever becomes of the time meanwhile. */
const PATIENCE_MS = 400 * 86_400_000

/** The calls of one play. */
export class Script {
  /** Those that wait, oldest first. */
  readonly held: HeldCall[] = []
  /** Everything that was called, as `service.operation`. */
  readonly asked: string[] = []
  readonly #types: ReadonlySet<string>
  readonly #data: DataMaker
  readonly #moment: (input: unknown) => Moment
  readonly #outputs: Readonly<Record<string, (input: unknown) => unknown>>

  /**
   * @param types those of the flow.
   * @param outputs what operations without outcomes answer.
   */
  constructor(
    types: ReadonlySet<string>,
    data: DataMaker,
    moment: (input: unknown) => Moment,
    outputs: Readonly<Record<string, (input: unknown) => unknown>>,
  ) {
    this.#types = types
    this.#data = data
    this.#moment = moment
    this.#outputs = outputs
  }

  /** The application with this script in the place of its services. */
  perform(definition: ApplicationDefinition): ApplicationDefinition {
    const services = definition.services.map((service) => ({
      ...service,
      operations: service.operations.map((operation) => ({
        ...operation,
        timeoutMs: PATIENCE_MS,
        heartbeatMs: null,
        // What holds them is this script.
        limits: [],
        retry: { ...operation.retry, attempts: 1 },
        run: (input: unknown, context: OperationContext) => this.#ask(operation, input, context),
        elsewhere: null,
      })),
    }))
    // Time passes here whenever nothing else happens: what is due every day would be for ever.
    return { ...definition, services, schedules: [], http: null }
  }

  /** The first call that can answer with this type. */
  find(type: string): HeldCall | undefined {
    return this.held.find(({ operation }) => operation.outcomes.some((outcome) => outcome.type === type))
  }

  #ask(operation: OperationDefinition, input: unknown, { signal }: OperationContext): unknown {
    this.asked.push(operation.name)
    const [first] = operation.outcomes
    if (first === undefined) return this.#outputOf(operation, input)
    if (operation.outcomes.every(({ type }) => !this.#types.has(type))) return this.#foreign(operation, first, input)
    return new Promise((resolve, reject) => {
      const call: HeldCall = { operation, input, answer: (value) => (this.#drop(call), resolve(value)) }
      this.held.push(call)
      signal.addEventListener('abort', () => (this.#drop(call), reject(signal.reason as Error)))
    })
  }

  #foreign(operation: OperationDefinition, outcome: EventDefinition, input: unknown): EventValue {
    const made = this.#data.make(outcome, this.#moment(input))
    if (made === null || typeof made === 'string')
      throw fault('ATTEMPT_FAILED', { message: made ?? `data['${outcome.type}'] give nothing for ${operation.name}` })
    return eventValue(outcome, made.data)
  }

  #outputOf({ name, output }: OperationDefinition, input: unknown): unknown {
    const given = this.#outputs[name]
    if (given !== undefined) return given(input)
    return output === null ? undefined : samplesOf({ kind: 'event', type: name, key: '', schema: output })[0]
  }

  #drop(call: HeldCall): void {
    const index = this.held.indexOf(call)
    if (index >= 0) this.held.splice(index, 1)
  }
}

/** An event with its data. */
export function eventValue({ type, key }: EventDefinition, data: Readonly<Record<string, unknown>>): EventValue {
  return { kind: 'event', type, data, key: String(data[key]) }
}

/** `orderId:8841` of an event. */
export const keyText = ({ key }: EventDefinition, data: Readonly<Record<string, unknown>>): string =>
  keyOf(key, String(data[key]))
