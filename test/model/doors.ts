// What is asked from outside, at any node. A publisher awaits each answer before it goes on; what it asks of the owner is
// handled in memory, what it asks of another node is a row of the inbox. Another writer takes the id of its row before it
// commits, so that ids become visible out of order. Rows for runs that are stuck lie before all others, and a page of the
// inbox holds only so many. Somebody asks the owner whether the first event is there. Answers get lost, owners die.
import type { Model, Spec, Step } from './checker.ts'

interface Item {
  id: number
  what: number
}

interface Owner {
  /** A read of the inbox, page by page: what its present page has. */
  read: Item[] | null
  /** What waits for a read that begins after it came, and whether one has begun. 0 is the question. */
  queue: { what: number; begun: boolean }[]
  /** Turns that are not durable; an id of 0 came by hand. */
  turns: Item[]
}

interface State {
  /** Events that the publisher knows to be taken, and where it waits for the next one. */
  answered: number
  asked: 'no' | 'owner' | 'elsewhere'
  /** Transactions that have taken an id and are not committed. */
  open: Item[]
  other: 'no' | 'open' | 'committed'
  inbox: Item[]
  nextId: number
  /** Only where rows are consumed by their id: the last one. */
  last: number
  log: number[]
  owner: Owner
  question: { is: 'no' | 'asked' | 'yes' | 'not there'; answeredBefore: boolean }
  /** A yes that rested on nothing durable. */
  hasty: boolean
  faults: number
}

const ORDER = 'events of a publisher that awaits are in its order'
const FOUND = 'what was acknowledged before the question is found'
const ONCE = 'an event is in the log once'
const DURABLE = 'an answer rests on what is durable'

const mutants = {
  'memory before inbox': { rule: '7', breaks: ORDER },
  'not found, from memory': { rule: '7', breaks: FOUND },
  'answered before it is durable': { rule: '30', breaks: DURABLE },
  'watermark cursor of the inbox': { rule: 'presence', breaks: FOUND },
  'drain skips stuck runs': { rule: '17', breaks: FOUND },
  'a page of handled rows ends the read': { rule: '17', breaks: FOUND },
  'no ids at the target': { rule: '16', breaks: ONCE },
} as const
type Name = keyof typeof mutants

/** Rows a page; the event of the other writer; the first of the signals for a run that is stuck. */
const PAGE = 1
const OTHER = 50
const STUCK = 60

class Doors implements Spec<State> {
  readonly start: State
  readonly always = {
    [ORDER]: (s: State) => isSorted(s.log.filter((what) => what < OTHER)),
    [FOUND]: (s: State) => s.question.is !== 'not there' || !s.question.answeredBefore,
    [ONCE]: (s: State) => new Set(s.log).size === s.log.length,
    [DURABLE]: (s: State) => !s.hasty,
  }
  readonly #mutant: Name | null
  readonly #events: number

  constructor(bound: number, mutant: Name | null) {
    this.#mutant = mutant
    this.#events = bound + 1
    this.start = {
      answered: 0,
      asked: 'no',
      open: [],
      other: 'no',
      inbox: Array.from({ length: PAGE }, (_, row) => ({ id: row + 1, what: STUCK + row })),
      nextId: PAGE + 1,
      last: 0,
      log: [],
      owner: { read: null, queue: [], turns: [] },
      question: { is: 'no', answeredBefore: false },
      hasty: false,
      faults: bound,
    }
  }

  isEnd(s: State): boolean {
    return s.log.filter((what) => what <= OTHER).length === this.#events + 1
  }

  tidy(draft: State): void {
    draft.inbox.sort((a, b) => a.id - b.id)
  }

