// A deadline against what was acknowledged before it. A run waits until time 2 for a signal or an event; a client puts one
// into the inbox, behind another row, and is told when it is there. Owners die, their clocks are wrong by one, and an
// inbox read brings one row a page. An event has to be durable in the log before a run can read it there.
import type { Model, Spec, Step } from './checker.ts'

interface Owner {
  /** By how much its clock is ahead of the store's. */
  skew: number
  /** A read of the inbox: by the store's time when it began, and the page that it has. */
  read: { since: number; page: number[] } | null
  /** When the newest read began that has been handled to its end. */
  drained: number
  /** Rows of the inbox that it has handled and that are not durable yet. */
  handled: number[]
  /** The input is on its way into the journal, in memory. */
  written: boolean
}

interface State {
  now: number
  input: 'unknown' | 'signal' | 'event'
  /** When the client was told; -1 before. */
  acknowledged: number
  /** Rows that are there, oldest first: 0 is the other one, 1 is the input. */
  inbox: number[]
  /** The event is durable in the log, which is not yet that the run has it. */
  logged: boolean
  owner: Owner | null
  outcome: 'none' | 'input' | 'timeout'
  /** Times of the rows of the shard. */
  times: number[]
  deaths: number
}

const FIRST = 'an input that was acknowledged before the deadline beats the timer'
const EARLY = 'a timer is never early'
const BACK = 'times of rows never go back'

const mutants = {
  'timer before drain': { rule: '13', breaks: FIRST },
  'a read begun before the deadline counts': { rule: '13', breaks: FIRST },
  'due by the clock of the node': { rule: '13', breaks: EARLY },
  'times by the clock of the node': { rule: '13', breaks: BACK },
  'a page of handled rows ends the read': { rule: '17', breaks: FIRST },
  'event looked for before it is durable': { rule: '13', breaks: FIRST },
  'log not looked at': { rule: '13', breaks: FIRST },
  'deleted before it is handled': { rule: '6', breaks: FIRST },
} as const
type Name = keyof typeof mutants

class Timer implements Spec<State> {
  readonly start: State
  readonly always = {
    [FIRST]: (s: State) => s.outcome !== 'timeout' || s.acknowledged < 0 || s.acknowledged >= this.#due,
    [EARLY]: (s: State) => s.outcome !== 'timeout' || s.now >= this.#due,
    [BACK]: (s: State) => s.times.every((time, at) => at === 0 || time >= (s.times[at - 1] as number)),
  }
  readonly #mutant: Name | null
  readonly #due: number

  constructor(bound: number, mutant: Name | null) {
    this.#mutant = mutant
    this.#due = bound + 1
    this.start = {
      now: 0,
      input: 'unknown',
      acknowledged: -1,
      inbox: Array.from({ length: bound }, (_, row) => row + 2),
      logged: false,
      owner: newOwner(0),
      outcome: 'none',
      times: [],
      deaths: bound,
    }
  }

  isEnd(s: State): boolean {
    return s.outcome !== 'none'
  }

