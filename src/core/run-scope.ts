// What all handles of one run share while its body runs: the names that have been given, the answers of `patched`, the
// waits that are one promise, and whether the body is over. A door of a run is entered through here, so that whatever is
// done outside a turn is found. Used by the surface and by what it issues.
import { fault } from './errors.ts'
import { AGAIN_ID_LIMIT, checkChildId, CHILD_ID_LIMIT, childId, operationId } from './ids.ts'
import { firstOpIs, type Command } from './journal.ts'
import { bothTexts, toText, type JsonText } from './json.ts'
import type { Machine } from './machine.ts'
import { checkId } from './names.ts'
import { optionsProblem, type Options } from './options.ts'

export const never = (): Promise<never> => new Promise(() => {})

/** How often a cancelled run may ask for more in one turn: more branches than that a workflow does not have. */
const REFUSALS = 10_000

function isSet({ kind }: { readonly kind: string }): boolean {
  return kind === 'set'
}

export class RunScope {
  readonly machine: Machine
  readonly #occurrences = new Map<string, number>()
  readonly #given = new Set<string>()
  #refused = 0
  /** The turn in which they were refused: each has commands of its own. */
  #refusedIn: unknown = null
  /** States that were refused in a turn (each has commands of its own) behind so many that were set. */
  #wrong = { turn: null as unknown, behind: 0, count: 0 }
  /** Answers of `patched`, the first of each id. */
  readonly patches: Map<string, boolean> = new Map()
  /** Waits without a limit, by what they name: a second one is the same promise. */
  readonly sharedWaits: Map<string, Promise<unknown>> = new Map()
  /** The taking back that is under way. */
  undoing: Promise<void> | null = null
  /** The body has returned or failed: what is left is to take back, and its other branches get and do nothing more. */
  over = false

  constructor(machine: Machine) {
    this.machine = machine
  }

  /** The id of an operation: its name and occurrence, or the name and a given id. @throws ID_INVALID, OP_ID_REPEATED */
  op(name: string, given?: string): string {
    if (given !== undefined) {
      const op = operationId(name, 0, checkId(given, `The id of ${name}`))
      if (this.#given.has(op)) throw fault('OP_ID_REPEATED', { op, run: this.machine.name })
      this.#given.add(op)
      return op
    }
    const occurrence = this.#occurrences.get(name) ?? 0
    this.#occurrences.set(name, occurrence + 1)
    return operationId(name, occurrence, undefined)
  }

  /**
   * The id of the child of an operation. What a journal holds was begun, also by an older version that refused none.
   * @param isUndo whether it is to take something back.
   * @throws CHILD_ID_TOO_LONG
   */
  child(op: string, isUndo: boolean): string {
    const id = childId(this.machine.spec.identity, op)
    return this.#isRecorded(op) ? id : checkChildId(id, op, isUndo ? AGAIN_ID_LIMIT : CHILD_ID_LIMIT)
  }

  /**
   * Refuses options that do not exist, or can mean nothing. The code is at fault, whatever becomes of the error: it is parked
   * before anything of this turn is done. So no turn of a journal has been refused, and a replay does not look: it goes
   * through what was done by code with such an option when nobody looked yet.
   * @throws DEFINITION_INVALID
   */
  checkOptions<Settings>(options: Settings, known: Options<Settings>, what: string): void {
    if (this.machine.recorded !== null || this.over) return
    const problem = optionsProblem(options, known)
    if (problem !== null) this.#mistaken(what, problem)
  }

  /** Refuses what a program without types hands over in the place of a value: as an option is, and for the same reason. @throws DEFINITION_INVALID */
  checkGiven(isRight: boolean, what: string, problem: string): void {
    if (!isRight && this.machine.recorded === null && !this.over) this.#mistaken(what, problem)
  }

  #mistaken(what: string, problem: string): never {
    const error = fault('DEFINITION_INVALID', { what, problem })
    this.machine.blame(error)
    throw error
  }

  /**
   * A payload as its command keeps it. Live, it is validated and what the schema made of it is stored (with the raw
   * text beside it when they differ in more than the order of keys); what a journal holds is never validated again.
   */
  payload(
    op: string,
    raw: unknown,
    check: () => unknown,
    what: string,
  ): { readonly input: JsonText; readonly raw?: JsonText } {
    if (this.#isRecorded(op)) return { input: toText(raw, what) ?? 'null' }
    const { text, ...given } = bothTexts(raw ?? null, () => check() ?? null, what)
    return { input: text as JsonText, ...given }
  }

  /**
   * A state as its command keeps it. Live, it is validated; what a journal holds is not validated again. One that was
   * refused is refused again, in its place among the others: the code may have gone on without it.
   * @throws INPUT_INVALID, DEFINITION_INVALID, VALUE_NOT_JSON
   */
  state(given: unknown): Extract<Command, { kind: 'set' }> {
    const { commands: turn, spec } = this.machine
    const behind = turn.filter(isSet).length
    if (this.#wrong.turn !== turn || this.#wrong.behind !== behind) this.#wrong = { turn, behind, count: 0 }
    const recorded = this.machine.recordedCommands()?.filter(isSet)[behind]
    const wasRefused = recorded !== undefined && this.#wrong.count < Number(recorded['after'] ?? 0)
    const textOf = (value: unknown): JsonText => toText(value, 'the state') ?? 'null'
    const after = this.#wrong.count++
    if (recorded !== undefined && !wasRefused)
      return { kind: 'set', ...(after > 0 && { after }), state: textOf(recorded['state']) }
    const state = textOf(spec.contracts.checkState(given))
    if (wasRefused)
      throw fault('INPUT_INVALID', {
        what: 'the state',
        path: 'the top',
        problem: 'it was refused when the run was here first',
      })
    return { kind: 'set', ...(after > 0 && { after }), state }
  }

  /**
   * Whether the turn that is replayed issued this. Most turns issue one command, and its head says so. A payload may hold the
   * same words, so of what follows the text alone does not say.
   */
  #isRecorded(op: string): boolean {
    const { machine } = this
    if (machine.recorded === null) return false
    const quoted = JSON.stringify(op)
    if (firstOpIs(machine.recorded, quoted)) return true
    if (!machine.recorded.includes(quoted)) return false
    return machine.recordedCommands()?.some((command) => command['op'] === op || command.kind === op) === true
  }

  /**
   * What a cancelled run is answered that asks for more. A body that asks again whatever it is answered would never let
   * its turn end, and nobody else have one.
   */
  refuse(): Promise<never> {
    const { machine } = this
    if (this.#refusedIn !== machine.commands) this.#refused = 0
    this.#refusedIn = machine.commands
    if (++this.#refused < REFUSALS) return Promise.reject(machine.cancellation)
    machine.blame(fault('CANCEL_IGNORED', { run: machine.name, count: REFUSALS }))
    return never()
  }

  /** Runs a door that answers later: what it throws becomes a rejection; outside a turn the code is at fault. */
  door(work: () => Promise<unknown>): Promise<unknown> {
    if (!this.machine.active) {
      this.machine.blame(fault('FOREIGN_AWAIT', { run: this.machine.name, work: '' }))
      return never()
    }
    try {
      return work()
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Runs a door that answers at once. */
  inTurn<T>(work: () => T): T {
    if (this.machine.active) return work()
    const error = fault('FOREIGN_AWAIT', { run: this.machine.name, work: '' })
    this.machine.blame(error)
    throw error
  }
}
