// The services behind the operations, as they stand beyond the engine: a ledger of effects by idempotency key, which
// survives every crash. It holds the engine to its word: an effect is begun only when the command that asks for it is
// durable, and whenever it is begun again it has the same input.
import { TerminalError } from '../../src/core/errors.ts'
import { parseCommands, parseTurn } from '../../src/core/journal.ts'
import type { JournalRow } from '../../src/core/store.ts'
import type { OperationContext } from '../../src/define/definition.ts'
import type { Chance } from '../../src/testing/simulation/chance.ts'
import { claimKey } from '../../src/stores/memory/memory-data.ts'
import { generationsOf } from './generations.ts'
import { answerOf } from './scene.ts'
import type { Content } from './recording-store.ts'
import type { Outside } from './services.ts'
import type { StoryClock } from '../../src/testing/simulation/virtual-clock.ts'

/** An effect: begun and perhaps done, each when the store had seen so many changes. */
export interface Entry {
  readonly key: string
  readonly what: string
  readonly input: number
  readonly run: string
  readonly op: string
  /** The key of what it takes back, or null. */
  readonly undoes: string | null
  readonly begunAt: number
  doneAt: number
  /** What came of it; null when the service refused for good. */
  answer: number | null
}

/** What the ledger lives in. */
export interface LedgerWorld {
  readonly clock: StoryClock
  readonly chance: Chance
  readonly content: Content
  readonly blame: (words: string) => void
}

export class Ledger implements Outside {
  readonly entries: ReadonlyMap<string, Entry>
  readonly #entries: Map<string, Entry>
  readonly #world: LedgerWorld
  /** Attempts that are under way, by key. */
  readonly #underWay = new Map<string, object>()
  #epoch = 0
  #attempts = 0

  /** @param entries what was done before a crash. */
  constructor(world: LedgerWorld, entries: Iterable<Entry>) {
    this.#world = world
    this.#entries = new Map([...entries].map((entry) => [entry.key, { ...entry }]))
    this.entries = this.#entries
  }

  /** Bodies that were run, repetitions included. */
  get attempts(): number {
    return this.#attempts
  }

  /** What of these entries had happened when the store had seen `count` changes. */
  static asOf(entries: Iterable<Entry>, count: number): readonly Entry[] {
    return [...entries]
      .filter(({ begunAt }) => begunAt <= count)
      .map((entry) => (entry.doneAt <= count ? entry : { ...entry, doneAt: Infinity }))
  }

  /** Blames whatever was begun and is not asked for by what the store holds: its command was not durable. */
  audit(): void {
    for (const { key, run, op, what, input } of this.#entries.values()) {
      const problem = this.#gateProblem(key, run, op, what, input)
      if (problem !== null) this.#world.blame(`${key} (${what} ${input}) had begun, and ${problem}`)
    }
  }

  async work(what: string, input: number, context: OperationContext): Promise<number> {
    const { clock, chance } = this.#world
    this.#attempts += 1
    const entry = this.#begin(what, input, context)
    await this.#while(context, () => clock.wait(chance.latencyMs()))
    if (chance.is(0.06)) throw new Error('the request was lost')
    if (entry.doneAt === Infinity) {
      const refuses = context.undoes === null && what !== 'note' && chance.is(0.08)
      entry.answer = refuses ? null : answerOf(input, chance.between(0, 1000))
      entry.doneAt = this.#world.content.changes.length
    }
    if (chance.is(0.04)) throw new Error('the reply was lost')
    if (entry.answer === null) throw new TerminalError(`refused ${input}`)
    return entry.answer
  }

  #begin(what: string, input: number, context: OperationContext): Entry {
    const { blame, content } = this.#world
    const { idempotencyKey: key, run, op } = context
    const problem = this.#gateProblem(key, run, op, what, input)
    if (problem !== null) blame(`${key} (${what} ${input}) was begun although ${problem}`)
    const known = this.#entries.get(key)
    if (known !== undefined) {
      if (known.input !== input || known.what !== what)
        blame(`${key} was ${known.what} ${known.input} and is now ${what} ${input}`)
      return known
    }
    const { undoes } = context
    const begunAt = content.changes.length
    const entry: Entry = { key, what, input, run, op, undoes, begunAt, doneAt: Infinity, answer: null }
    this.#entries.set(key, entry)
    return entry
  }

  /**
   * Holds the engine to the order of undo: nothing is taken back while it is under way, nor begun when it has been. What a
   * process that has lost the store still has under way is its own affair: it has the key of what its successor asked for.
   */
  async #while({ idempotencyKey: key, undoes, fence }: OperationContext, work: () => Promise<void>): Promise<void> {
    const epoch = Number(fence.split('.').at(-1))
    if (epoch < this.#epoch) return work()
    if (epoch > this.#epoch) this.#underWay.clear()
    this.#epoch = epoch
    if (undoes !== null && this.#underWay.has(undoes))
      this.#world.blame(`${key} takes back ${undoes}, which is under way`)
    if ([...this.#entries.values()].some((entry) => entry.undoes === key))
      this.#world.blame(`${key} was begun although it has been taken back`)
    const mark = {}
    this.#underWay.set(key, mark)
    await work()
    if (this.#underWay.get(key) === mark) this.#underWay.delete(key)
  }

  /** Why an effect may not begin: what the store holds of its run does not ask for it. */
  #gateProblem(key: string, run: string, op: string, what: string, input: number): string | null {
    const { data } = this.#world.content
    const num = data.claims.get(claimKey({ ns: 'default', space: 'run', id: run }))?.num
    const row = num === undefined ? undefined : data.runs.get(num)
    if (num === undefined || row === undefined) return 'its run is not in the store'
    const asked =
      row.kind === 'workflow'
        ? askedInputs(data.journal.get(num) ?? [], key, op)
        : [JSON.parse(String(row.input)) as { v: number }]
    if (asked.length !== 1) return `${asked.length} turns of its run ask for it`
    const wanted = asked[0]?.v
    return wanted === undefined || wanted === input || what === 'step' ? null : `its turn asks for ${wanted}`
  }
}

/** The inputs with which the turns of a run ask for an operation or step, in the generation that its key names. */
function askedInputs(rows: readonly JournalRow[], key: string, op: string): readonly { v?: number }[] {
  const number = Number(
    key
      .slice(0, key.length - op.length - 1)
      .split(':')
      .at(-1),
  )
  const turns = rows.filter(({ kind }) => kind === 'turn').map(({ data }) => parseTurn(String(data)).commandsText)
  const generations = generationsOf(turns.map((text) => ({ commands: parseCommands(text) })))
  const commands = generations[number]?.turns.flatMap((turn) => turn.commands) ?? []
  return commands
    .filter((one) => one['op'] === op && (one.kind === 'call' || one.kind === 'step'))
    .map((one) => (one['input'] ?? {}) as { v?: number })
}
