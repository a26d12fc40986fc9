// What must be true of a store when every run of it has ended, read from its rows and held against the ledger of the
// services: nothing is left over, every answer in a journal is what the service said, events came in their order and
// signals once, what had to be taken back was, children and reactions are there exactly once.
import { isDeepStrictEqual } from 'node:util'
import { eventRef, idempotencyKey } from '../../src/core/ids.ts'
import { parseCommands, parseTurn, type Delivered, type StoredCommand } from '../../src/core/journal.ts'
import type { RunRow } from '../../src/core/store.ts'
import type { MemoryData } from '../../src/stores/memory/memory-data.ts'
import { carriedUndos, generationsOf, type Generation } from './generations.ts'
import type { Entry } from './ledger.ts'
import { undoProblems, type JournalTurn } from './undone.ts'

/** Everything that is wrong, in words. */
export function verdictOf(data: MemoryData, entries: readonly Entry[]): readonly string[] {
  const ledger = new Map(entries.map((entry) => [entry.key, entry]))
  const left = [
    ...[...data.timers.values()].map((timer) => `the timer ${timer.op} of run ${timer.run} is left`),
    ...[...data.inbox.values()].map((row) => `the inbox row ${row.id} for ${row.target} is left`),
  ]
  const runs = [...data.runs.values()].flatMap((row) => {
    const problems = row.kind === 'workflow' ? workflowProblems(data, ledger, row) : []
    if (row.status === 'running' || row.status === 'stuck') problems.push(`it is ${row.status}`)
    return problems.map((problem) => `run ${row.id}: ${problem}`)
  })
  const names = [
    ...[...data.runs.values()].map(({ id }) => `run ${id}`),
    ...data.events.map(({ source, id }) => eventRef(source, id)),
  ]
  const twins = names.filter((name, index) => names.indexOf(name) !== index).map((name) => `there are two of ${name}`)
  return [...left, ...twins, ...runs, ...reactionProblems(data)]
}

/** Every published ping has one reaction. */
function reactionProblems(data: MemoryData): readonly string[] {
  const reactions = [...data.runs.values()].filter((row) => row.kind === 'reaction')
  const pings = data.events.filter((event) => event.type === 'ping' && event.published)
  const caused = pings.map((event) => reactions.filter((row) => row.cause === eventRef(event.source, event.id)).length)
  const wrong = caused.filter((count) => count !== 1).length
  return wrong === 0 && reactions.length === pings.length
    ? []
    : [`${pings.length} pings have ${reactions.length} reactions, ${wrong} of them none or several`]
}

function workflowProblems(data: MemoryData, ledger: ReadonlyMap<string, Entry>, row: RunRow): string[] {
  const rows = (data.journal.get(row.num) ?? []).filter((one) => one.kind === 'turn')
  const turns = rows.map((one) => {
    const { delivered, commandsText } = parseTurn(String(one.data))
    return { at: one.at, delivered, commands: parseCommands(commandsText) }
  })
  const generations = generationsOf(turns)
  const signals = turns.flatMap(({ delivered }) => (delivered.kind === 'signal' ? [delivered.id] : []))
  return [
    ...generations.flatMap((one) => new GenerationVerdict(data, ledger, row, one).problems()),
    ...turns.filter(({ at }, index) => at < (turns[index - 1]?.at ?? 0)).map(({ at }) => `time went back to ${at}`),
    ...twice(signals),
    ...eventsOutOfOrder(data, row, turns),
    ...endProblems(row, turns),
    ...(generations.length === row.generation + 1
      ? []
      : [`it is in generation ${row.generation} of ${generations.length}`]),
  ]
}

