// What the machine of a live run knows of it, and whom it tells. A class, since it lives as long as its run (ADR 49). Made by
// births.ts.
import type { Contracts, LogLevel } from '../core/contracts.ts'
import type { RunIdentity } from '../core/ids.ts'
import { parseText } from '../core/json-text.ts'
import type { Json, JsonText } from '../core/json.ts'
import type { Machine, MachineSpec } from '../core/machine.ts'
import { startBody, type Surface } from '../core/surface.ts'
import type { WorkflowDefinition } from '../define/definition.ts'
import { identityOf, type LiveRun } from './live-run.ts'
import type { ShardContext } from './shard-context.ts'

export class RunSpec implements MachineSpec {
  readonly identity: RunIdentity
  readonly key: string | null
  readonly input: JsonText
  readonly carry: JsonText | null
  readonly contracts: Contracts
  readonly #context: ShardContext
  readonly #run: LiveRun
  readonly #workflow: WorkflowDefinition

  constructor(
    context: ShardContext,
    run: LiveRun,
    workflow: WorkflowDefinition,
    { input, carry }: Pick<MachineSpec, 'input' | 'carry'>,
  ) {
    this.identity = identityOf(context.environment.store, run.row)
    this.key = run.row.key
    this.input = input
    this.carry = carry
    this.contracts = context.directory.contracts(workflow)
    this.#context = context
    this.#run = run
    this.#workflow = workflow
  }

  start(machine: Machine, input: unknown): Promise<unknown> {
    // The author's types (define/run.ts) describe what core's surface does.
    const body = this.#workflow.body as unknown as (run: Surface, input: unknown) => Promise<unknown>
    return startBody(machine, body, input)
  }

  log(level: LogLevel, message: string, data: JsonText | undefined): void {
    const log = this.#context.environment.log(this.identity.id, this.#workflow.name)
    log[level](message, data === undefined ? undefined : (parseText(data) as Json))
  }

  /** What is left of a generation that is over, or of code that was taken away, is no fault of what came after it. */
  onFault(error: Error): void {
    const { executor } = this.#run
    if (executor.kind === 'workflow' && executor.machine.spec === this) this.#context.blame(this.#run, error)
  }
}