  steps(s: State, step: Step<State>): void {
    this.#publisher(s, step)
    this.#elsewhere(s, step)
    this.#question(s, step)
    this.#read(s, step)
    if (s.owner.turns.length > 0) step('a batch of the owner is committed', (draft) => this.#commit(draft))
    if (s.faults > 0)
      step('the owner dies, another takes over', (draft) => {
        draft.faults -= 1
        draft.owner = { read: null, queue: [], turns: [] }
        if (draft.asked === 'owner') draft.asked = 'no'
        if (draft.question.is === 'asked') draft.question = { is: 'no', answeredBefore: false }
      })
  }

  #publisher(s: State, step: Step<State>): void {
    const what = s.answered + 1
    if (s.asked !== 'no' || what > this.#events) return
    step(`event ${what} is published at the owner`, (draft) => {
      draft.asked = 'owner'
      if (this.#mutant === 'memory before inbox') this.#take(draft, { id: 0, what })
      else draft.owner.queue.push({ what, begun: false })
    })
    step(`event ${what} is published at another node`, (draft) => {
      draft.asked = 'elsewhere'
      draft.open.push({ id: draft.nextId++, what })
    })
  }

  #elsewhere(s: State, step: Step<State>): void {
    if (s.other === 'no')
      step('another writer inserts a row, and does not commit yet', (draft) => {
        draft.other = 'open'
        draft.open.push({ id: draft.nextId++, what: OTHER })
      })
    for (const [at, { id, what }] of s.open.entries()) {
      const commit = (isHeard: boolean) => (draft: State) => {
        draft.open.splice(at, 1)
        draft.inbox.push({ id, what })
        if (what === OTHER) draft.other = 'committed'
        else this.#answer(draft, isHeard ? what : null)
      }
      step(`row ${id}, event ${what}, is committed and acknowledged`, commit(true))
      if (s.faults > 0 && what !== OTHER)
        step(`row ${id}, event ${what}, is committed, and the answer is lost`, (draft) => {
          draft.faults -= 1
          commit(false)(draft)
        })
    }
  }

  #question(s: State, step: Step<State>): void {
    if (s.question.is !== 'no') return
    step('somebody asks the owner for event 1', (draft) => {
      draft.question = { is: 'asked', answeredBefore: draft.answered > 0 }
      const isThere = draft.log.includes(1)
      const isTurn = draft.owner.turns.some(({ what }) => what === 1)
      if (isThere) draft.question.is = 'yes'
      else if (isTurn && this.#mutant === 'answered before it is durable') {
        draft.question.is = 'yes'
        draft.hasty = true
      } else if (!isTurn && this.#mutant === 'not found, from memory') draft.question.is = 'not there'
      else draft.owner.queue.push({ what: 0, begun: false })
    })
  }

  /** Pages until one has nothing new. Whoever waited for the read goes on then. */
  #read(s: State, step: Step<State>): void {
    if (s.owner.read === null)
      step('the owner begins to read the inbox', (draft) => {
        draft.owner.read = this.#page(draft)
        for (const waiting of draft.owner.queue) waiting.begun = true
      })
    else
      step('the owner handles a page of the inbox', (draft) => {
        const page = draft.owner.read as Item[]
        for (const item of page) this.#take(draft, item)
        const next = page.length === 0 ? [] : this.#page(draft)
        draft.owner.read = next.length === 0 ? null : next
        if (draft.owner.read === null) this.#goOn(draft)
      })
  }

  #page(draft: State): Item[] {
    const { inbox, owner } = draft
    const isFresh = ({ id, what }: Item): boolean =>
      !owner.turns.some((turn) => turn.id === id) && !(this.#mutant === 'drain skips stuck runs' && what >= STUCK)
    if (this.#mutant === 'a page of handled rows ends the read' || this.#mutant === 'drain skips stuck runs')
      return inbox.slice(0, PAGE).filter(isFresh)
    if (this.#mutant === 'watermark cursor of the inbox')
      return inbox.filter((item) => item.id > draft.last && isFresh(item)).slice(0, PAGE)
    return inbox.filter(isFresh).slice(0, PAGE)
  }

  /** A turn for something from outside; for what is there already only the row goes. */
  #take(draft: State, { id, what }: Item): void {
    draft.owner.turns.push({ id, what })
  }

  #goOn(draft: State): void {
    const ready = draft.owner.queue.filter(({ begun }) => begun)
    draft.owner.queue = draft.owner.queue.filter(({ begun }) => !begun)
    for (const { what } of ready) {
      if (what > 0) this.#take(draft, { id: 0, what })
      else if (draft.log.includes(1)) draft.question.is = 'yes'
      // It is about to be durable: the answer waits for that.
      else if (draft.owner.turns.some((turn) => turn.what === 1)) draft.owner.queue.push({ what: 0, begun: false })
      else draft.question.is = 'not there'
    }
  }

  #commit(draft: State): void {
    for (const { id, what } of draft.owner.turns) {
      draft.inbox = draft.inbox.filter((item) => item.id !== id)
      if (this.#mutant === 'watermark cursor of the inbox') draft.last = Math.max(draft.last, id)
      if (!draft.log.includes(what) || this.#mutant === 'no ids at the target') draft.log.push(what)
      if (id === 0 && draft.asked === 'owner') this.#answer(draft, what)
    }
    draft.owner.turns = []
  }

  /** The publisher hears that its event is taken, or nothing: then it asks again, somewhere. */
  #answer(draft: State, what: number | null): void {
    draft.asked = 'no'
    if (what !== null) draft.answered = Math.max(draft.answered, what)
  }
}

function isSorted(list: readonly number[]): boolean {
  return list.every((item, at) => at === 0 || (list[at - 1] as number) <= item)
}

export const doors: Model<State, Name> = {
  name: 'doors',
  about: 'what is asked from outside at any node: order, negative answers, pages of the inbox, ids out of order',
  code: {
    'src/engine/inbox.ts': ['#drain(', 'read('],
    'src/engine/claims.ts': ['settle', '#askBoth('],
    'src/engine/find-run.ts': ['function inboxFirst('],
    'src/engine/requests.ts': ['fromInbox(', '#settled('],
  },
  mutants,
  build: (bound, mutant) => new Doors(bound, mutant),
}
