// How to go on behind a call that takes and was ended by somebody: where it was is kept as a run of its own (intake.ts), and the log
// and `ballet doctor` say the command. Nothing here needs NATS.
import { isRecord } from '../../core/json.ts'

/** The id of the run that says where a call that takes was when it was ended. */
export const endedId = (run: string): string => `${run}:ended`

/**
 * The command that begins another one there; where that is not kept, with words in its place.
 * @param look a run by its id, with what it was begun with.
 */
export async function goOnCommand(
  { id, call }: { readonly id: string; readonly call: string },
  look: (run: string) => Promise<{ readonly input: unknown } | null>,
): Promise<string> {
  const ended = await look(endedId(id)).catch(() => null)
  const after = isRecord(ended?.input) ? ended.input['after'] : undefined
  const from = typeof after === 'number' ? String(after) : '<the last message that was taken>'
  return `ballet start ${call} --input '{ "from": ${from} }' --id ${id}-2`
}
