// Random programs on machines of core. Each is brought to its end in virtual time; then its run is crashed at every
// prefix of its journal and replayed, some of the replayed machines live on with other dice to another end, and those
// journals are replayed again. Beside it the same replays with one rule broken (mutants) are counted: they must differ.
import { parseCommands } from '../../src/core/journal.ts'
import type { HistoryTurn } from '../../src/engine/history.ts'
import { Chance } from '../../src/testing/simulation/chance.ts'
import { Driver, NOTHING_YET, type Life } from './driver.ts'
import { ForgetfulMachine, HastyMachine, ReversedMachine } from './mutants.ts'
import type { Style } from './program.ts'
import { batched, replayed, swapped, turnsOf, type Replay } from './replays.ts'
import { machineOf, sceneOf, StagePump, type Scene, type WatchedMachine } from './scene.ts'
import { journalText, programText, storyOf } from './story.ts'
import { undoProblems, type JournalTurn } from './undone.ts'

/** How often something was tried, and how often it differed. */
export interface Tally {
  cases: number
  different: number
}

export interface MachineFigures {
  programs: number
  turns: number
  /** Lives that a cancellation reached, and calls that were taken back. */
  cancelled: number
  undone: number
  /** Crashes at a prefix, each replayed on a new machine. */
  crashes: Tally
  /** Replayed machines that lived on, and the replays of the journals that they wrote. */
  continued: Tally
  /** A harmless change: awaits added to a program whose operations have names of their own. */
  padded: Tally
  /** Mutants: two deliveries of a replay in the other order; several in one macrotask; ids by a running number. */
  swapped: Tally
  batched: Tally
  numbered: Tally
  /** Mutants: replays that give up in the reverse order of ids; lives that take back before, or not at all. */
  reversed: Tally
  hasty: Tally
  forgetful: Tally
  /** What went wrong, as stories; the first few. */
  stories: string[]
}

const STYLE: Style = { depth: 3, size: 26, children: 1, calm: false }
const CALM: Style = { depth: 3, size: 20, children: 0, calm: true }
const CONTINUED = 3
const SWAPS = 3
const STORIES = 3

/** Runs the programs of `programs` seeds from `seed` on. */
export async function machineCampaign(programs: number, seed: number): Promise<MachineFigures> {
  const tally = (): Tally => ({ cases: 0, different: 0 })
  const figures: MachineFigures = {
    programs: 0,
    turns: 0,
    cancelled: 0,
    undone: 0,
    crashes: tally(),
    continued: tally(),
    padded: tally(),
    swapped: tally(),
    batched: tally(),
    numbered: tally(),
    reversed: tally(),
    hasty: tally(),
    forgetful: tally(),
    stories: [],
  }
  for (let index = 0; index < programs; index++) {
    const stage = new StagePump()
    try {
      await new Trial(stage, sceneOf(seed + index, STYLE), figures).run()
      await calmTrial(stage, seed + index, figures)
    } catch (error) {
      figures.crashes.different += 1
      tell(
        figures,
        sceneOf(seed + index, STYLE),
        [],
        `it broke: ${error instanceof Error ? String(error.stack) : String(error)}`,
      )
    }
    stage.stop()
    figures.programs += 1
  }
  return figures
}

function tell(figures: MachineFigures, scene: Scene, rows: Life['rows'], what: string): void {
  if (figures.stories.length >= STORIES) return
  const parts = { program: programText(scene.program), journal: journalText(rows) }
  figures.stories.push(storyOf(`--level machine --programs 1 --seed ${scene.seed}`, what, parts))
}

class Trial {
  readonly #stage: StagePump
  readonly #scene: Scene
  readonly #figures: MachineFigures
  readonly #chance: Chance

  constructor(stage: StagePump, scene: Scene, figures: MachineFigures) {
    this.#stage = stage
    this.#scene = scene
    this.#figures = figures
    this.#chance = new Chance(scene.seed)
  }

