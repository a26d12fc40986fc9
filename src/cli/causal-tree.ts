// Everything of a key as one tree: what brought what about, over runs, their calls and events, in either style. Nodes
// hang by causation (the cause of a run or event, the call that an outcome answers), siblings stand in the order in
// which they came about, and clocks decide only where nothing else does. Pure; rendered by causal-lines.ts. Causes may
// be claimed by outsiders, so that a claimed circle must not lose anything: its first part becomes a root.
import type { Json } from '../core/json.ts'
import { eventRef, runRef } from '../core/ids.ts'
import type { EventView, JournalView, RunView, WaitView } from '../core/views.ts'
import { Attempts } from './attempts.ts'
import { part, word, type Part } from './journal-words.ts'
import { isStuckAt } from './why-waiting.ts'

export type CausalNode = RunNode | EventNode | CallNode | WaitNode

interface Branch {
  readonly children: readonly CausalNode[]
}

export interface RunNode extends Branch {
  readonly kind: 'run'
  readonly run: RunView
  /** The call that a run of one call makes. */
  readonly call: string | null
  /** Of that call. */
  readonly attempts: number
}

export interface EventNode extends Branch {
  readonly kind: 'event'
  readonly event: EventView
}

/** A call or step of a workflow. */
export interface CallNode extends Branch {
  readonly kind: 'call'
  readonly run: string
  readonly op: string
  /** `service.operation`; null for a step. */
  readonly call: string | null
  readonly step: boolean
  /** The operation that this call takes back. */
  readonly undoes: string | null
  readonly asked: string
  readonly ended: string | null
  readonly attempts: number
  readonly answer: Json | null
  readonly failure: Json | null
  /** Who answered or failed it in the place of the service. */
  readonly by: string | null
  /** The run gave it up before it answered. */
  readonly givenUp: boolean
  readonly wait: WaitView | null
  /** Its run is stuck at it. */
  readonly stuck: boolean
}

/** Something that a run waits for and that is not one of its calls. */
export interface WaitNode extends Branch {
  readonly kind: 'wait'
  readonly run: string
  readonly wait: WaitView
  /** The run is stuck at it. */
  readonly stuck: boolean
}

export interface Causes {
  readonly runs: readonly RunView[]
  readonly events: readonly EventView[]
  readonly journals: ReadonlyMap<string, readonly JournalView[]>
}

type Growing<Node> = { -readonly [Field in keyof Node]: Field extends 'children' ? Sprout[] : Node[Field] }
type Sprout = Growing<RunNode> | Growing<EventNode> | Growing<CallNode> | Growing<WaitNode>

/** Where something stands among its siblings: when, and as which command of its run. */
interface Place {
  readonly time: number
  readonly step: number
}

interface Growth {
  /** Runs and events by their reference. */
  readonly byRef: Map<string, Sprout>
  /** Calls and steps by their run and operation. */
  readonly calls: Map<string, Growing<CallNode>>
  /** Of operations and children, as their run's journal has them. */
  readonly places: Map<string, Place>
}

/** The roots of the causal graph, the oldest first. Every run and event stands in it exactly once. */
export function causalTree({ runs, events, journals }: Causes): readonly CausalNode[] {
  const growth: Growth = { byRef: new Map(), calls: new Map(), places: new Map() }
  const { byRef } = growth
  for (const run of runs) byRef.set(runRef(run.id), { kind: 'run', run, call: null, attempts: 1, children: [] })
  for (const event of events) byRef.set(eventRef(event.source, event.id), { kind: 'event', event, children: [] })
  for (const node of byRef.values()) {
    if (node.kind !== 'run') continue
    const journal = journals.get(node.run.id) ?? []
    if (node.run.kind === 'workflow') addCalls(node, journal, growth)
    else if (node.run.kind !== 'choreography') readSolo(node, journal)
    addWaits(node, growth)
  }
  const parents = new Map<Sprout, Sprout>()
  for (const node of byRef.values()) {
    const parent = parentOf(node, growth)
    if (parent !== undefined) parents.set(node, parent)
  }
  cutCircles(parents)
  for (const [node, parent] of parents) parent.children.push(node)
  const sort = (nodes: Sprout[]): Sprout[] => {
    const places = new Map(nodes.map((node) => [node, placeOf(node, growth)]))
    return nodes.sort((left, right) => inOrder(places.get(left), places.get(right)))
  }
  for (const node of [...byRef.values(), ...growth.calls.values()]) sort(node.children)
  return sort([...byRef.values()].filter((node) => !parents.has(node)))
}

function inOrder(left: Place | undefined, right: Place | undefined): number {
  if (left === undefined || right === undefined) return 0
  return left.time === right.time ? left.step - right.step || 0 : left.time - right.time
}

function placeOf(node: Sprout, { byRef, places }: Growth): Place {
  const late = Number.MAX_SAFE_INTEGER
  switch (node.kind) {
    case 'run':
      return places.get(runRef(node.run.id)) ?? { time: Date.parse(node.run.created), step: late }
    case 'event': {
      const cause = byRef.get(node.event.causationid ?? '')
      const op = cause?.kind === 'run' ? opOfKey(node.event.id, cause.run.id) : undefined
      const place = op === undefined || cause?.kind !== 'run' ? undefined : places.get(opRef(cause.run.id, op))
      return place ?? { time: Date.parse(node.event.time), step: late }
    }
    case 'call':
      return places.get(opRef(node.run, node.op)) ?? { time: Date.parse(node.asked), step: late }
    case 'wait':
      return places.get(opRef(node.run, node.wait.op)) ?? { time: Date.parse(node.wait.since), step: late }
  }
}