const twice = (ids: readonly string[]): readonly string[] =>
  ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${id} is there twice`)

/** `receive` takes the oldest event of the run's key that it has not seen, never one from before the run. */
function eventsOutOfOrder(data: MemoryData, row: RunRow, turns: readonly JournalTurn[]): readonly string[] {
  const cursors = new Map<string, number>()
  return turns.flatMap(({ delivered }) => {
    if (delivered.kind !== 'event') return []
    const { type, pos } = delivered
    const after = cursors.get(type) ?? row.num
    cursors.set(type, pos)
    const oldest = data.events.find(
      (event) => event.type === type && event.key === row.key && event.published && event.pos > after,
    )
    return oldest?.pos === pos
      ? []
      : [`the event ${type} at ${pos} came after ${after}, the oldest was at ${oldest?.pos}`]
  })
}

/** How the run ended is what its last turn says; one that took a cancellation has not ended well. */
function endProblems(row: RunRow, turns: readonly JournalTurn[]): readonly string[] {
  const last = turns.at(-1)?.commands.at(-1)
  const ending =
    last?.kind === 'fail' ? 'failed' : last !== undefined && 'cancelled' in last ? 'cancelled' : 'completed'
  const isCancelled = turns.some(({ delivered }) => delivered.kind === 'cancel')
  return [
    ...(ending === row.status ? [] : [`it is ${row.status}, and its last turn says ${ending}`]),
    ...(isCancelled && ending === 'completed' ? ['it was cancelled and is completed'] : []),
  ]
}

/** One generation of a run of a workflow. */
class GenerationVerdict {
  readonly #data: MemoryData
  readonly #ledger: ReadonlyMap<string, Entry>
  readonly #row: RunRow
  readonly #generation: Generation<JournalTurn>
  readonly #commands: readonly StoredCommand[]
  readonly #asked: ReadonlyMap<string, StoredCommand>
  readonly #answers: ReadonlyMap<string, Delivered>
  /** Operations that the run has given up. */
  readonly #dropped: ReadonlySet<string>

  constructor(data: MemoryData, ledger: ReadonlyMap<string, Entry>, row: RunRow, generation: Generation<JournalTurn>) {
    this.#data = data
    this.#ledger = ledger
    this.#row = row
    this.#generation = generation
    const { turns } = generation
    this.#commands = turns.flatMap((turn) => turn.commands)
    this.#asked = new Map(
      this.#commands.filter(({ kind }) => kind !== 'drop').map((command) => [String(command['op']), command]),
    )
    this.#dropped = new Set(this.#commands.flatMap(({ kind, op }) => (kind === 'drop' ? [String(op)] : [])))
    this.#answers = new Map(
      turns.flatMap(({ delivered }) => ('op' in delivered ? [[delivered.op, delivered] as const] : [])),
    )
  }

  problems(): string[] {
    const { turns, from, number } = this.#generation
    const asked = this.#commands.filter((command) => 'op' in command && command.kind !== 'drop')
    return [
      ...turns.flatMap((turn) => this.#turnProblems(turn)),
      ...twice(asked.map((command) => String(command['op']))),
      ...this.#commands.flatMap((command) => this.#commandProblems(command)),
      ...undoProblems(turns, carriedUndos(from), number),
    ]
  }

  #turnProblems({ at, delivered }: JournalTurn): readonly string[] {
    switch (delivered.kind) {
      case 'done':
        return this.#answerProblems(delivered.op, delivered)
      case 'failed': {
        const command = this.#asked.get(delivered.op)
        if (command?.kind === 'child' || command?.kind === 'join')
          return ['failed', 'cancelled'].includes(String(this.#childOf(command)?.status))
            ? []
            : [`${delivered.op} failed and its child did not`]
        // One that was given up is not asked again: what came of it stays unknown.
        if (this.#dropped.has(delivered.op)) return []
        return this.#entryOf(delivered.op)?.answer === null
          ? []
          : [`${delivered.op} failed and the service did not refuse`]
      }
      case 'timer': {
        const due = Number(this.#asked.get(delivered.op)?.['due'])
        return at >= due ? [] : [`the timer ${delivered.op} fired at ${at}, before ${due}`]
      }
      default:
        return []
    }
  }

  #answerProblems(op: string, delivered: Extract<Delivered, { kind: 'done' }>): readonly string[] {
    const command = this.#asked.get(op)
    const payload: unknown = JSON.parse(delivered.payload ?? 'null')
    if (command?.kind === 'child' || command?.kind === 'join') {
      const output: unknown = JSON.parse(String(this.#childOf(command)?.output))
      return isDeepStrictEqual(output, payload)
        ? []
        : [`${op} was answered with ${delivered.payload}, its run ended with ${JSON.stringify(output)}`]
    }
    const entry = this.#entryOf(op)
    const answer = numberIn(payload)
    return entry !== undefined && entry.answer === answer
      ? []
      : [`${op} was answered with ${String(answer)}, the service said ${entry?.answer}`]
  }

  #commandProblems(command: StoredCommand): readonly string[] {
    const op = String(command['op'])
    if (command.kind === 'emit') {
      const id = this.#key(op)
      const count = this.#data.events.filter((event) => event.id === id && event.published).length
      return count === 1 ? [] : [`${op} is ${count} events`]
    }
    if (command.kind === 'child' && this.#childOf(command) === undefined) return [`the child of ${op} does not exist`]
    if (!('undoes' in command)) return []
    return this.#answers.get(op)?.kind === 'done' ? [] : [`${op} was asked for and not done`]
  }

  #key(op: string): string {
    return idempotencyKey(
      { store: this.#data.info.id, ns: this.#row.ns, id: this.#row.id, generation: this.#generation.number },
      op,
    )
  }
  #entryOf(op: string): Entry | undefined {
    return this.#ledger.get(this.#key(op))
  }
  #childOf(command: StoredCommand): RunRow | undefined {
    return [...this.#data.runs.values()].find((row) => row.id === command['run'])
  }
}

/** What the service said, in the answer of an operation (an outcome or an output) or of a step. */
function numberIn(payload: unknown): unknown {
  if (typeof payload !== 'object' || payload === null) return payload
  if ('data' in payload) return numberIn(payload.data)
  return 'v' in payload ? payload.v : undefined
}
