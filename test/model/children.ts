// A run in one shard starts children in another, waits for them, and may be cancelled meanwhile. Start, stop and result
// are rows of an inbox, posted in the fenced transaction of the turn that decides them. A turn is made in memory and is
// durable with its commit; a process that dies in between takes it with it, and the next owner goes on from the log. The
// child charges something, and takes it back when it is stopped; a service does each key once.
import { ENDS, type Model, type Spec, type Step } from './checker.ts'

type Message = 'start' | 'stop' | 'completed' | 'cancelled'

interface Child {
  /** Durable: none -> running -> undoing -> cancelled, or running -> completed. */
  is: 'none' | 'running' | 'undoing' | 'completed' | 'cancelled'
  /** What was charged and not taken back, at the service. */
  charged: number
  /** A request to charge is on its way. */
  air: boolean
  /** In memory only: it runs without its row, as a mutant has it. */
  loose: boolean
  /** What the parent knows of its end, durable. */
  known: 'completed' | 'cancelled' | null
}

interface State {
  parent: 'new' | 'waiting' | 'cancelling' | 'completed' | 'cancelled'
  children: Child[]
  /** Durable messages, by shard, oldest first: the child's number and what is said. */
  inbox: { child: number; says: Message }[][]
  /** The turn of each shard that is made in memory and not durable, in words of `apply`; null for none. */
  turn: (Turn | null)[]
  /** Results that were told in memory and not by a row: only in mutants. */
  told: { child: number; says: Message }[]
  asked: 'no' | 'cancel' | 'acknowledged'
  /** A stop came for a child that nobody knows. */
  lost: boolean
  crashes: number
}

type Turn =
  | { kind: 'begin' | 'cancel' | 'end' }
  | { kind: 'drain'; child: number; says: Message }
  | { kind: 'charged' | 'undone'; child: number }

const CAUSE = 'a child runs only when the turn that starts it is durable'
const SETTLED = 'a run ends after its children'
const KNOWN = 'a stop finds its child'
const UNDONE = 'what was stopped is taken back'

const mutants = {
  'child begun before the turn is durable': { rule: '5', breaks: CAUSE },
  'result told in memory': { rule: '5', breaks: ENDS },
  'parent ends without its children': { rule: '1', breaks: SETTLED },
  'stop overtakes start': { rule: '5', breaks: KNOWN },
  'stop forgets what was charged': { rule: '1', breaks: UNDONE },
  'undo before settle': { rule: '1', breaks: UNDONE },
  'a cancelled parent drops results': { rule: '17', breaks: ENDS },
  'cancel in memory': { rule: 'gate', breaks: 'an acknowledged cancellation is not forgotten' },
} as const
type Name = keyof typeof mutants

class Children implements Spec<State> {
  readonly start: State
  readonly always = {
    [CAUSE]: (s: State) => s.parent !== 'new' || s.children.every(({ is, loose }) => is === 'none' && !loose),
    [SETTLED]: (s: State) =>
      !isOver(s.parent) || s.children.every(({ is, charged, loose }) => isOver(is) && charged <= 1 && !loose),
    [KNOWN]: (s: State) => !s.lost,
    [UNDONE]: (s: State) => s.children.every(({ is, charged }) => is !== 'cancelled' || charged === 0),
    'who completed was charged once': (s: State) =>
      s.children.every(({ is, charged }) => is !== 'completed' || charged === 1),
    'an acknowledged cancellation is not forgotten': (s: State) =>
      s.asked !== 'acknowledged' || s.parent === 'cancelling' || s.parent === 'cancelled',
    'a run that completed has completed children': (s: State) =>
      s.parent !== 'completed' || s.children.every(({ is }) => is === 'completed'),
  }
  readonly #mutant: Name | null

  constructor(bound: number, mutant: Name | null) {
    this.#mutant = mutant
    this.start = {
      parent: 'new',
      children: Array.from({ length: bound }, () => ({
        is: 'none',
        charged: 0,
        air: false,
        loose: false,
        known: null,
      })),
      inbox: [[], []],
      turn: [null, null],
      told: [],
      asked: 'no',
      lost: false,
      crashes: bound + 1,
    }
  }

  isEnd(s: State): boolean {
    return isOver(s.parent)
  }

  steps(s: State, step: Step<State>): void {
    this.#parent(s, step)
    for (const [number, child] of s.children.entries()) this.#child(s, number, child, step)
    this.#drain(s, step)
    this.#told(s, step)
    for (const [shard, turn] of s.turn.entries()) {
      if (turn === null) continue
      step(`the turn of shard ${shard} (${turn.kind}) is committed`, (draft) => {
        draft.turn[shard] = null
        this.#apply(draft, turn)
      })
    }
    for (const shard of [0, 1]) {
      if (s.crashes === 0 || (s.turn[shard] === null && s.told.length === 0)) continue
      step(`the owner of shard ${shard} dies; another takes over`, (draft) => {
        draft.crashes -= 1
        draft.turn[shard] = null
        draft.told = []
        for (const child of draft.children) child.loose = false
      })
    }
  }

