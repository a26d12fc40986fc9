// Random programs on the real engine: several runs at once over a store that is recorded, brought to their end once;
// then crashed at prefixes of what the store has seen, and at a prefix of what it saw after that, each time opened
// again and brought to its end. At the end of each act everything that the rows and the services say must fit, and
// every journal must replay on a machine of its own.
import { parseCommands, parseTurn } from '../../src/core/journal.ts'
import type { MemoryData } from '../../src/stores/memory/memory-data.ts'
import { afterCrash, playAct, STORE, type Ended, type Opening } from './act.ts'
import { styleOf } from './application.ts'
import { inputsOf, type Input } from './audience.ts'
import { Chance } from '../../src/testing/simulation/chance.ts'
import { generationsOf } from './generations.ts'
import type { Tally } from './machine-campaign.ts'
import { programOf } from './program.ts'
import { replayed, turnsOf } from './replays.ts'
import { StagePump, type Row, type Scene } from './scene.ts'
import type { PlayInput } from './services.ts'
import { journalText, programText, storyOf } from './story.ts'
import { verdictOf } from './verdict.ts'

export interface EngineFigures {
  /** Groups of runs that were played together. */
  programs: number
  runs: number
  /** Of these, those that ended as cancelled, and generations that continued another. */
  cancelled: number
  continued: number
  turns: number
  /** Bodies of operations and steps that were run, repetitions included. */
  attempts: number
  crashes: Tally
  /** Journals written by the engine, replayed strictly. */
  journals: Tally
  /** Mutants: two rows of a journal exchanged; the last commit before a crash lost although it was acknowledged. */
  exchanged: Tally
  lost: Tally
  stories: string[]
}

const RUNS = 3
const NOW_MS = Date.UTC(2030, 0, 1)
const STORIES = 3
const TWICE = 0.15

/**
 * Plays `programs` groups of runs from `seed` on.
 * @param crashes prefixes of each that are tried: chosen by the dice, or all when there are fewer.
 */
export async function engineCampaign(programs: number, seed: number, crashes: number): Promise<EngineFigures> {
  const tally = (): Tally => ({ cases: 0, different: 0 })
  const figures: EngineFigures = {
    programs: 0,
    runs: 0,
    cancelled: 0,
    continued: 0,
    turns: 0,
    attempts: 0,
    crashes: tally(),
    journals: tally(),
    exchanged: tally(),
    lost: tally(),
    stories: [],
  }
  for (let index = 0; index < programs; index++) {
    await new Season(seed + index, crashes, figures).play()
    figures.programs += 1
  }
  return figures
}

class Season {
  readonly #seed: number
  readonly #crashes: number
  readonly #chance: Chance
  readonly #figures: EngineFigures

  constructor(seed: number, crashes: number, figures: EngineFigures) {
    this.#seed = seed
    this.#crashes = crashes
    this.#chance = new Chance(seed)
    this.#figures = figures
  }

