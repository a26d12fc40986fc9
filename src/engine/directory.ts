// The application's definitions, found by their names, and the doors of a run answered from them. Built once when the
// application is opened; everything that needs to know what a name stands for asks here.
import type { CallSettings, Contracts, Receivable } from '../core/contracts.ts'
import { fault } from '../core/errors.ts'
import { SCHEDULE, keyOf, nearest } from '../core/names.ts'
import { validate } from '../core/schema.ts'
import type { RunRow } from '../core/store.ts'
import type { CallValue, EventValue, SignalValue } from '../core/values.ts'
import { checkConductible } from '../define/check/conductible.ts'
import { attemptPolicy } from '../define/policy.ts'
import type {
  ApplicationDefinition,
  ChoreographyDefinition,
  EventDefinition,
  OperationDefinition,
  ReactionDefinition,
  SignalDefinition,
  WorkflowDefinition,
} from '../define/definition.ts'
import { isRecord } from '../core/json.ts'
import { Schedules, scheduleRun } from './schedules.ts'

/** What a call's name stands for. */
export type Callable =
  | { readonly kind: 'operation'; readonly operation: OperationDefinition }
  | { readonly kind: 'workflow'; readonly workflow: WorkflowDefinition }

export class Directory {
  readonly definition: ApplicationDefinition
  readonly choreographies: ReadonlyMap<string, ChoreographyDefinition>
  readonly operations: ReadonlyMap<string, OperationDefinition>
  readonly workflows: ReadonlyMap<string, WorkflowDefinition>
  readonly events: ReadonlyMap<string, EventDefinition>
  readonly signals: ReadonlyMap<string, SignalDefinition>
  readonly schedules: Schedules
  /** Those that were found to be, once each. */
  readonly #conductible = new Set<ChoreographyDefinition>()
  readonly #contracts = new Map<string, Contracts>()
  readonly #producers = new Map<string, readonly string[]>()
  readonly #reactions = new Map<string, ReactionDefinition[]>()
  readonly #reactionsByName: ReadonlyMap<string, ReactionDefinition>

  constructor(definition: ApplicationDefinition) {
    this.definition = definition
    this.operations = byName(definition.services.flatMap((service) => service.operations))
    this.choreographies = byName(definition.choreographies)
    this.schedules = new Schedules(definition.schedules)
    this.workflows = byName([...definition.workflows, this.schedules.workflow])
    this.events = new Map(definition.events.map((event) => [event.type, event]))
    this.signals = new Map(
      definition.workflows.flatMap((workflow) => workflow.signals).map((signal) => [signal.type, signal]),
    )
    for (const { service, outcomes } of this.operations.values()) {
      for (const { type } of outcomes)
        this.#producers.set(type, [...new Set([...(this.#producers.get(type) ?? []), service])])
    }
    for (const reaction of definition.reactions) {
      const list = this.#reactions.get(reaction.event.type) ?? []
      this.#reactions.set(reaction.event.type, [...list, reaction])
    }
    this.#reactionsByName = byName(definition.reactions)
  }

  /** Reactions to an event, in the order in which they were declared. */
  reactionsTo(type: string): readonly ReactionDefinition[] {
    return this.#reactions.get(type) ?? []
  }

  /** The services with an operation that answers with this event. */
  producersOf(type: string): readonly string[] {
    return this.#producers.get(type) ?? []
  }

  reaction(name: string): ReactionDefinition | undefined {
    return this.#reactionsByName.get(name)
  }

  /** Whether a reaction is made in the order of its service and key; one that is gone was. */
  readonly isOrdered = (name: string): boolean => this.reaction(name)?.order !== 'none'

  /** The origin of the process that carries out an operation; undefined where that is this one, or there is no such operation. */
  readonly originOf = (operation: string): string | undefined => this.operations.get(operation)?.elsewhere?.origin

  /** Whether the attempts of an operation are asked to say that they live. */
  readonly hasHeartbeat = (operation: string): boolean => this.operations.get(operation)?.heartbeatMs != null

