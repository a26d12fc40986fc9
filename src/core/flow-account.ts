// What is known of the flow of one key: a pure account of its events, in the order in which they were committed, against
// the choreography. An event that does not fit breaks the flow and changes nothing of where it stands, so that what comes
// behind is still followed. A deadline passes when somebody who knows the time says so (passDeadlines): an event that came
// before that was in time. Stored as JSON beside the state of the flow; made anew from the events when it cannot be read.
import { isBroken, isSameDeadline, type Flow, type FlowDeadline, type FlowState } from './flow.ts'
import { parseText } from './json-text.ts'
import type { FlowRow } from './store.ts'
import type { FlowStanding } from './store-queries.ts'

/** An event as an account takes it. */
export interface FlowEvent {
  readonly type: string
  readonly pos: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly source: string
  readonly id: string
  readonly root: string
}

/**
 * The first event that did not fit. `late`: the flow was complete; `duplicate`: one of its type had come, and no further one
 * was expected; `unexpected`: anything else.
 */
export interface FlowBreak {
  readonly how: 'late' | 'duplicate' | 'unexpected'
  readonly type: string
  readonly source: string
  readonly id: string
  readonly pos: number
  readonly at: number
  /** What could have come, and the rule that it breaks, if it is a rule. */
  readonly expected: readonly string[]
  readonly rule: string | null
  /** It came late, and one of its type had come before. */
  readonly again?: true
}

export interface FlowAccount {
  readonly state: FlowState
  /** Types that have come, each once. */
  readonly seen: readonly string[]
  /** Those of them that came only where they did not fit: what they tell of belongs to no ending that was agreed. */
  readonly strays: readonly string[]
  readonly broken: FlowBreak | null
  /** How many events did not fit, and how many deadlines have passed. */
  readonly breaks: number
  readonly overdues: number
  /** The deadlines that have passed and were told, the first first. */
  readonly told: readonly FlowDeadline[]
  /** Limits of the state that were told to have run out, as indices into its `since`: what is left of one is not told anew. */
  readonly ranOut: readonly number[]
  /** Times of the first and the last event, milliseconds since the epoch. */
  readonly began: number
  readonly changed: number
  readonly last: FlowEvent
}

/**
 * The account with one more event. A flow begins with an event that can come first: what comes for a key before that is
 * foreign to it, and there is no account.
 */
export function takeEvent(flow: Flow, before: FlowAccount | null, event: FlowEvent): FlowAccount | null {
  const account = before ?? beginAccount(flow, event)
  if (account === null) return null
  const { type, at } = event
  const next = flow.step(account.state, type, at)
  const known = account.seen.includes(type)
  const seen = known ? account.seen : [...account.seen, type]
  if (!isBroken(next)) {
    // Nearly always empty, and then not made anew for each event.
    const strays = account.strays.length === 0 ? account.strays : account.strays.filter((one) => one !== type)
    const ranOut = account.ranOut.length === 0 ? account.ranOut : flow.keptLimits(account.state, type, account.ranOut)
    return { ...account, state: next, seen, strays, ranOut, changed: at, last: event }
  }
  const { source, id, pos } = event
  const { expected, rule } = next
  const isLate = flow.verdict(account.state).standing === 'complete'
  const how = isLate ? 'late' : known ? 'duplicate' : 'unexpected'
  const again = isLate && known ? { again: true as const } : {}
  const broken = account.broken ?? { how, type, source, id, pos, at, expected, rule, ...again }
  const strays = known ? account.strays : [...account.strays, type]
  return { ...account, seen, strays, changed: at, last: event, broken, breaks: account.breaks + 1 }
}

function beginAccount(flow: Flow, event: FlowEvent): FlowAccount | null {
  const { at, type } = event
  const state = flow.start(at)
  if (!flow.expected(state).includes(type)) return null
  return { ...NOTHING_YET, state, began: at, changed: at, last: event }
}

/** Of a flow to which nothing has happened, and of one that has gone well and says no more. */
const NOTHING_YET = { seen: [], strays: [], broken: null, breaks: 0, overdues: 0, told: [], ranOut: [] } as const

/**
 * How many of the deadlines that were told are remembered. An older one could only be told again when the choreography is
 * changed so that its flow waits for it still.
 */
const TOLD_KEPT = 50