  steps(s: State, step: Step<State>): void {
    if (s.input === 'unknown') {
      step('the run waits for a signal', (draft) => void (draft.input = 'signal'))
      step('the run waits for an event', (draft) => void (draft.input = 'event'))
      return
    }
    if (s.outcome !== 'none') return
    if (s.now <= this.#due) step(`it is ${s.now + 1}`, (draft) => void (draft.now += 1))
    if (s.acknowledged < 0)
      step(`a client puts the ${s.input} into the inbox and is told so at ${s.now}`, (draft) => {
        draft.inbox.push(1)
        draft.acknowledged = draft.now
      })
    if (s.owner === null) {
      for (const skew of [-1, 0, 1])
        step(`another owner takes over, its clock ${skew} ahead`, (draft) => void (draft.owner = newOwner(skew)))
      return
    }
    if (s.deaths > 0)
      step('the owner dies', (draft) => {
        draft.deaths -= 1
        draft.owner = null
      })
    this.#drain(s, s.owner, step)
    this.#fire(s, s.owner, step)
  }

  /** Pages of one row, until a page is not full. What is handled is still there until its deletion is durable. */
  #drain(s: State, owner: Owner, step: Step<State>): void {
    if (owner.read === null)
      step('the owner begins to read the inbox', (draft) => {
        ownerOf(draft).read = { since: draft.now, page: this.#page(draft) }
        if (this.#mutant === 'deleted before it is handled') this.#delete(draft)
      })
    else
      step('the owner handles a page of the inbox', (draft) => {
        const own = ownerOf(draft)
        const { since, page } = own.read as NonNullable<Owner['read']>
        for (const row of page) this.#handle(draft, row)
        const next = page.length === 0 ? [] : this.#page(draft)
        const isOver = next.length === 0
        own.read = isOver ? null : { since, page: next }
        if (isOver) own.drained = since
      })
    if (owner.handled.length > 0) step('a batch of the owner is committed', (draft) => this.#commit(draft))
    if (s.logged) step('the run reads the event in the log', (draft) => void (draft.outcome = 'input'))
  }

  /** The next row that is to be handled; the mutant asks for as many rows as fit a page and leaves out what it knows. */
  #page(draft: State): number[] {
    const { handled } = ownerOf(draft)
    if (this.#mutant !== 'a page of handled rows ends the read')
      return draft.inbox.filter((row) => !handled.includes(row)).slice(0, 1)
    return draft.inbox.slice(0, 1).filter((row) => !handled.includes(row))
  }

  #handle(draft: State, row: number): void {
    const own = ownerOf(draft)
    if (own.handled.includes(row)) return
    own.handled.push(row)
    if (row !== 1) return
    own.written = true
  }

  #commit(draft: State): void {
    const own = ownerOf(draft)
    if (own.written && draft.input === 'signal') draft.outcome = 'input'
    if (own.written && draft.input === 'event') draft.logged = true
    own.written = false
    this.#delete(draft)
    const time = draft.now + own.skew
    const floor = this.#mutant === 'times by the clock of the node' ? time : Math.max(time, draft.times.at(-1) ?? time)
    draft.times = [...draft.times, floor].slice(-2)
  }

  #delete(draft: State): void {
    const own = ownerOf(draft)
    const gone = this.#mutant === 'deleted before it is handled' ? (own.read?.page ?? []) : own.handled
    draft.inbox = draft.inbox.filter((row) => !gone.includes(row))
    own.handled = []
  }

  /** By the store's time; and after a read, and a look at the log, that began when the deadline had passed. */
  #fire(s: State, owner: Owner, step: Step<State>): void {
    const isByNode = this.#mutant === 'due by the clock of the node'
    const isDue = (isByNode ? s.now + owner.skew : s.now) >= this.#due
    const isDrained = owner.drained >= (isByNode ? this.#due - owner.skew : this.#due)
    const doesDrain = this.#mutant !== 'timer before drain'
    const counts = this.#mutant === 'a read begun before the deadline counts' ? owner.drained >= 0 : isDrained
    // A signal is before it in the order of the run's turns. An event must be durable before the log is looked at.
    const isWritten =
      owner.written && !(this.#mutant === 'event looked for before it is durable' && s.input === 'event')
    const isLooked = !isWritten && (!s.logged || this.#mutant === 'log not looked at')
    if (isDue && (counts || !doesDrain) && isLooked)
      step('the timer fires', (draft) => void (draft.outcome = 'timeout'))
  }
}

function newOwner(skew: number): Owner {
  return { skew, read: null, drained: -1, handled: [], written: false }
}

function ownerOf(draft: State): Owner {
  return draft.owner as Owner
}

export const timer: Model<State, Name> = {
  name: 'timer',
  about: 'a deadline against a signal or an event that was acknowledged before it',
  code: {
    'src/engine/timers.ts': ['#fireDue(', 'catchUp('],
    'src/engine/shard.ts': ['#catchUp(', '#notBefore('],
    'src/engine/inbox.ts': ['#drain(', 'read('],
    'src/engine/receivers.ts': ['caughtUp('],
  },
  mutants,
  build: (bound, mutant) => new Timer(bound, mutant),
}
