// One owner of a shard that sends a second batch while the first is still being written, and a database that may refuse one
// for want of room, lose a reply, or carry a commit out much later. Each batch is one row, and continues the one before.
import type { Model, Spec, Step } from './checker.ts'

/** What the owner knows of a batch that it has sent. `miss`: the fence refused it. */
type Answer = 'none' | 'ok' | 'unknown' | 'full' | 'miss'

interface Flight {
  batch: number
  answer: Answer
  /** A miss may come of our own: it was sent behind another, or more than once. */
  mayBeOwn: boolean
}

interface Request {
  batch: number
  epoch: number
  /** Whether its sender still hears what becomes of it. */
  heard: boolean
}

interface State {
  epoch: number
  /** Batches, in the order in which they were written; 0 is one of another owner. */
  log: number[]
  /** The owner, until it stops. */
  owner: { sent: number; durable: number[]; flights: Flight[] } | null
  net: Request[]
  /** An owner that nobody had fenced gave up. */
  gaveUp: boolean
  full: number
}

const OWN = 1
const AT_ONCE = 2
/** Requests that are on their way at once; the network loses what it holds before it takes more. */
const IN_NET = 3

const mutants = {
  'counts when it is answered': { rule: '4', breaks: 'what counts as durable is in the log, in its order' },
  'a miss behind another taken for fenced': { rule: '4', breaks: 'an owner stops only when it was fenced' },
  'forgets what is behind': { rule: '4', breaks: 'an owner stops only when it was fenced' },
  'what did not fit taken for written': { rule: '4', breaks: 'what counts as durable is in the log, in its order' },
  'sent behind without a head': { rule: '4', breaks: 'the log is in order, and has each batch once' },
} as const
type Name = keyof typeof mutants

class Pipeline implements Spec<State> {
  readonly start: State
  readonly always = {
    'what counts as durable is in the log, in its order': ({ owner, log }: State) =>
      owner === null || owner.durable.every((batch, at) => batch === at + 1 && log[at] === batch),
    'the log is in order, and has each batch once': ({ log }: State) =>
      log.filter((batch) => batch > 0).every((batch, at) => batch === at + 1),
    'an owner stops only when it was fenced': ({ gaveUp }: State) => !gaveUp,
    'nothing is written behind a takeover': ({ log }: State) => log.indexOf(0) < 0 || log.at(-1) === 0,
  }
  readonly #batches: number
  readonly #mutant: Name | null

  constructor(bound: number, mutant: Name | null) {
    this.#mutant = mutant
    this.#batches = bound + 2
    this.start = {
      epoch: OWN,
      log: [],
      owner: { sent: 0, durable: [], flights: [] },
      net: [],
      gaveUp: false,
      full: bound,
    }
  }

  isEnd({ owner }: State): boolean {
    return owner === null || owner.durable.length === this.#batches
  }

  tidy(draft: State): void {
    draft.net.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }

  steps(s: State, step: Step<State>): void {
    if (s.owner !== null) {
      this.#send(s, step)
      this.#settle(s, s.owner, step)
    }
    for (const at of s.net.keys()) this.#database(s, at, step)
    if (s.epoch === OWN)
      step('another takes the shard over, and writes', (draft) => {
        draft.epoch += 1
        draft.log.push(0)
      })
  }

  #send({ net, owner }: State, step: Step<State>): void {
    if (owner === null || owner.flights.length === AT_ONCE || owner.sent === this.#batches || net.length === IN_NET)
      return
    const { sent } = owner
    step(`it sends batch ${sent + 1}`, (draft) => {
      const own = draft.owner
      if (own === null) return
      own.sent += 1
      own.flights.push({ batch: own.sent, answer: 'none', mayBeOwn: own.flights.length > 0 })
      draft.net.push({ batch: own.sent, epoch: OWN, heard: true })
    })
  }

