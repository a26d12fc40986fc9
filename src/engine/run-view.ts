// A run as operators see it, put together of what was read of it. Field by field, in the order in which it is shown: most of what
// may be there is not, and every order over HTTP is answered with one. Pure; queries.ts reads the rows.
import { originOf } from '../core/caller.ts'
import { splitKey } from '../core/names.ts'
import type { RunRow } from '../core/store.ts'
import type { RunView, SuspectView, WaitView } from '../core/views.ts'
import type { Present } from './fold.ts'
import { choicesOf, phaseOf } from './run-standing.ts'

/** What a run was given, and what it came to, decoded. */
export type RunPayloads = Pick<RunView, 'input' | 'output' | 'error'>

/** What is known of a run beside its row. */
export interface Seen {
  readonly payloads: RunPayloads
  readonly present: Present
  readonly suspect: SuspectView | undefined
  /** The id of its parent, where that is known. */
  readonly parent: string | null
  /** What it waits for: that of `present`, with where and behind what. */
  readonly waits: readonly WaitView[]
}

type Building = { -readonly [Field in keyof RunView]?: RunView[Field] }

export function runView(row: RunRow, { payloads, present, suspect, parent, waits }: Seen): RunView {
  const { cause, traceparent } = originOf(row.cause)
  const { phase } = phaseOf(row, present)
  const view: Building = { id: row.id, kind: row.kind, name: row.name }
  if (row.kind === 'reaction' && row.call !== '') view.call = row.call
  view.version = row.version
  view.key = row.key === null ? null : splitKey(row.key)
  view.root = row.root
  view.cause = cause
  if (traceparent !== undefined) view.traceparent = traceparent
  view.parent = parent
  view.status = row.status
  if (phase !== undefined) view.phase = phase
  if (present.isFailing === true) view.failing = true
  if (row.phase === 'scheduled' && row.at !== null) view.at = timeOf(row.at)
  if (row.deadline !== null) view.deadline = timeOf(row.deadline)
  if (row.generation !== 0) view.generation = row.generation
  if (row.reason !== null) view.reason = row.reason
  if (suspect !== undefined) view.suspect = suspect
  if (present.state !== undefined) view.state = present.state
  if (present.unread !== undefined) view.unread = present.unread
  view.waits = waits
  if (present.steps !== undefined) view.steps = present.steps
  view.choices = choicesOf(row, present)
  view.input = payloads.input
  if ('output' in payloads) view.output = payloads.output
  if (payloads.error !== undefined) view.error = payloads.error
  view.created = timeOf(row.created)
  view.ended = row.ended === null ? null : timeOf(row.ended)
  return view as RunView
}

const timeOf = (at: number): string => new Date(at).toISOString()