/** The calls and steps of a workflow, from its journal. */
function addCalls(node: Growing<RunNode>, journal: readonly JournalView[], { calls, places }: Growth): void {
  const { id } = node.run
  const tried = new Map<string, Attempts>()
  let step = 0
  for (const row of journal) {
    // What was kept for later is told again when it comes to the run.
    if (row.kind === 'mail') continue
    countAttempt(part(row.kind === 'note' ? row.note : row.delivered), tried, (op) => calls.get(opRef(id, op)))
    if (row.kind === 'note') continue
    settle(calls.get(opRef(id, word(part(row.delivered), 'op'))), row)
    for (const command of (row.commands ?? []).map(part)) {
      const kind = word(command, 'kind')
      const op = word(command, 'op')
      const place = { time: Date.parse(row.at), step: (step += 1) }
      const given = kind === 'drop' ? calls.get(opRef(id, op)) : undefined
      if (given !== undefined) given.givenUp = true
      else if (op !== '') places.set(opRef(id, op), place)
      if (kind === 'child') places.set(runRef(word(command, 'run')), place)
      if (kind !== 'call' && kind !== 'step') continue
      const call: Growing<CallNode> = {
        kind: 'call',
        run: id,
        op,
        call: word(command, 'call') || null,
        step: kind === 'step',
        undoes: word(command, 'undoes') || null,
        asked: row.at,
        ended: null,
        attempts: 1,
        answer: null,
        failure: null,
        by: null,
        givenUp: false,
        wait: null,
        stuck: false,
        children: [],
      }
      calls.set(opRef(id, op), call)
      tried.set(op, new Attempts())
      node.children.push(call)
    }
  }
}

function settle(call: Growing<CallNode> | undefined, row: JournalView): void {
  if (call === undefined) return
  const delivered = part(row.delivered)
  call.ended = row.at
  call.by = word(delivered, 'by') || null
  if (word(delivered, 'kind') === 'failed') call.failure = (delivered['error'] as Json | undefined) ?? null
  else call.answer = (delivered['payload'] as Json | undefined) ?? null
}

function countAttempt(
  row: Part,
  tried: ReadonlyMap<string, Attempts>,
  callOf: (op: string) => Growing<CallNode> | undefined,
): void {
  const op = word(row, 'op')
  const call = callOf(op)
  const attempts = tried.get(op)
  if (call === undefined || attempts === undefined) return
  attempts.count(row)
  call.attempts = attempts.total
}

/** The call of an operation's or reaction's run, and how often it was tried. */
function readSolo(node: Growing<RunNode>, journal: readonly JournalView[]): void {
  const parts = journal.map((row) => part(row.kind === 'note' ? row.note : row.delivered))
  const op = node.run.waits[0]?.op ?? parts.map((row) => word(row, 'op')).find((name) => name !== '')
  node.call = op?.replace(/#0$/, '') ?? (node.run.kind === 'operation' ? node.run.name : null)
  const attempts = new Attempts()
  for (const row of journal)
    if (row.kind !== 'mail') attempts.count(part(row.kind === 'note' ? row.note : row.delivered))
  node.attempts = attempts.total
}

/** What the run waits for: beside the call that it is about, or as a leaf of its own. */
function addWaits(node: Growing<RunNode>, { byRef, calls }: Growth): void {
  if (node.run.kind !== 'workflow' && node.run.kind !== 'choreography') return
  const { id, waits } = node.run
  for (const wait of waits) {
    const call = calls.get(opRef(id, wait.op))
    const stuck = isStuckAt(node.run, wait)
    if (call !== undefined) Object.assign(call, { wait, stuck })
    // A child that is among the runs tells for itself how it stands.
    else if (wait.kind !== 'child' || !byRef.has(runRef(wait.for)))
      node.children.push({ kind: 'wait', run: id, wait, stuck, children: [] })
  }
}

/** The node that brought this one about, when it is among them. */
function parentOf(node: Sprout, { byRef, calls }: Growth): Sprout | undefined {
  if (node.kind === 'run') {
    const cause = node.run.cause ?? (node.run.parent === null ? null : runRef(node.run.parent))
    return cause === null ? undefined : byRef.get(cause)
  }
  if (node.kind !== 'event') return undefined
  const cause = byRef.get(node.event.causationid ?? '')
  if (cause?.kind !== 'run') return cause
  const op = opOfKey(node.event.id, cause.run.id)
  return (op === undefined ? undefined : calls.get(opRef(cause.run.id, op))) ?? cause
}

/** The operation in an idempotency key `<store>:<run>:<generation>:<op>` of that run. */
function opOfKey(key: string, run: string): string | undefined {
  const rest = key.slice(key.indexOf(':') + 1)
  if (!rest.startsWith(`${run}:`)) return undefined
  const tail = rest.slice(run.length + 1)
  return tail.slice(tail.indexOf(':') + 1)
}

function opRef(run: string, op: string): string {
  return `${runRef(run)} ${op}`
}

/** Takes one link out of every circle, so that each node is below a root. */
function cutCircles(parents: Map<Sprout, Sprout>): void {
  /** The walk in which a node was seen. */
  const seen = new Map<Sprout, Sprout>()
  for (const start of parents.keys()) {
    let node: Sprout | undefined = start
    while (node !== undefined && !seen.has(node)) {
      seen.set(node, start)
      node = parents.get(node)
    }
    if (node !== undefined && seen.get(node) === start) parents.delete(node)
  }
}
