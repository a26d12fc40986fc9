// What an operation of a choreography was done by and is taken back by, for flows that do not go as they should: what the check
// concludes from the wiring (define/check/undo-checks.ts). Found when it is asked for first, because reactions are asked
// with samples for it, and most applications never need it. Used by monitor.ts.
import type { Undoable } from '../core/flow-account.ts'
import { sightOf } from '../define/check/flow-sight.ts'
import { reactionFacts, type ReactionFacts } from '../define/check/reaction-facts.ts'
import { undoablesOf } from '../define/check/undo-checks.ts'
import type { ApplicationDefinition, ChoreographyDefinition } from '../define/definition.ts'

export class UndoDebt {
  readonly #definition: ApplicationDefinition
  readonly #known = new Map<ChoreographyDefinition, readonly Undoable[]>()
  #facts: readonly ReactionFacts[] | null = null

  constructor(definition: ApplicationDefinition) {
    this.#definition = definition
  }

  /** The operations of a choreography that can be taken back. */
  of(choreography: ChoreographyDefinition): readonly Undoable[] {
    const known = this.#known.get(choreography)
    if (known !== undefined) return known
    this.#facts ??= reactionFacts(this.#definition)
    const found = undoablesOf(sightOf(choreography, this.#definition, this.#facts)).map(
      ({ operation, undo, done, undone }) => ({ operation: operation.name, undo: undo.name, done, undone }),
    )
    this.#known.set(choreography, found)
    return found
  }
}