  async run(): Promise<void> {
    const life = await this.#live(machineOf(this.#scene, []), this.#chance.part(1), NOTHING_YET)
    this.#figures.turns += life.rows.length
    const turns = turnsOf(life.rows)
    this.#judge(life, this.#figures.crashes)
    const { length } = turns
    const goesOn = new Set(Array.from({ length: CONTINUED }, () => this.#chance.between(1, Math.max(1, length - 1))))
    for (let count = 1; count <= length; count++) {
      const replay = await this.#replay(life, turns.slice(0, count), this.#figures.crashes)
      if (replay.kind === 'same' && count < length && goesOn.has(count)) await this.#goOn(life, count, replay.machine)
    }
    await this.#mutants(life, turns)
  }

  #live(machine: WatchedMachine, chance: Chance, life: Life): Promise<Life> {
    return new Driver(this.#scene, machine, this.#stage, chance, life).live()
  }

  /** @param turns of the life, up to the crash. */
  async #replay(life: Life, turns: readonly HistoryTurn[], tally: Tally): Promise<Replay> {
    const replay = await replayed(this.#stage, this.#scene, turns, life.pending[turns.length - 1] ?? '')
    tally.cases += 1
    if (replay.kind === 'different') {
      tally.different += 1
      tell(
        this.#figures,
        this.#scene,
        life.rows,
        `crashed after ${turns.length} of ${life.rows.length} turns: ${replay.words}`,
      )
    }
    return replay
  }

  /** Everything is taken back that must be, in its order. */
  #judge(life: Life, tally: Tally): void {
    const journal = journalOf(life.rows)
    const commands = journal.flatMap((turn) => turn.commands)
    if (journal.some(({ delivered }) => delivered.kind === 'cancel')) this.#figures.cancelled += 1
    this.#figures.undone += commands.filter((command) => 'undoes' in command).length
    const problems = undoProblems(journal)
    if (problems.length === 0) return
    tally.different += 1
    tell(this.#figures, this.#scene, life.rows, problems.join('\n'))
  }

  /** The world goes another way after the crash; what is written then is crashed at its end and halfway. */
  async #goOn(life: Life, count: number, machine: WatchedMachine): Promise<void> {
    const before: Life = {
      rows: life.rows.slice(0, count),
      pending: life.pending.slice(0, count),
      facts: life.facts.slice(0, count),
    }
    const after = await this.#live(machine, this.#chance.part(100 + count), before)
    const turns = turnsOf(after.rows)
    const { length } = turns
    this.#judge(after, this.#figures.continued)
    for (const point of new Set([count + Math.floor((length - count) / 2), length])) {
      await this.#replay(after, turns.slice(0, point), this.#figures.continued)
    }
  }

  async #mutants(life: Life, turns: readonly HistoryTurn[]): Promise<void> {
    const { swapped: swaps, batched: batches } = this.#figures
    for (let count = 0; count < SWAPS && turns.length > 3; count++) {
      const at = this.#chance.between(1, turns.length - 3)
      const replay = await replayed(this.#stage, this.#scene, swapped(turns, at), life.pending.at(-1) ?? '', false)
      swaps.cases += 1
      if (replay.kind === 'different') swaps.different += 1
    }
    await this.#mutantsOfUndo(life, turns)
    const { joined, words } = await batched(this.#stage, this.#scene, turns)
    if (joined === 0) return
    batches.cases += 1
    if (words !== null) batches.different += 1
  }

  async #mutantsOfUndo(life: Life, turns: readonly HistoryTurn[]): Promise<void> {
    const { reversed, hasty, forgetful } = this.#figures
    const drops = (turn: JournalTurn): number => turn.commands.filter(({ kind }) => kind === 'drop').length
    if (journalOf(life.rows).some((turn) => turn.delivered.kind === 'cancel' && drops(turn) > 1)) {
      const scene = { ...this.#scene, machine: ReversedMachine }
      const replay = await replayed(this.#stage, scene, turns, life.pending.at(-1) ?? '')
      reversed.cases += 1
      if (replay.kind === 'different') reversed.different += 1
    }
    for (const [tally, machine] of [
      [hasty, HastyMachine],
      [forgetful, ForgetfulMachine],
    ] as const) {
      // It lives the same life as far as the dice go, by other rules.
      const scene = { ...this.#scene, machine }
      const world = new Driver(scene, machineOf(scene, []), this.#stage, this.#chance.part(1), NOTHING_YET)
      const journal = journalOf((await world.live()).rows)
      if (!journal.some(({ commands }) => commands.some((command) => command['settles'] === true))) continue
      tally.cases += 1
      if (undoProblems(journal).length > 0) tally.different += 1
    }
  }
}

/** The turns of a life with their commands. */
const journalOf = (rows: Life['rows']): readonly JournalTurn[] =>
  turnsOf(rows).map(({ at, delivered, commandsText }) => ({ at, delivered, commands: parseCommands(commandsText) }))

/** A program is changed harmlessly under its journal: with names of their own for its operations, and with numbers. */
async function calmTrial(stage: StagePump, seed: number, figures: MachineFigures): Promise<void> {
  for (const isNumbered of [false, true]) {
    const tally = isNumbered ? figures.numbered : figures.padded
    const life = await new Driver(
      calmScene(seed, isNumbered, false),
      machineOf(calmScene(seed, isNumbered, false), []),
      stage,
      new Chance(seed),
      NOTHING_YET,
    ).live()
    const scene = calmScene(seed, isNumbered, true)
    const replay = await replayed(stage, scene, turnsOf(life.rows), life.pending.at(-1) ?? '', false)
    tally.cases += 1
    if (replay.kind === 'same') continue
    tally.different += 1
    if (!isNumbered) tell(figures, scene, life.rows, `some awaits were added: ${replay.words}`)
  }
}

function calmScene(seed: number, isNumbered: boolean, isPadded: boolean): Scene {
  const chance = new Chance(seed).part(7)
  const pads = new Map<number, number>()
  let number = 0
  const padsOf = (site: number): number => {
    const known = pads.get(site) ?? (chance.is(0.3) ? chance.between(1, 3) : 0)
    pads.set(site, known)
    return known
  }
  const variation = { ...(isPadded ? { pads: padsOf } : {}), ...(isNumbered ? { rename: () => String(number++) } : {}) }
  return { ...sceneOf(seed, CALM), variation }
}