/** The deadlines that have passed by `now` and were not told yet, and the account in which they are. */
export function passDeadlines(
  flow: Flow,
  account: FlowAccount,
  now: number,
): { readonly account: FlowAccount; readonly passed: readonly FlowDeadline[] } {
  const { state } = account
  if (!flow.passes(state, now)) return { account, passed: NONE }
  // Each for itself: one may come to be known, or pass by a clock that was set back, behind a later one that was told.
  const passed = flow.deadlines(state).filter((one) => one.by <= now && !isTold(flow, account, one))
  if (passed.length === 0) return { account, passed }
  const ranOut = [...new Set([...account.ranOut, ...limitsOfAll(flow, state, passed)])]
  const overdues = account.overdues + passed.length
  const told = [...account.told, ...passed].slice(-TOLD_KEPT)
  return { account: { ...account, overdues, told, ranOut }, passed }
}

/** Whether a deadline of the state is still to be told. */
export function awaitsDeadline(flow: Flow, account: FlowAccount): boolean {
  return flow.deadlines(account.state).some((one) => !isTold(flow, account, one))
}

/** Whether a deadline of the state was told, or that the limits have run out of which it is what is left. */
function isTold(flow: Flow, { state, told, ranOut }: FlowAccount, deadline: FlowDeadline): boolean {
  if (told.length === 0) return false
  if (told.some((one) => isSameDeadline(one, deadline))) return true
  return flow.limitsOf(state, deadline).every((limit) => ranOut.includes(limit))
}

const NONE: readonly FlowDeadline[] = []

/** Whether the flow has ended well: nothing of it is awaited any more. */
export const isComplete = (flow: Flow, { broken, state }: FlowAccount): boolean =>
  broken === null && flow.verdict(state).standing === 'complete'

/** A deadline as a row tells of it. */
export interface SavedDeadline extends FlowDeadline {
  /** It was told that it has passed. */
  readonly passed?: true
}

interface Standing {
  readonly standing: FlowStanding
  /** The ending, when it is complete or may end. */
  readonly ending: string | null
  /** The types that can come next. */
  readonly awaited: readonly string[]
  /** By when what has to come, earliest first. */
  readonly deadlines: readonly SavedDeadline[]
  /** When the next deadline passes; null when there is none. */
  readonly due: number | null
}

/** How a flow stands: broken before overdue, and overdue before anything else. */
function standingOf(flow: Flow, account: FlowAccount): Standing {
  const { standing, ending } = flow.verdict(account.state)
  const deadlines = flow
    .deadlines(account.state)
    .map((one): SavedDeadline => (isTold(flow, account, one) ? { ...one, passed: true } : one))
  const isOverdue = deadlines.some(hasPassed)
  return {
    standing: account.broken === null ? (isOverdue ? 'overdue' : standing) : 'broken',
    ending,
    awaited: flow.expected(account.state),
    deadlines,
    due: deadlines.find((one) => !hasPassed(one))?.by ?? null,
  }
}

const hasPassed = ({ passed }: SavedDeadline): boolean => passed === true

/** A type that can come next, and the services that answer with it; none for one that comes from outside. */
export interface AwaitedType {
  readonly type: string
  readonly from: readonly string[]
}

/** An operation that was done and not taken back, and the one that takes it back: `service.operation`. */
export interface OwedUndo {
  readonly operation: string
  readonly undo: string
}

/** An operation with an undo, as a flow sees it: the types that say that it was done, and that it was taken back. */
export interface Undoable extends OwedUndo {
  readonly done: ReadonlySet<string>
  readonly undone: ReadonlySet<string>
}

/** What a row tells without the flow, beside its columns. */
export interface FlowDetail extends Pick<FlowAccount, 'seen' | 'strays' | 'broken' | 'breaks' | 'overdues' | 'ranOut'> {
  /** In rows of before each was remembered, a time: all deadlines up to it were told. */
  readonly told: FlowAccount['told'] | number
  readonly awaited: readonly AwaitedType[]
  readonly deadlines: readonly SavedDeadline[]
  /** Of a broken or an overdue flow: what would have to be taken back if it is given up. Absent when there is nothing. */
  readonly owes?: readonly OwedUndo[]
  /** The event from which what the flow tells follows, its position and time beside. Absent when it will tell nothing. */
  readonly last?: Omit<FlowEvent, 'pos' | 'at'>
}

/** What is not said. So the rows of all flows that have gone the same good way say the same, in few words. */
const UNSAID: FlowDetail = { ...NOTHING_YET, awaited: [], deadlines: [] }
const NOBODY = { type: '', source: '', id: '', root: '' }

/** What is known of an application where accounts are saved. */
export interface FlowKnowledge {
  /** The services that answer with a type. */
  readonly producers: (type: string) => readonly string[]
  /** Asked only for flows that do not go as they should. */
  readonly undoables: () => readonly Undoable[]
}