  async play(): Promise<void> {
    const chance = this.#chance
    const inputs = inputsOf(chance.part(1), RUNS, this.#seed)
    const whole = await this.#act('the first act', {
      chance: chance.part(2),
      changes: [],
      entries: [],
      inputs,
      nowMs: NOW_MS,
    })
    if (whole === null) return
    await this.#replayJournals(whole.data)
    for (const count of pointsOf(chance, whole.changes.length, this.#crashes)) {
      this.#figures.crashes.cases += 1
      const words = `crashed after ${count} of ${whole.changes.length} changes`
      const next = await this.#act(words, afterCrash(whole, count, chance.part(1000 + count)))
      if (next === null || !chance.is(TWICE) || next.changes.length <= count + 2) continue
      this.#figures.crashes.cases += 1
      const again = chance.between(count + 1, next.changes.length - 1)
      const last = await this.#act(
        `${words}, and again after ${again} of ${next.changes.length}`,
        afterCrash(next, again, chance.part(5000 + again)),
      )
      if (last !== null) await this.#replayJournals(last.data)
    }
    await this.#closed(inputs)
    this.#figures.crashes.cases += 1
    const opening = { chance: chance.part(5), changes: [], entries: [], inputs, nowMs: NOW_MS }
    await this.#act('another process took the store', { ...opening, usurpAfter: chance.between(0, 5) })
    await this.#mutants(whole)
  }

  /** The application is closed in the middle, twice, and opened again: nothing is lost and nothing is repeated in vain. */
  async #closed(inputs: readonly Input[]): Promise<void> {
    const chance = this.#chance.part(4)
    let opening: Opening = { chance: chance.part(0), changes: [], entries: [], inputs, nowMs: NOW_MS }
    for (let times = 1; times <= 2; times++) {
      const begun = await this.#act(`closed ${times} times`, { ...opening, closeAfter: chance.between(0, 5) })
      if (begun === null) return
      opening = afterCrash(begun, begun.changes.length, chance.part(times))
    }
    this.#figures.crashes.cases += 1
    await this.#act('closed and opened again, twice', opening)
  }

  /** Null when something was wrong, which has been told. */
  async #act(words: string, opening: Opening): Promise<Ended | null> {
    const ended = await playAct(opening)
    const faults = ended.faults.length > 0 || !ended.isOver ? ended.faults : verdictOf(ended.data, ended.entries)
    this.#figures.attempts += ended.attempts
    this.#figures.runs += ended.data.runs.size
    this.#figures.cancelled += [...ended.data.runs.values()].filter(({ status }) => status === 'cancelled').length
    for (const { generation } of ended.data.runs.values()) this.#figures.continued += generation
    for (const rows of ended.data.journal.values()) this.#figures.turns += rows.length
    if (faults.length === 0) return ended
    this.#figures.crashes.different += 1
    this.#tell(`${words}:\n- ${faults.slice(0, 5).join('\n- ')}`, ended.data)
    return null
  }

  async #replayJournals(data: MemoryData): Promise<void> {
    const stage = new StagePump()
    for (const { scene, rows } of scenesOf(data)) {
      const replay = await replayed(stage, scene, turnsOf(rows), null)
      this.#figures.journals.cases += 1
      if (replay.kind === 'same') continue
      this.#figures.journals.different += 1
      this.#tell(`the journal of ${scene.identity.id} does not replay: ${replay.words}`, data)
    }
    stage.stop()
  }

  async #mutants(whole: Ended): Promise<void> {
    const { exchanged, lost } = this.#figures
    const chance = this.#chance.part(3)
    const middle = chance.between(Math.floor(whole.changes.length / 3), whole.changes.length - 2)
    const swapped = await this.#mutant({
      ...afterCrash(whole, middle, chance.part(1)),
      tamper: (data) => exchangeRows(data, chance),
    })
    // A commit upon which effects were begun.
    const believed = chance.pick(whole.entries).begunAt
    const forgotten = await this.#mutant(afterCrash(whole, believed - 1, chance.part(2), believed))
    for (const [tally, isBroken] of [
      [exchanged, swapped],
      [lost, forgotten],
    ] as const) {
      tally.cases += 1
      if (isBroken) tally.different += 1
    }
  }

  async #mutant(opening: Opening): Promise<boolean> {
    const ended = await playAct(opening)
    return ended.faults.length > 0 || verdictOf(ended.data, ended.entries).length > 0
  }

  #tell(what: string, data: MemoryData): void {
    const { stories } = this.#figures
    if (stories.length >= STORIES) return
    const named = scenesOf(data).filter(({ scene }) => what.includes(scene.identity.id))
    const parts = named.flatMap(({ scene, rows }) => [
      [`program of ${scene.identity.id}`, programText(scene.program)],
      [`journal of ${scene.identity.id}`, journalText(rows)],
    ])
    const options = `--level engine --programs 1 --seed ${this.#seed} --crashes ${this.#crashes}`
    stories.push(storyOf(options, what, Object.fromEntries(parts) as Record<string, string>))
  }
}

/** Prefixes to crash at: everything but nothing and all. */
function pointsOf(chance: Chance, length: number, most: number): readonly number[] {
  const points = Array.from({ length: length - 1 }, (_, index) => index + 1)
  while (points.length > most) points.splice(chance.between(0, points.length - 1), 1)
  return points
}

/**
 * The runs of workflows in a store, as scenes that can be replayed without an engine: every generation but the first of
 * a run that has continued, whose input nobody keeps.
 */
function scenesOf(data: MemoryData): readonly { readonly scene: Scene; readonly rows: readonly Row[] }[] {
  return [...data.runs.values()]
    .filter((row) => row.kind === 'workflow')
    .flatMap((row) => {
      const rows = (data.journal.get(row.num) ?? []).filter((one) => one.kind === 'turn')
      const turns = rows.map(({ seq, at, data: text }) => {
        const { commandsText } = parseTurn(String(text))
        return { seq, at, text: String(text), commands: parseCommands(commandsText) }
      })
      return generationsOf(turns)
        .filter(({ number }) => number > 0 || row.generation === 0)
        .map(({ number, from, turns: own }) => {
          const input = (from?.['input'] ?? JSON.parse(String(row.input))) as PlayInput
          const identity = { store: STORE, ns: row.ns, id: row.id, generation: number }
          const program = programOf(input.seed, styleOf(input.level))
          const carry = from === null ? {} : { carry: JSON.stringify(from['carry']) }
          return { scene: { seed: input.seed, identity, program, input, variation: {}, ...carry }, rows: own }
        })
    })
}

/** Two turns of one open run change places. */
function exchangeRows(data: MemoryData, chance: Chance): void {
  const open = [...data.runs.values()].filter((row) => row.ended === null && row.kind === 'workflow')
  const journals = open
    .map((row) => data.journal.get(row.num) ?? [])
    .filter((rows) => rows.filter(({ kind }) => kind === 'turn').length > 2)
  if (journals.length === 0) return
  const rows = chance.pick(journals)
  const turns = rows.filter(({ kind }) => kind === 'turn')
  const at = chance.between(1, turns.length - 2)
  const [first, second] = [turns[at], turns[at + 1]]
  if (first === undefined || second === undefined) return
  rows[rows.indexOf(first)] = { ...first, data: second.data }
  rows[rows.indexOf(second)] = { ...second, data: first.data }
}