  /** Answers with an id that no run of a reaction could have, `<service>:<name>:<event id>`, nor a schedule. @throws ID_INVALID */
  checkRunId(id: string, call?: string): string {
    if (id.startsWith(scheduleRun('')) && call !== SCHEDULE)
      throw fault('ID_INVALID', { what: 'The run id', id, problem: 'schedules have such ids' })
    const end = id.indexOf(':', id.indexOf(':') + 1)
    if (end <= 0 || !this.#reactionsByName.has(id.slice(0, end))) return id
    throw fault('ID_INVALID', { what: 'The run id', id, problem: 'the runs of a reaction have such ids' })
  }

  find(name: string): Callable | undefined {
    const operation = this.operations.get(name)
    if (operation !== undefined) return { kind: 'operation', operation }
    const workflow = this.workflows.get(name)
    return workflow === undefined ? undefined : { kind: 'workflow', workflow }
  }

  /** @throws CALL_UNKNOWN */
  callable(name: string): Callable {
    const found = this.find(name)
    if (found !== undefined) return found
    throw fault('CALL_UNKNOWN', {
      name: name.slice(0, 80),
      nearest: nearest(name, [...this.operations.keys(), ...this.workflows.keys()]),
    })
  }

  /** @throws CHOREOGRAPHY_UNKNOWN */
  choreography(name: string): ChoreographyDefinition {
    const found = this.choreographies.get(name)
    if (found !== undefined) return found
    throw fault('CHOREOGRAPHY_UNKNOWN', { name: name.slice(0, 80), nearest: nearest(name, this.choreographies.keys()) })
  }

  /** @throws CONDUCT_IMPOSSIBLE */
  checkConductible(choreography: ChoreographyDefinition): void {
    if (this.#conductible.has(choreography)) return
    checkConductible(choreography, this.definition)
    this.#conductible.add(choreography)
  }

  /** @throws EVENT_UNKNOWN */
  event(type: string): EventDefinition {
    const found = this.events.get(type)
    if (found !== undefined) return found
    throw fault('EVENT_UNKNOWN', { type: type.slice(0, 80), nearest: nearest(type, this.events.keys()) })
  }

  /** The signal of a run: only a workflow takes signals, and only those it declares. @throws SIGNAL_UNKNOWN, CODE_MISSING */
  signal(run: Pick<RunRow, 'id' | 'name' | 'kind'>, type: string): SignalDefinition {
    const workflow = this.workflows.get(run.name)
    // Another version of the application has it, which may well take the signal.
    if (workflow === undefined && run.kind === 'workflow')
      throw fault('CODE_MISSING', { run: `The run "${run.id}"`, call: run.name })
    const declared = workflow?.signals ?? []
    const found = declared.find((signal) => signal.type === type)
    if (found !== undefined) return found
    const names = declared.map((signal) => signal.type)
    throw fault('SIGNAL_UNKNOWN', {
      what: `The run "${run.id}"`,
      type: type.slice(0, 80),
      nearest: nearest(type, names),
    })
  }

  /** What the schema of a call makes of an input, whose key can stand in an id. @throws CALL_UNKNOWN, INPUT_INVALID, KEY_INVALID */
  checkInput(name: string, input: unknown): unknown {
    const found = this.callable(name)
    const { input: schema } = found.kind === 'operation' ? found.operation : found.workflow
    const value = validate(schema, input, `the input of ${name}`)
    this.runKey(name, value)
    return value
  }

  /** What the schema of an event makes of its data. @throws EVENT_UNKNOWN, INPUT_INVALID */
  checkEvent(type: string, data: unknown): unknown {
    return validate(this.event(type).schema, data, `the data of ${type}`)
  }

  /** `field:value` of an event. @throws EVENT_UNKNOWN, KEY_INVALID */
  eventKey(type: string, data: unknown): string {
    const { key } = this.event(type)
    return keyOf(key, isRecord(data) ? data[key] : undefined)
  }

  /** `field:value` of a run, or null when its definition has no key. @throws KEY_INVALID */
  runKey(name: string, input: unknown): string | null {
    const key = this.workflows.get(name)?.key ?? null
    return key === null ? null : keyOf(key, isRecord(input) ? input[key] : undefined)
  }

  /** An operation is taken back by one that declares to undo it; a workflow or a step by any call. @throws DEFINITION_INVALID */
  checkUndo(name: string, undo: CallValue): void {
    const call = this.operations.get(name)
    if (call === undefined) return
    const by = this.operations.get(undo.name)
    if (by?.undoes !== null && by?.service === call.service && `${by.service}.${by.undoes}` === name) return
    throw fault('DEFINITION_INVALID', { what: `The undo of ${name}`, problem: `${undo.name} does not undo it` })
  }

  /** The doors of the runs of a workflow: the same for all of them. */
  contracts(workflow: WorkflowDefinition): Contracts {
    const known = this.#contracts.get(workflow.name)
    if (known !== undefined) return known
    const made = this.#contractsOf(workflow)
    this.#contracts.set(workflow.name, made)
    return made
  }

  #contractsOf(workflow: WorkflowDefinition): Contracts {
    const run = { id: workflow.name, name: workflow.name, kind: 'workflow' } as const
    return {
      checkPolicy: (settings: CallSettings, name: string) => void attemptPolicy(settings, name),
      checkUndo: (call: string, undo: CallValue) => this.checkUndo(call, undo),
      checkInput: (call: CallValue) => this.checkInput(call.name, call.input),
      checkEvent: (event: EventValue) => this.checkEvent(event.type, event.data),
      eventKey: (event: EventValue) => this.eventKey(event.type, event.data),
      checkSignal: (signal: SignalValue) => {
        const found = this.signals.get(signal.type)
        if (found === undefined)
          throw fault('SIGNAL_UNKNOWN', {
            what: 'No workflow',
            type: signal.type,
            nearest: nearest(signal.type, this.signals.keys()),
          })
        return validate(found.schema, signal.data, `the data of ${signal.type}`)
      },
      checkState: (state: unknown) => {
        if (workflow.state === null)
          throw fault('DEFINITION_INVALID', {
            what: `Workflow "${workflow.name}"`,
            problem: 'it has no state to set; give it a state schema',
          })
        return validate(workflow.state, state, `the state of ${workflow.name}`)
      },
      checkOutput: (output: unknown) => validate(workflow.output, output, `the output of ${workflow.name}`),
      checkContinue: (input: unknown, key: string | null) => {
        const value = this.checkInput(workflow.name, input)
        if (this.runKey(workflow.name, value) === key) return value
        throw fault('CONTINUE_REFUSED', {
          run: `The workflow ${workflow.name}`,
          problem: 'the input has another key',
        })
      },
      checkReceivable: (what: Receivable) => {
        if (what.kind === 'signal') return void this.signal(run, what.type)
        const { key } = this.event(what.type)
        if (key === workflow.key) return
        const own = workflow.key === null ? 'it has no key' : `its own key is ${workflow.key}`
        throw fault('DEFINITION_INVALID', {
          what: `Workflow "${workflow.name}"`,
          problem: `it cannot receive ${what.type}, whose key is ${key}; ${own}`,
        })
      },
    }
  }
}

function byName<T extends { readonly name: string }>(items: readonly T[]): ReadonlyMap<string, T> {
  return new Map(items.map((item) => [item.name, item]))
}
