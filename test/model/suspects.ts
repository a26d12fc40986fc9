// One run whose delivery ends the process, and others that are innocent. A process that takes over after an unclean end
// delivers one thing at a time, under a mark that is durable before; only what is marked counts when the process dies
// again, and what has died three times is left to a person. Processes are also killed from outside, less often than that.
import { ENDS, type Model, type Spec, type Step } from './checker.ts'

interface State {
  /** Null while no process is up; `careful` after an unclean end. */
  process: { careful: boolean; delivering: number[]; noted: number } | null
  /** The durable mark: a run, or -1. */
  mark: number
  deaths: number[]
  runs: ('open' | 'done' | 'parked')[]
  /** The process before did not end well. */
  unclean: boolean
  kills: number
}

const INNOCENT = 'only the run that ends the process is parked'

const mutants = {
  'suspect mark not durable': { rule: '20', breaks: ENDS },
  'everything under way is accused': { rule: '20', breaks: INNOCENT },
  'no careful start': { rule: '20', breaks: ENDS },
} as const
type Name = keyof typeof mutants

/** The run that ends the process, and how many deaths accuse. */
const POISON = 0
const DEATHS = 3

class Suspects implements Spec<State> {
  readonly start: State
  readonly always = {
    [INNOCENT]: (s: State) => s.runs.every((run, number) => run !== 'parked' || number === POISON),
    'the run that ends the process is never done': (s: State) => s.runs[POISON] !== 'done',
  }
  readonly #mutant: Name | null

  constructor(bound: number, mutant: Name | null) {
    this.#mutant = mutant
    const runs = Array.from({ length: bound + 1 }, () => 'open' as const)
    this.start = { process: null, mark: -1, deaths: runs.map(() => 0), runs, unclean: false, kills: DEATHS - 1 }
  }

  isEnd(s: State): boolean {
    return s.runs.every((run) => run !== 'open')
  }

  steps(s: State, step: Step<State>): void {
    if (s.process === null) return this.#start(s, step)
    const { careful, delivering, noted } = s.process
    const isCareful = careful && this.#mutant !== 'no careful start'
    for (const run of s.runs.keys()) {
      if (s.runs[run] !== 'open') continue
      const words = run === POISON ? 'the run that ends the process' : `run ${run}`
      const isMarked = (this.#mutant === 'suspect mark not durable' ? noted : s.mark) === run
      if (isCareful && delivering.length === 0 && s.mark < 0 && noted < 0)
        step(`a mark for ${words} is made durable`, (draft) => {
          if (this.#mutant === 'suspect mark not durable') (draft.process as { noted: number }).noted = run
          else draft.mark = run
        })
      if (!delivering.includes(run) && (!isCareful || isMarked))
        step(`something is delivered to ${words}`, (draft) => void draft.process?.delivering.push(run))
      if (delivering.includes(run)) step(`${words} takes it`, (draft) => this.#taken(draft, run))
    }
    if (s.kills > 0)
      step('the process is killed from outside', (draft) => {
        draft.kills -= 1
        this.#die(draft)
      })
  }

  #start(s: State, step: Step<State>): void {
    step('a process takes over', (draft) => {
      draft.process = { careful: s.unclean, delivering: [], noted: -1 }
      if (draft.mark >= 0) this.#accuse(draft, draft.mark)
      draft.mark = -1
    })
  }

  #accuse(draft: State, run: number): void {
    const deaths = (draft.deaths[run] as number) + 1
    draft.deaths[run] = deaths
    if (deaths >= DEATHS && draft.runs[run] === 'open') draft.runs[run] = 'parked'
  }

  #taken(draft: State, run: number): void {
    if (run === POISON) return this.#die(draft)
    draft.runs[run] = 'done'
    if (draft.mark === run) draft.mark = -1
    if (draft.process !== null) {
      draft.process.delivering = draft.process.delivering.filter((one) => one !== run)
      if (draft.process.noted === run) draft.process.noted = -1
    }
  }

  #die(draft: State): void {
    if (this.#mutant === 'everything under way is accused')
      for (const run of draft.runs.keys()) if (draft.runs[run] === 'open') this.#accuse(draft, run)
    draft.process = null
    draft.unclean = true
  }
}

export const suspects: Model<State, Name> = {
  name: 'suspects',
  about: 'a run that ends the process: marks before each delivery, and who is accused',
  code: {
    'src/engine/suspects.ts': ['class Suspects', 'effect('],
    'src/engine/trials.ts': ['class'],
    'src/core/store.ts': ['suspects:', 'crashes'],
  },
  mutants,
  build: (bound, mutant) => new Suspects(bound, mutant),
}
