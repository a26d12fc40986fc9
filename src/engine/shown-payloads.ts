// Payloads as operators see them. Alone, what cannot be decoded is an error; in a list it hides nothing else.
import { fault } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import { parseText } from '../core/json-text.ts'
import type { Json } from '../core/json.ts'
import type { Payload, PayloadPlace } from '../core/codec.ts'
import { soloInput } from '../core/solo.ts'
import type { EventRow, RunRow } from '../core/store.ts'
import type { ErrorView, EventView, UnreadableView } from '../core/views.ts'
import { unreadableError } from './run-rows.ts'
import type { RunPayloads } from './run-view.ts'

type Kept = Pick<RunRow, 'id' | 'input' | 'output' | 'error' | 'reason'>
/** The text of a payload. @throws RUN_UNREADABLE */
export type Decode = (payload: Payload, row: PayloadPlace['row'], id: string) => string

/** @throws RUN_UNREADABLE */
export function payloadsOf(row: Kept, decode: Decode): RunPayloads {
  return { input: inputOf(row, decode), ...outputOf(row, decode), ...errorOf(row, decode) }
}

/** Of one in a list: what cannot be read of it (it is encoded with a key that is gone) is its error, and the rest is told. */
export function payloadsOfMany(row: Kept, decode: Decode): RunPayloads {
  let unread: ErrorView | undefined
  const read = <Part>(part: () => Part, none: Part): Part => {
    try {
      return part()
    } catch (error) {
      unread ??= unreadableError(row.id, error)
      return none
    }
  }
  const input = read(() => inputOf(row, decode), null)
  const output = read(() => outputOf(row, decode), {})
  // The words with which a person ended it can be read without the key of its input.
  const { error = unread } = read(() => errorOf(unread === undefined ? row : { ...row, reason: null }, decode), {})
  return { input, ...output, ...(error === undefined ? {} : { error }) }
}

/** Events of a list, and beside them the names of those that cannot be decoded. */
export function eventViews(
  rows: readonly EventRow[],
  view: (row: EventRow) => EventView,
): { readonly read: readonly EventView[]; readonly unread: readonly UnreadableView[] } {
  const read: EventView[] = []
  const unread: UnreadableView[] = []
  for (const row of rows) {
    try {
      read.push(view(row))
    } catch (error) {
      unread.push({ id: row.id, error: unreadableError(row.id, error) })
    }
  }
  return { read, unread }
}

function inputOf({ id, input }: Kept, decode: Decode): Json {
  return parseText(soloInput(decode(input, 'input', id)).input) as Json
}

function outputOf({ id, output }: Kept, decode: Decode): Pick<RunPayloads, 'output'> {
  return output === null ? {} : { output: parseText(decode(output, 'output', id)) as Json }
}

function errorOf({ id, error, reason }: Kept, decode: Decode): Pick<RunPayloads, 'error'> {
  if (error === null) return {}
  try {
    return { error: parseText(decode(error, 'error', id)) as ErrorView }
  } catch (thrown) {
    if (reason !== 'unreadable') throw thrown
    // The node that cannot read the run says so with the key that it has, which is not the one that the run needs.
    const problem = 'the node that has its shard lacks the key, and its log says which'
    return { error: toFailure(fault('RUN_UNREADABLE', { run: `the run "${id}"`, problem })) }
  }
}
