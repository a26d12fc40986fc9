// What a generation of a run hands on to the next when the run continues: signals that nobody has received, what has to be
// taken back, which children stop with it, what it said of itself. Written into the last turn of the one and read by the
// machine of the other; what would grow for ever is bounded.
import type { Contracts } from './contracts.ts'
import { fault } from './errors.ts'
import { fromText, toText, type Json, type JsonText } from './json.ts'
import type { CarriedMail, Mailbox } from './mailbox.ts'
import type { CarriedUndo, UndoLog } from './undo.ts'

/** What is carried, as it stands in the journal. */
export interface Carried {
  readonly mail?: CarriedMail
  readonly undos?: readonly CarriedUndo[]
  readonly followers?: readonly string[]
  readonly state?: Json
}

/** What a machine has of it. */
interface Carrier {
  readonly name: string
  readonly mailbox: Mailbox
  readonly undos: UndoLog
  readonly followers: ReadonlySet<string>
  readonly state: JsonText | null
}

/** Children that stop with a run and that it still knows when it has continued: of more, the oldest ended long since. */
const FOLLOWERS_CARRIED = 10_000
/**
 * Calls that a continued run may have to take back. Each generation writes all of them anew, so that a run which only ever adds to
 * them would write ever more; none can be left out.
 */
const UNDOS_CARRIED = 10_000

/** What the generation before handed on; nothing to the first. */
export function carriedOf(carry: JsonText | null): Carried {
  return carry === null ? {} : (fromText(carry) as Carried)
}

/**
 * The text of what a generation hands on. What takes something back is judged now, while the code that made it can be
 * mended; once it stands in a journal, only its name counts.
 * @throws DEFINITION_INVALID, INPUT_INVALID, VALUE_NOT_JSON for an undo that could not be made, CONTINUE_REFUSED for too many.
 */
export function carryText(
  { name: run, mailbox, undos, followers, state }: Carrier,
  generation: number,
  contracts: Contracts,
  isRecorded: boolean,
): JsonText {
  const calls = undos.carried(generation)
  // What an earlier version has let grow goes on as it is, and may not grow.
  const isGrown = calls.some(({ op }) => op.startsWith(`${generation}~`))
  if (calls.length > UNDOS_CARRIED && isGrown && !isRecorded) {
    const problem = `it would have to take back ${calls.length} calls, and more than ${UNDOS_CARRIED} are not handed on`
    throw fault('CONTINUE_REFUSED', { run, problem })
  }
  for (const { name, undo } of calls) {
    contracts.checkUndo(name, undo)
    if (!isRecorded) contracts.checkInput(undo)
  }
  const carried: Carried = {
    mail: mailbox.carried,
    undos: calls,
    ...(followers.size === 0 ? {} : { followers: [...followers].slice(-FOLLOWERS_CARRIED) }),
    ...(state === null ? {} : { state: fromText(state) as Json }),
  }
  return toText(carried, 'What the run carries') as JsonText
}
