// Where the engine finds what an author's function or object stands for. Services and workflows carry their definition
// under one symbol, so that every name stays free for authors; it is a registered symbol, so that two copies of this
// package in one process understand each other. Written by service.ts and workflow.ts, read by ballet.ts.

export const DEFINITION: unique symbol = Symbol.for('ballet.definition')

/** Something that authors hold and that stands for a definition: a service, a workflow, an operation. */
export interface Defined<Definition> {
  readonly [DEFINITION]: Definition
}

/** The definition that an unknown value carries, or undefined. */
export function definitionOf(value: unknown): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined
  return DEFINITION in value ? value[DEFINITION] : undefined
}