  /** The oldest batch that was answered comes to count, is settled by reading, or is sent again. */
  #settle(s: State, { flights }: NonNullable<State['owner']>, step: Step<State>): void {
    const [first, behind] = flights
    if (this.#mutant === 'counts when it is answered' && behind?.answer === 'ok')
      step(`batch ${behind.batch} counts before the one that it continues`, (draft) => this.#durable(draft, 1))
    if (first === undefined || first.answer === 'none') return
    if (first.answer === 'ok') step(`batch ${first.batch} counts`, (draft) => this.#durable(draft, 0))
    // What was sent behind it is waited for.
    else if (behind?.answer === 'none') return
    else if (behind?.answer === 'ok')
      step(`batch ${first.batch} counts: the one behind it is there`, (draft) => this.#durable(draft, 0))
    else this.#insist(s, first, behind, step)
  }

  #insist(s: State, { batch, answer, mayBeOwn }: Flight, behind: Flight | undefined, step: Step<State>): void {
    if (answer === 'full' && s.net.length === IN_NET) return
    if (answer === 'full')
      return step(`batch ${batch} did not fit`, (draft) =>
        this.#mutant === 'what did not fit taken for written' ? this.#durable(draft, 0) : this.#again(draft),
      )
    const isOwn = mayBeOwn && this.#mutant !== 'a miss behind another taken for fenced'
    if (answer === 'miss' && !isOwn) return step(`batch ${batch} missed: it gives up`, giveUp)
    if (s.epoch !== OWN) return step('it reads another epoch: it is fenced', (draft) => void (draft.owner = null))
    const head = s.log.length
    if (head === batch - 1 && s.net.length === IN_NET) return
    if (head === batch - 1)
      return step(`it reads head ${head}: batch ${batch} is sent again`, (draft) => this.#again(draft))
    const isBehind = behind?.batch === head && this.#mutant !== 'forgets what is behind'
    if (head === batch || isBehind)
      return step(`it reads head ${head}: batch ${batch} counts`, (draft) => this.#durable(draft, 0))
    return step(`it reads head ${head}, which cannot be: it gives up`, giveUp)
  }

  #again(draft: State): void {
    const first = draft.owner?.flights[0]
    if (first === undefined) return
    first.answer = 'none'
    first.mayBeOwn = true
    draft.net.push({ batch: first.batch, epoch: OWN, heard: true })
  }

  #durable({ owner }: State, at: number): void {
    for (const { batch } of owner?.flights.splice(at, 1) ?? []) owner?.durable.push(batch)
  }

  #database(s: State, at: number, step: Step<State>): void {
    const { batch, epoch, heard } = s.net[at] as Request
    const answer = (draft: State, words: Answer): void => {
      const [request] = draft.net.splice(at, 1)
      const flight = draft.owner?.flights.find((one) => one.batch === batch)
      if (request?.heard === true && flight !== undefined) flight.answer = words
    }
    if (heard)
      step(`the reply to batch ${batch} is lost`, (draft) => {
        const flight = draft.owner?.flights.find((one) => one.batch === batch)
        if (flight !== undefined) flight.answer = 'unknown'
        const request = draft.net[at]
        if (request !== undefined) request.heard = false
      })
    else step(`batch ${batch} never arrives`, (draft) => void draft.net.splice(at, 1))
    if (heard && s.full > 0)
      step(`batch ${batch} does not fit`, (draft) => {
        draft.full -= 1
        answer(draft, 'full')
      })
    const isHead = s.log.length === batch - 1 || (this.#mutant === 'sent behind without a head' && batch > 1)
    const isWritten = epoch === s.epoch && isHead
    step(`batch ${batch} ${isWritten ? 'is written' : 'misses'}`, (draft) => {
      if (isWritten) draft.log.push(batch)
      answer(draft, isWritten ? 'ok' : 'miss')
    })
  }
}

function giveUp(draft: State): void {
  if (draft.epoch === OWN) draft.gaveUp = true
  draft.owner = null
}

export const pipeline: Model<State, Name> = {
  name: 'pipeline',
  about: 'commits of one owner, two in flight: each continues the one before, lost replies, no room, takeover',
  code: {
    'src/engine/commits.ts': ['send(', '#settle(', '#insist(', '#isThere('],
    'src/engine/writer.ts': ['#commit(', 'AT_ONCE'],
    'src/core/store.ts': ['commit('],
  },
  mutants,
  build: (bound, mutant) => new Pipeline(bound, mutant),
}
