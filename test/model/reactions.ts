// Events of two keys in turn, and what a service does about them, over takeovers and retention. The reaction's run is created in the
// commit that appends its event; a publisher that never heard an answer publishes once more, also when the run is
// long gone; a run gets stuck, and a person frees it. Retention forgets runs and events, and later than those the ids.
import { ENDS, type Model, type Spec, type Step } from './checker.ts'

interface State {
  /** Events of the log in their order; those that retention has taken are still counted by position. */
  log: number[]
  /** The reaction's run to each event: none, open, stuck, done, gone. */
  runs: ('none' | 'open' | 'stuck' | 'done' | 'gone')[]
  /** Events whose identity is known. */
  ids: number[]
  /** What the service did, in order. */
  effects: number[]
  /** Reactions that are being carried out by the present owner. */
  doing: number[]
  /** Only in mutants: events whose run is still to be created, in memory. */
  toCreate: number[]
  published: number[]
  again: number
  stuck: number
  takeovers: number
}

const ONCE = 'each event is reacted to once, over retention and takeover'
const ORDER = 'reactions of a service to one key keep the order of the events'

const mutants = {
  'watermark cursor': { rule: '3', breaks: ONCE },
  'prune without ids': { rule: '3', breaks: ONCE },
  'run created after the event': { rule: '3', breaks: ENDS },
  'lane per reaction': { rule: '9', breaks: ORDER },
  'a stuck run leaves its lane': { rule: '9', breaks: ORDER },
} as const
type Name = keyof typeof mutants

class Reactions implements Spec<State> {
  readonly start: State
  readonly always = {
    [ONCE]: (s: State) => new Set(s.effects).size === s.effects.length,
    [ORDER]: (s: State) =>
      s.effects.every((event, at) =>
        s.effects.slice(0, at).every((before) => !isSameKey(event, before) || before <= event),
      ),
  }
  readonly #mutant: Name | null
  readonly #events: number

  constructor(bound: number, mutant: Name | null) {
    this.#mutant = mutant
    this.#events = bound + 2
    this.start = {
      log: [],
      runs: Array.from({ length: this.#events }, () => 'none' as const),
      ids: [],
      effects: [],
      doing: [],
      toCreate: [],
      published: [],
      again: bound,
      stuck: bound,
      takeovers: bound,
    }
  }

  isEnd(s: State): boolean {
    return s.effects.length >= this.#events && s.runs.every((run) => run === 'done' || run === 'gone')
  }

  steps(s: State, step: Step<State>): void {
    this.#publish(s, step)
    for (const event of s.toCreate)
      step(`the run for event ${event} is created`, (draft) => {
        draft.toCreate = draft.toCreate.filter((one) => one !== event)
        draft.runs[event] = 'open'
      })
    for (let event = 0; event < this.#events; event++) this.#react(s, event, step)
    if (s.takeovers > 0)
      step('another owner takes over', (draft) => {
        draft.takeovers -= 1
        draft.doing = []
        draft.toCreate = []
        if (this.#mutant === 'watermark cursor') this.#scan(draft)
      })
  }

  #publish(s: State, step: Step<State>): void {
    const next = s.published.length
    if (next < this.#events)
      step(`event ${next} is published`, (draft) => {
        draft.published.push(next)
        this.#append(draft, next)
      })
    if (s.again === 0) return
    for (const event of s.published)
      step(`event ${event} is published again, its publisher had no answer`, (draft) => {
        draft.again -= 1
        this.#append(draft, event)
      })
  }

  #append(draft: State, event: number): void {
    if (draft.ids.includes(event)) return
    draft.ids.push(event)
    draft.log.push(event)
    if (this.#mutant === 'run created after the event') draft.toCreate.push(event)
    else draft.runs[event] = 'open'
  }

  #react(s: State, event: number, step: Step<State>): void {
    const run = s.runs[event]
    const isFree =
      this.#mutant === 'lane per reaction' || this.#before(s, event).every((before) => this.#hasLeft(s, before))
    const words = `the reaction to event ${event}`
    if (run === 'open' && isFree && !s.doing.includes(event))
      step(`${words} is begun`, (draft) => void draft.doing.push(event))
    if (run === 'open' && s.doing.includes(event)) {
      step(`${words} is done`, (draft) => {
        draft.doing = draft.doing.filter((one) => one !== event)
        draft.effects.push(event)
        draft.runs[event] = 'done'
      })
      if (s.stuck > 0)
        step(`${words} is stuck`, (draft) => {
          draft.stuck -= 1
          draft.doing = draft.doing.filter((one) => one !== event)
          draft.runs[event] = 'stuck'
        })
    }
    if (run === 'stuck') step(`a person frees ${words}`, (draft) => void (draft.runs[event] = 'open'))
    if (run === 'done')
      step(`retention forgets event ${event} and its run`, (draft) => {
        draft.runs[event] = 'gone'
        if (this.#mutant === 'prune without ids') draft.ids = draft.ids.filter((one) => one !== event)
      })
  }

  #before(s: State, event: number): readonly number[] {
    return s.log.slice(0, s.log.indexOf(event)).filter((before) => isSameKey(before, event))
  }

  /** Whether a reaction does not hold up those behind it any more. */
  #hasLeft(s: State, event: number): boolean {
    const run = s.runs[event]
    return run === 'done' || run === 'gone' || (run === 'stuck' && this.#mutant === 'a stuck run leaves its lane')
  }

  /** From the lowest event that is not finished on, every event without a run gets one. */
  #scan(draft: State): void {
    const first = draft.log.findIndex((event) => draft.runs[event] === 'open' || draft.runs[event] === 'stuck')
    if (first < 0) return
    for (const event of draft.log.slice(first)) if (draft.runs[event] === 'gone') draft.runs[event] = 'open'
  }
}

function isSameKey(one: number, other: number): boolean {
  return one % 2 === other % 2
}

export const reactions: Model<State, Name> = {
  name: 'reactions',
  about: 'events of two keys and the reactions to them, over takeover, retention and events that come twice',
  code: {
    'src/engine/facts.ts': ['function appendEvent('],
    'src/engine/lanes.ts': ['class Lanes'],
    'src/engine/retention.ts': ['class RetentionSweep'],
    'src/engine/claims.ts': ['settle'],
  },
  mutants,
  build: (bound, mutant) => new Reactions(bound, mutant),
}