/** How a flow stands, and its account as two texts: the state, which only the flow understands, and the rest. */
export function saveAccount(
  flow: Flow,
  account: FlowAccount,
  { producers, undoables }: FlowKnowledge,
): Pick<Standing, 'standing' | 'ending' | 'due'> & { readonly state: string; readonly detail: string } {
  const { seen, strays, broken, breaks, overdues, told, ranOut } = account
  const state = flow.save(account.state)
  const common: Partial<FlowDetail> = overdues === 0 ? { seen } : { seen, overdues, told }
  if (isComplete(flow, account)) {
    const { ending } = flow.verdict(account.state)
    return { standing: 'complete', ending, due: null, state, detail: JSON.stringify(common) }
  }
  const { standing, ending, due, awaited, deadlines } = standingOf(flow, account)
  const { type, source, id, root } = account.last
  const isWrong = standing === 'broken' || standing === 'overdue'
  // One that has ended as was agreed owes nothing of that, whatever came behind its end: only what did not belong to it.
  const isOver = flow.verdict(account.state).standing === 'complete'
  const owes = isWrong ? owedBy(undoables(), isOver ? strays : seen, seen) : []
  const detail: Partial<FlowDetail> = {
    ...common,
    ...(breaks === 0 ? {} : { broken, breaks }),
    ...(strays.length === 0 ? {} : { strays }),
    ...(awaited.length === 0 ? {} : { awaited: awaited.map((one) => ({ type: one, from: producers(one) })) }),
    ...(deadlines.length === 0 ? {} : { deadlines }),
    ...(ranOut.length === 0 ? {} : { ranOut }),
    ...(owes.length === 0 ? {} : { owes }),
    last: { type, source, id, root },
  }
  return { standing, ending, due, state, detail: JSON.stringify(detail) }
}

/** Operations of which one of these events says that they were done, and none that has come that they were taken back. */
function owedBy(
  undoables: readonly Undoable[],
  events: readonly string[],
  seen: readonly string[],
): readonly OwedUndo[] {
  return undoables
    .filter(({ done, undone }) => events.some((type) => done.has(type)) && !seen.some((type) => undone.has(type)))
    .map(({ operation, undo }) => ({ operation, undo }))
}

/** The account of a row; null when that is of another flow. */
export function loadAccount(
  flow: Flow,
  { state: text, detail, pos, began, changed }: Pick<FlowRow, 'state' | 'detail' | 'pos' | 'began' | 'changed'>,
): FlowAccount | null {
  const state = flow.load(text)
  if (state === null) return null
  const { seen, strays, broken, breaks, overdues, last = NOBODY, ...saved } = parseDetail(detail)
  const told = toldOf(flow, state, saved.told)
  const ranOut = saved.told === told ? saved.ranOut : limitsOfAll(flow, state, told)
  const account = { state, seen, strays, broken, breaks, overdues, told, ranOut, began, changed }
  return { ...account, last: { ...last, pos, at: changed } }
}

/**
 * The account of a flow that was made anew of its events, because its choreography is another one by now: what was told of it
 * stays told. @param detail of the row that it had.
 */
export function keepTold(flow: Flow, account: FlowAccount, detail: string): FlowAccount {
  const { overdues, told: saved, deadlines } = parseDetail(detail)
  const told = toldOf(flow, account.state, saved)
  // What was left of one that was told has not been told itself.
  const rest = deadlines.filter((one) => hasPassed(one) && !told.some((other) => isSameDeadline(one, other)))
  const all = [...told, ...rest.map(({ by, types }) => ({ by, types }))]
  return { ...account, overdues, told: all, ranOut: limitsOfAll(flow, account.state, all) }
}

/** The limits that have run out when all of these deadlines have passed, as far as the state has them. */
function limitsOfAll(flow: Flow, state: FlowState, deadlines: readonly FlowDeadline[]): readonly number[] {
  return [...new Set(deadlines.flatMap((one) => flow.limitsOf(state, one)))]
}

/** The deadlines that a row says were told; of one that says only up to when, those of the state. */
function toldOf(flow: Flow, state: FlowState, told: FlowDetail['told']): readonly FlowDeadline[] {
  return typeof told === 'number' ? flow.deadlines(state).filter(({ by }) => by <= told) : told
}

/** The rest of a row, which the engine wrote. */
export function parseDetail(detail: string): FlowDetail {
  const parsed = { ...UNSAID, ...(parseText(detail) as Partial<FlowDetail>) }
  const { told, deadlines } = parsed
  if (typeof told !== 'number') return parsed
  return { ...parsed, deadlines: deadlines.map((one) => (one.by <= told ? { ...one, passed: true } : one)) }
}