  #parent(s: State, step: Step<State>): void {
    if (s.turn[0] === null && s.parent === 'new')
      step('the parent starts its children', (draft) => {
        draft.turn[0] = { kind: 'begin' }
        if (this.#mutant === 'child begun before the turn is durable')
          for (const child of draft.children) child.loose = true
      })
    if (s.turn[0] === null && s.asked === 'no' && s.parent === 'waiting')
      step('a client cancels the parent', (draft) => {
        draft.turn[0] = { kind: 'cancel' }
        draft.asked = this.#mutant === 'cancel in memory' ? 'acknowledged' : 'cancel'
      })
    if (s.asked === 'cancel' && s.turn[0]?.kind !== 'cancel') {
      if (s.parent === 'cancelling' || s.parent === 'cancelled')
        step('the cancellation is acknowledged', (draft) => void (draft.asked = 'acknowledged'))
      else step('the client asks once more', (draft) => void (draft.asked = 'no'))
    }
    const isSettled =
      this.#mutant === 'parent ends without its children'
        ? s.parent === 'cancelling'
        : s.children.every(({ known }) => known !== null)
    if (s.turn[0] === null && (s.parent === 'waiting' || s.parent === 'cancelling') && isSettled)
      step('the parent has what it waits for', (draft) => void (draft.turn[0] = { kind: 'end' }))
  }

  /** Effects of the child happen at the service, before their answer is a turn. */
  #child(s: State, number: number, { is, charged, air, loose }: Child, step: Step<State>): void {
    const words = `child ${number}`
    if ((is === 'running' || loose) && charged === 0 && !air)
      step(`${words} sends its charge`, (draft) => void (childOf(draft, number).air = true))
    if (air) {
      step(`the charge of ${words} arrives`, (draft) => {
        childOf(draft, number).air = false
        childOf(draft, number).charged = 1
      })
      step(`the charge of ${words} is lost, its time is over`, (draft) => void (childOf(draft, number).air = false))
    }
    if (s.turn[1] !== null) return
    if (is === 'running' && charged === 1)
      step(`${words} hears that it is charged`, (draft) => void (draft.turn[1] = { kind: 'charged', child: number }))
    if (is !== 'undoing' || (air && this.#mutant !== 'undo before settle')) return
    step(`${words} takes back what it charged`, (draft) => {
      if (this.#mutant !== 'stop forgets what was charged') childOf(draft, number).charged = 0
      draft.turn[1] = { kind: 'undone', child: number }
    })
  }

  /** The oldest row of an inbox is given to whom it is for. */
  #drain(s: State, step: Step<State>): void {
    for (const [shard, rows] of s.inbox.entries()) {
      const isLastFirst = this.#mutant === 'stop overtakes start' && shard === 1
      const row = isLastFirst ? rows.at(-1) : rows[0]
      if (row === undefined || s.turn[shard] !== null) continue
      step(`shard ${shard} takes "${row.says}" for child ${row.child} from its inbox`, (draft) => {
        draft.turn[shard] = { kind: 'drain', ...row }
      })
    }
  }

  #told(s: State, step: Step<State>): void {
    const [first] = s.told
    if (first === undefined || s.turn[0] !== null) return
    step(`the parent is told in memory that child ${first.child} has ${first.says}`, (draft) => {
      draft.told.shift()
      draft.turn[0] = { kind: 'drain', ...first }
    })
  }

  /** What a commit makes durable. */
  #apply(draft: State, turn: Turn): void {
    if (turn.kind === 'drain') return this.#drained(draft, turn.child, turn.says)
    if (turn.kind === 'charged' || turn.kind === 'undone') {
      const child = childOf(draft, turn.child)
      // It was told to stop meanwhile: then the charge is only known, and taken back.
      if (turn.kind === 'charged' && child.is !== 'running') return
      child.is = turn.kind === 'charged' ? 'completed' : 'cancelled'
      const result = { child: turn.child, says: child.is }
      if (this.#mutant === 'result told in memory') draft.told.push(result)
      else draft.inbox[0]?.push(result)
      return
    }
    if (turn.kind === 'begin') {
      draft.parent = 'waiting'
      for (const child of draft.children.keys()) draft.inbox[1]?.push({ child, says: 'start' })
    } else if (turn.kind === 'cancel') {
      if (draft.parent !== 'waiting') return
      draft.parent = 'cancelling'
      for (const [child, { known }] of draft.children.entries())
        if (known === null) draft.inbox[1]?.push({ child, says: 'stop' })
    } else draft.parent = draft.parent === 'cancelling' ? 'cancelled' : 'completed'
  }

  #drained(draft: State, number: number, says: Message): void {
    const child = childOf(draft, number)
    const rows = draft.inbox[says === 'start' || says === 'stop' ? 1 : 0] as { child: number; says: Message }[]
    const at = rows.findIndex((row) => row.child === number && row.says === says)
    if (at >= 0) rows.splice(at, 1)
    if (says === 'start') child.is = 'running'
    else if (says === 'stop') {
      if (child.is === 'none') draft.lost = true
      else if (child.is === 'running') child.is = 'undoing'
    } else if (this.#mutant !== 'a cancelled parent drops results' || draft.parent === 'waiting') child.known = says
  }
}

function childOf(draft: State, number: number): Child {
  return draft.children[number] as Child
}

function isOver(status: string): boolean {
  return status === 'completed' || status === 'cancelled'
}

export const children: Model<State, Name> = {
  name: 'children',
  about: 'a run and its children in another shard: started, stopped and answered by rows of an inbox',
  code: {
    'src/engine/turn-rows.ts': ['function writeChild(', 'function writeStop('],
    'src/engine/endings.ts': ['function answerJoins('],
    'src/engine/requests.ts': ['#stop('],
    'src/core/undo.ts': ['register('],
  },
  mutants,
  build: (bound, mutant) => new Children(bound, mutant),
}
