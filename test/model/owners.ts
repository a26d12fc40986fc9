// Who owns which shard, in the statements of the database: a row for each node with its lease, a row for each shard with its
// owner. A take-over is a transaction that locks the shard's row and the row of the node that had it, and marks that node. A
// renewal is one statement that reads the shards as they were when it began, and may have to wait for a lock before it
// renews: what it has read by then may be over. Two nodes and two shards; leases run by the database's clock, and each
// node counts its own from when it sent the renewal.
import { ENDS, type Model, type Spec, type Step } from './checker.ts'

/** What a node has under way on its connection for leases. */
interface Call {
  kind: 'renew' | 'take'
  /** Ticks since it was sent, up to the length of a lease. */
  age: number
  shard: number
  /** `locked`: a take-over holds its locks and has not committed; `read`: a renewal knows which shards it will name. */
  is: 'sent' | 'locked' | 'read' | 'done'
  /** By shard: the epoch in which it is its own, as it will be told; 0 where it is not. */
  answer: number[]
  /** Only where the lease is looked at before the lock: the node whose lease was over. */
  found: number
}

interface Node {
  is: 'up' | 'down'
  /** By shard: the epoch that it takes for its own, 0 for none, and what is left of its lease by its own count. */
  epochs: number[]
  holds: number[]
  calls: Call[]
}

interface State {
  /** Rows of the database. `marked`: somebody has taken a shard from this node. */
  rows: { left: number; marked: boolean }[]
  shards: { epoch: number; owner: number }[]
  nodes: Node[]
  /** Transactions of nodes that died in the middle: the shard and the node whose rows they hold. */
  dead: { node: number; shard: number; marks: number }[]
  faults: number
}

const SURE = 'who is sure of its lease on a shard owns it'
const ONE = 'a shard has one owner of an epoch'

const mutants = {
  'a renewal that looks at the shards alone': { rule: '19', breaks: SURE },
  'expiry looked at before the lock': { rule: '19', breaks: SURE },
  'one lease in memory for all shards': { rule: '19', breaks: SURE },
  'a take-over beside a renewal': { rule: '19', breaks: SURE },
  'given back before it is let go': { rule: '22', breaks: SURE },
  'the session of a dead node is not ended': { rule: '15', breaks: ENDS },
} as const
type Name = keyof typeof mutants

class Owners implements Spec<State> {
  readonly start: State
  readonly always = {
    [SURE]: (s: State) =>
      s.nodes.every(({ holds }, at) => holds.every((left, shard) => left === 0 || s.shards[shard]?.owner === at)),
    [ONE]: (s: State) =>
      s.shards.every(({ epoch }, shard) => s.nodes.filter(({ epochs }) => epochs[shard] === epoch).length <= 1),
  }
  readonly #mutant: Name | null
  readonly #lease: number

