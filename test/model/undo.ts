// One call, and what takes it back. The call has a key; attempts at it may be lost, come late or come twice, and their
// answers too; the owner may be replaced. The run takes the answer, or gives the call up: then it takes it back once the
// call has settled or its time is over. Three kinds of services, each with what it promises: one that remembers what it
// has undone (tombstones) and may do requests however late; one that does nothing after its time, and remembers nothing;
// and a body in the process itself, which may do its work late, but never without the engine's seeing it. The run may go
// on as a second generation, which makes the same call again.
import { ENDS, type Model, type Spec, type Step } from './checker.ts'

interface Attempt {
  does: 'charge' | 'refund'
  generation: number
  /** Of a refund: which one. A second has a key of its own. */
  number: number
  /** The engine still waits for it: it has neither answered nor reached its limit. */
  awaited: boolean
  /** Its time is not over yet. */
  timely: boolean
  /** On its way to the service, or back with an answer. */
  answer: 'none' | 'charged' | 'refunded' | 'nothing' | 'refused'
  /** Made by the process that is up. */
  ours: boolean
}

interface State {
  service: 'unknown' | 'tombstones' | 'timely' | 'in process'
  generation: number
  /** `left`: it completed without the call, which has lost a race. */
  run: 'calling' | 'paid' | 'giving up' | 'undoing' | 'undone' | 'left'
  /** Attempts at the call, and refunds that were asked for, in this generation. */
  tries: number
  refunds: number
  /** The refund that is under way has answered. */
  late: boolean
  net: Attempt[]
  /** What the service keeps: what stands of each generation, answers by key, and keys that it refuses. */
  stands: number[]
  known: string[]
  tombs: number[]
  takeovers: number
  failures: number
}

const ZERO = 'what is undone comes to nothing once the network is empty'
const PAID = 'what is paid was charged once'
const LEFT = 'no undo is left at an end'

const mutants = {
  'no tombstone': { rule: '1', breaks: ZERO },
  'undo before settle': { rule: '1', breaks: ZERO },
  'an earlier life is not waited for': { rule: '1', breaks: ZERO },
  'a new attempt forgets the earlier life': { rule: '1', breaks: ZERO },
  'late undo': { rule: '1', breaks: ZERO },
  'same key for a second undo': { rule: '1', breaks: ZERO },
  'undo given up after a failure': { rule: '1', breaks: LEFT },
  'the loser of a race is left': { rule: '10', breaks: LEFT },
  'key without generation': { rule: '2', breaks: PAID },
  'key anew for each attempt': { rule: 'key', breaks: PAID },
  'undo is not retried': { rule: '1', breaks: ENDS },
} as const
type Name = keyof typeof mutants

class Undo implements Spec<State> {
  readonly start: State
  readonly always = {
    [ZERO]: (s: State) => s.net.length > 0 || s.late || s.run !== 'undone' || s.stands[s.generation] === 0,
    [PAID]: (s: State) => s.run !== 'paid' || s.stands.slice(0, s.generation + 1).every((stands) => stands === 1),
    [LEFT]: (s: State) => s.net.length > 0 || s.run !== 'left',
    'nothing is taken back twice': (s: State) => s.stands.every((stands) => stands >= 0),
  }
  readonly #mutant: Name | null
  readonly #bound: number

  constructor(bound: number, mutant: Name | null) {
    this.#mutant = mutant
    this.#bound = bound
    this.start = {
      service: 'unknown',
      generation: 0,
      run: 'calling',
      tries: 0,
      refunds: 0,
      late: false,
      net: [],
      stands: [0, 0],
      known: [],
      tombs: [],
      takeovers: bound,
      failures: 1,
    }
  }

  isEnd(s: State): boolean {
    return s.net.length === 0 && !s.late && (s.run === 'undone' || (s.run === 'paid' && s.generation === 1))
  }

  tidy(draft: State): void {
    draft.known.sort()
    draft.tombs.sort((a, b) => a - b)
    draft.net.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }

  steps(s: State, step: Step<State>): void {
    if (s.service === 'unknown') {
      step('the service keeps tombstones', (draft) => void (draft.service = 'tombstones'))
      step('the service does nothing after its time', (draft) => void (draft.service = 'timely'))
      step('the service is a body in the process', (draft) => void (draft.service = 'in process'))
      return
    }
    this.#run(s, step)
    this.#undo(s, step)
    for (const at of s.net.keys()) this.#attempt(s, at, step)
    // A body in the process ends with it, and is no case for a takeover.
    if (s.takeovers > 0 && s.service !== 'in process')
      step('the owner is replaced', (draft) => {
        draft.takeovers -= 1
        for (const attempt of draft.net) {
          attempt.ours = false
          // The new owner knows of no attempt that is under way; it waits until the time of such a one is over.
          if (this.#mutant === 'an earlier life is not waited for') attempt.awaited = false
        }
      })
  }

  #run(s: State, step: Step<State>): void {
    const isTrying = s.net.some(({ does, awaited, ours }) => does === 'charge' && awaited && ours)
    if (s.run === 'calling' && !isTrying && s.tries <= this.#bound && s.net.length < 2 + this.#bound)
      step('the engine sends the charge', (draft) => {
        draft.tries += 1
        if (this.#mutant === 'a new attempt forgets the earlier life')
          for (const attempt of draft.net) if (!attempt.ours) attempt.awaited = false
        this.#send(draft, 'charge', 0)
      })
    if ((s.run === 'calling' && s.tries > 0) || s.run === 'paid')
      step('the run gives the call up', (draft) => void (draft.run = 'giving up'))
    if (s.run === 'calling' && s.tries > 0 && this.#mutant === 'the loser of a race is left')
      step('the run ends without the call, which has lost a race', (draft) => void (draft.run = 'left'))
    if (s.run === 'paid' && s.generation === 0)
      step('the run goes on as another generation', (draft) => {
        draft.generation = 1
        draft.run = 'calling'
        draft.tries = 0
      })
    const isSettled = !s.net.some(({ does, awaited }) => does === 'charge' && awaited)
    if (s.run === 'giving up' && (isSettled || this.#mutant === 'undo before settle'))
      step('the call has settled: it is taken back', (draft) => void (draft.run = 'undoing'))
  }

  #undo(s: State, step: Step<State>): void {
    const isRefunding = s.net.some(({ does, ours }) => does === 'refund' && ours)
    const canSend = s.net.length < 3 + this.#bound && !isRefunding
    const mayRetry = this.#mutant !== 'undo is not retried' || s.refunds === 0
    if (s.run === 'undoing' && canSend && mayRetry)
      step('the engine sends the refund', (draft) => {
        draft.refunds = 1
        this.#send(draft, 'refund', 1)
      })
    if (s.late && canSend)
      step('the engine sends a second refund', (draft) => {
        this.#send(draft, 'refund', this.#mutant === 'same key for a second undo' ? 1 : 2)
      })
    if (s.run === 'undoing' && s.failures > 0 && isRefunding && this.#mutant === 'undo given up after a failure')
      step('the refund fails, and the run ends', (draft) => {
        draft.run = 'left'
        draft.net = draft.net.filter(({ does }) => does !== 'refund')
      })
  }

  /** What becomes of one attempt: its time, its way, its answer. */
  #attempt(s: State, at: number, step: Step<State>): void {
    const { does, answer, awaited, timely, ours } = s.net[at] as Attempt
    const words = `${ours ? 'the' : 'the earlier'} ${does}`
    const isBody = s.service === 'in process'
    // A body never gets lost, and its answer is seen.
    if (!isBody) step(`${words} ${answer === 'none' ? '' : 'answer '}is lost`, (draft) => void draft.net.splice(at, 1))
    if (answer === 'none' && timely)
      step(`the time of ${words} is over`, (draft) => {
        const attempt = draft.net[at] as Attempt
        attempt.timely = false
        attempt.awaited = false
      })
    if (answer === 'none' && (timely || s.service !== 'timely'))
      step(`${words} is done`, (draft) => this.#serve(draft, draft.net[at] as Attempt))
    if (answer !== 'none')
      step(`${words} is answered: ${answer}`, (draft) => {
        draft.net.splice(at, 1)
        if (ours) this.#answered(draft, s.net[at] as Attempt, awaited)
      })
  }

  #send(draft: State, does: Attempt['does'], number: number): void {
    const { generation } = draft
    draft.net.push({ does, generation, number, awaited: true, timely: true, answer: 'none', ours: true })
  }

  #serve(draft: State, attempt: Attempt): void {
    const { does, number, generation } = attempt
    const named = this.#mutant === 'key without generation' ? 0 : generation
    const fresh = this.#mutant === 'key anew for each attempt' ? `:${draft.tries}` : ''
    const key = does === 'charge' ? `charge ${named}${fresh}` : `refund ${named} ${number}`
    const known = draft.known.find((entry) => entry.startsWith(`${key}=`))
    const stands = draft.stands[generation] as number
    if (does === 'charge') {
      const isTomb = draft.tombs.includes(named)
      attempt.answer = isTomb ? 'refused' : 'charged'
      if (!isTomb && known === undefined) draft.stands[generation] = Math.min(2, stands + 1)
    } else {
      // What it answered under a key it answers again.
      attempt.answer = known === undefined ? (stands > 0 ? 'refunded' : 'nothing') : (known.split('=')[1] as 'nothing')
      if (known === undefined) draft.stands[generation] = Math.max(0, stands - 1)
      const keeps = draft.service === 'tombstones' && this.#mutant !== 'no tombstone'
      if (keeps && !draft.tombs.includes(named)) draft.tombs.push(named)
    }
    if (known === undefined && attempt.answer !== 'refused') draft.known.push(`${key}=${attempt.answer}`)
  }

  #answered(draft: State, { does, answer, number, generation }: Attempt, awaited: boolean): void {
    if (generation !== draft.generation) return
    if (does === 'charge') {
      if (answer === 'charged' && draft.run === 'calling' && awaited) draft.run = 'paid'
      // It was taken back without knowing: what happened all the same is taken back under a key of its own.
      const isLate = draft.run === 'undone' || (draft.run === 'undoing' && draft.refunds > 0)
      if (answer === 'charged' && isLate && this.#mutant !== 'late undo') draft.late = true
    } else if (number === 1 && draft.run === 'undoing') draft.run = 'undone'
    else if (draft.late) draft.late = false
  }
}

export const undo: Model<State, Name> = {
  name: 'undo',
  about: 'a call and what takes it back: late effects, tombstones, settling, second undos, generations',
  code: {
    'src/core/undoing.ts': ['function undoEach('],
    'src/engine/effects.ts': ['giveUp(', 'outwait(', '#late('],
    'src/engine/turn-rows.ts': ['function settleGivenUp('],
    'src/engine/late-answers.ts': ['function lateAnswer('],
    'src/core/ids.ts': ['function idempotencyKey(', 'function undoneKey('],
  },
  mutants,
  build: (bound, mutant) => new Undo(bound, mutant),
}
