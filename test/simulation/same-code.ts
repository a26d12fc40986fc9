// Processes of a story run the same code, and each reaches its services in its own way. Making the definitions of an application
// takes longer than much of what a story does, so they are made once for all stories: what a process gets is that application with
// operations that know who asks. Used by the workloads whose services do everything in operations; a step is code of its workflow.
import type { ApplicationDefinition, OperationContext, OperationDefinition } from '../../src/define/definition.ts'

export class SameCode<Desk> {
  readonly #application: ApplicationDefinition
  /** Who makes an attempt. */
  readonly #asks = new WeakMap<OperationContext, Desk>()

  /** @param make the application, whose operations find what they reach by the context of the attempt. */
  constructor(make: (deskOf: (context: OperationContext) => Desk) => ApplicationDefinition) {
    this.#application = make((context) => {
      const desk = this.#asks.get(context)
      if (desk === undefined) throw new Error('nobody makes this attempt')
      return desk
    })
  }

  /** As it is: for what does nothing of what operations do. */
  get unmanned(): ApplicationDefinition {
    return this.#application
  }

  /** The application of one process. */
  of(desk: Desk): ApplicationDefinition {
    const own = (operation: OperationDefinition): OperationDefinition => {
      const { run } = operation
      if (run === null) return operation
      const asked: OperationDefinition['run'] = (input, context) => {
        this.#asks.set(context, desk)
        return run(input, context)
      }
      return { ...operation, run: asked }
    }
    const services = this.#application.services.map((service) => ({
      ...service,
      operations: service.operations.map(own),
    }))
    return { ...this.#application, services }
  }
}