  constructor(bound: number, mutant: Name | null) {
    this.#mutant = mutant
    this.#lease = bound < 3 ? 1 : 2
    const node: Node = { is: 'up', epochs: [0, 0], holds: [0, 0], calls: [] }
    this.start = {
      rows: [0, 1].map(() => ({ left: this.#lease, marked: false })),
      shards: [0, 1].map((owner) => ({ epoch: 1, owner })),
      nodes: [
        { ...node, epochs: [1, 0], holds: [this.#lease, 0] },
        { ...node, epochs: [0, 1], holds: [0, this.#lease] },
      ],
      dead: [],
      faults: Math.min(bound, 2),
    }
  }

  /** Every shard is with a node that is sure of it. */
  isEnd(s: State): boolean {
    return s.shards.every(({ owner }, shard) => owner >= 0 && (s.nodes[owner]?.holds[shard] ?? 0) > 0)
  }

  /** Of each shard only the order of epochs counts. */
  tidy(draft: State): void {
    for (const [at, shard] of draft.shards.entries()) {
      const lists = draft.nodes.flatMap(({ epochs, calls }) => [epochs, ...calls.map(({ answer }) => answer)])
      const ranks = [...new Set([0, shard.epoch, ...lists.map((list) => list[at] as number)])].sort((a, b) => a - b)
      shard.epoch = ranks.indexOf(shard.epoch)
      for (const list of lists) list[at] = ranks.indexOf(list[at] as number)
    }
  }

  steps(s: State, step: Step<State>): void {
    step('a tick of the clocks', (draft) => tick(draft, this.#lease))
    for (const [at, node] of s.nodes.entries()) {
      if (node.is === 'down') {
        step(`node ${at} starts`, (draft) => {
          draft.nodes[at] = { is: 'up', epochs: [0, 0], holds: [0, 0], calls: [] }
        })
        continue
      }
      this.#send(s, at, node, step)
      for (const [index, call] of node.calls.entries()) {
        if (call.kind === 'take') this.#take(s, at, index, call, step)
        else this.#renew(s, at, index, call, step)
        this.#hear(s, at, index, call, step)
      }
      this.#leave(s, at, node, step)
    }
    if (this.#mutant === 'the session of a dead node is not ended') return
    for (const at of s.dead.keys())
      step('the database ends the session of a node that is gone', (draft) => void draft.dead.splice(at, 1))
  }

  /** One call at a time, on one connection: what is answered last was asked last. */
  #send(s: State, at: number, { calls, holds, epochs }: Node, step: Step<State>): void {
    const isTwo = this.#mutant === 'a take-over beside a renewal'
    const mayRenew = isTwo ? calls.every(({ kind }) => kind !== 'renew') : calls.length === 0
    const mayTake = isTwo ? calls.every(({ kind }) => kind !== 'take') : calls.length === 0
    if (mayRenew && epochs.some((epoch, shard) => epoch > 0 && (holds[shard] as number) < this.#lease))
      step(`node ${at} sends a renewal`, (draft) =>
        nodeOf(draft, at).calls.push({ kind: 'renew', age: 0, shard: -1, is: 'sent', answer: [0, 0], found: -1 }),
      )
    for (const [shard, { owner }] of s.shards.entries())
      if (mayTake && epochs[shard] === 0 && isFree(s, owner, at))
        step(`node ${at} asks for shard ${shard}`, (draft) => {
          const found = this.#mutant === 'expiry looked at before the lock' ? owner : -1
          nodeOf(draft, at).calls.push({ kind: 'take', age: 0, shard, is: 'sent', answer: [0, 0], found })
        })
  }

  /** Locks the shard, then the node that has it; looks at the lease under that lock; marks, raises the epoch, commits. */
  #take(s: State, at: number, index: number, { is, shard, found }: Call, step: Step<State>): void {
    const { owner } = s.shards[shard] as State['shards'][number]
    if (is === 'sent' && !isLocked(s, 'shard', shard) && (owner < 0 || owner === at || !isLocked(s, 'node', owner))) {
      const isFound = isFree(s, owner, at) || found === owner
      step(
        `the take-over of shard ${shard} by node ${at} ${isFound ? 'has its locks' : 'finds a lease that runs'}`,
        (draft) => {
          const call = callOf(draft, at, index)
          call.is = isFound ? 'locked' : 'done'
          call.found = -1
        },
      )
    }
    // It waits for its own row where another transaction holds that; two that wait for each other are seen by the database.
    if (is !== 'locked') return
    if (isLocked(s, 'node', at, at)) {
      step(`the take-over of shard ${shard} by node ${at} is rolled back: a deadlock`, (draft) => {
        callOf(draft, at, index).is = 'done'
      })
      return
    }
    step(`the take-over of shard ${shard} by node ${at} commits`, (draft) => {
      const row = draft.shards[shard] as State['shards'][number]
      if (row.owner >= 0 && row.owner !== at) (draft.rows[row.owner] as State['rows'][number]).marked = true
      row.epoch += 1
      row.owner = at
      draft.rows[at] = { left: this.#lease, marked: false }
      const call = callOf(draft, at, index)
      call.is = 'done'
      call.answer[shard] = row.epoch
    })
  }

  /** Reads the shards when it begins, and renews when it has the lock of its row. */
  #renew(s: State, at: number, index: number, { is }: Call, step: Step<State>): void {
    if (is === 'sent')
      step(`the renewal of node ${at} begins: it sees who owns what`, (draft) => {
        const call = callOf(draft, at, index)
        call.is = 'read'
        call.answer = draft.shards.map(({ owner, epoch }) => (owner === at ? epoch : 0))
      })
    if (is !== 'read' || isLocked(s, 'node', at)) return
    const isMarked = s.rows[at]?.marked === true && this.#mutant !== 'a renewal that looks at the shards alone'
    step(`the renewal of node ${at} ${isMarked ? 'finds its mark' : 'renews'}`, (draft) => {
      const call = callOf(draft, at, index)
      call.is = 'done'
      if (isMarked) call.answer = [0, 0]
      else draft.rows[at] = { left: this.#lease, marked: false }
    })
  }

  #hear(s: State, at: number, index: number, { kind, shard, is, age, answer }: Call, step: Step<State>): void {
    const left = Math.max(0, this.#lease - age)
    // What holds locks is cut off, and goes on at the database until that ends it.
    if (is !== 'locked' || s.faults > 0)
      step(`node ${at} gives up on its ${kind === 'take' ? 'take-over' : 'renewal'}`, (draft) => {
        if (is === 'locked') this.#orphan(draft, at, shard)
        if (is === 'locked') draft.faults -= 1
        nodeOf(draft, at).calls.splice(index, 1)
      })
    if (is !== 'done') return
    const named = answer.flatMap((epoch, one) => (epoch > 0 ? [one] : [])).join(' and ') || 'nothing'
    step(`node ${at} hears of its ${kind === 'take' ? 'take-over' : 'renewal'}: it owns ${named}`, (draft) => {
      const own = nodeOf(draft, at)
      own.calls.splice(index, 1)
      for (const [one, epoch] of answer.entries()) {
        if (kind === 'take') {
          // A take-over says nothing of the shards that it was not about.
          if (one === shard && epoch > 0) own.epochs[one] = epoch
          const isMeant = one === shard || this.#mutant === 'one lease in memory for all shards'
          if (isMeant && (answer[shard] as number) > 0 && (own.epochs[one] as number) > 0) own.holds[one] = left
          continue
        }
        const isOwn = own.epochs[one] === epoch
        if (!isOwn) own.epochs[one] = 0
        own.holds[one] = isOwn && epoch > 0 ? left : 0
      }
    })
  }

  #orphan(draft: State, node: number, shard: number): void {
    const marks = draft.shards[shard]?.owner ?? -1
    draft.dead.push({ node, shard, marks: marks === node ? -1 : marks })
  }

  /** Hand-over of one shard, and the end of a node that nobody expected. */
  #leave(s: State, at: number, { epochs, holds, calls }: Node, step: Step<State>): void {
    if (s.faults === 0) return
    for (const [shard, epoch] of epochs.entries())
      if (epoch > 0 && calls.length === 0 && s.shards[shard]?.owner === at && !isLocked(s, 'shard', shard))
        step(`node ${at} lets shard ${shard} go`, (draft) => {
          draft.faults -= 1
          const row = draft.shards[shard] as State['shards'][number]
          if (row.epoch === epoch) row.owner = -1
          if (this.#mutant === 'given back before it is let go' && (holds[shard] as number) > 0) return
          nodeOf(draft, at).epochs[shard] = 0
          nodeOf(draft, at).holds[shard] = 0
        })
    step(`node ${at} dies`, (draft) => {
      draft.faults -= 1
      for (const { is, shard } of calls) if (is === 'locked') this.#orphan(draft, at, shard)
      draft.nodes[at] = { is: 'down', epochs: [0, 0], holds: [0, 0], calls: [] }
    })
  }
}

const nodeOf = (draft: State, at: number): Node => draft.nodes[at] as Node
const callOf = (draft: State, at: number, index: number): Call => nodeOf(draft, at).calls[index] as Call

/** Nobody has it, or its lease is over, or it is one's own. */
function isFree(s: State, owner: number, at: number): boolean {
  const row = s.rows[owner]
  return row === undefined || owner === at || row.left === 0 || row.marked
}

/** Whether a transaction under way, of somebody else than `but`, holds the row of a shard, or that of a node. */
function isLocked(s: State, kind: 'shard' | 'node', which: number, but = -1): boolean {
  const held = s.nodes.flatMap(({ calls }, node) =>
    calls
      .filter(({ is }) => is === 'locked')
      .map(({ shard }) => ({
        node,
        shard,
        marks: s.shards[shard]?.owner === node ? -1 : (s.shards[shard]?.owner ?? -1),
      })),
  )
  return [...held, ...s.dead]
    .filter(({ node }) => node !== but)
    .some(({ shard, marks }) => (kind === 'shard' ? shard === which : marks === which))
}

function tick(draft: State, lease: number): void {
  for (const row of draft.rows) row.left = Math.max(0, row.left - 1)
  for (const node of draft.nodes) {
    node.holds = node.holds.map((left) => Math.max(0, left - 1))
    for (const call of node.calls) call.age = Math.min(call.age + 1, lease)
  }
}

export const owners: Model<State, Name> = {
  name: 'owners',
  about:
    'who owns which shard: take-overs and renewals as statements with locks, marks, hand-over, several shards a node',
  code: {
    'src/stores/postgres/leases.ts': ['evict:', 'take:', 'renew:', 'lock:', 'new Links(1'],
    'src/engine/ownership.ts': ['async #renew(', 'async #own('],
    'src/engine/hold.ts': ['renewed('],
  },
  mutants,
  build: (bound, mutant) => new Owners(bound, mutant),
}
