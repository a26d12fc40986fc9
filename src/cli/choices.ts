// What a person can do about a stuck run, as commands that can be copied. Used by `show`, `why` and `start --wait`.
import type { ChoiceView, RunView } from '../core/views.ts'
import { printable } from './printable.ts'
import { shellWord } from './why-waiting.ts'

/** A line for each choice, the command at its end, with `place` behind it (place.ts); none when there is no choice. */
export function choiceLines(run: RunView, place = ''): readonly string[] {
  return run.choices.map((choice) => {
    const note = choice.action === 'fail' && choice.op === undefined ? '   # what it did stays done' : ''
    const command = `${commandOf(run.id, choice)}${place}${note}`
    return choice.after === undefined ? `  ${command}` : `  ${choice.after}, then: ${command}`
  })
}

/** Characters of an input that stand in a command to be copied. */
const INPUT_LIMIT = 200

/**
 * What can be done about a reaction that has failed: nothing tries it again, and its operation can be started by hand.
 * @param run as it came: its input is to be copied, so that one with something that is not printable stands for itself.
 */
export function anewLines({ kind, status, call, input }: RunView, place = ''): readonly string[] {
  // A workflow that it has begun is a run of its own.
  if (kind !== 'reaction' || status !== 'failed' || call?.includes('.') !== true) return []
  const text = JSON.stringify(input)
  const shown = text.length <= INPUT_LIMIT && printable(text) === text ? text : '<json>'
  const command = `ballet start ${shellWord(printable(call))} --input ${shellWord(shown)}${place}`
  return [`  ${command}   # does it anew, under a key of its own; its outcome is published, and the flow goes on`]
}

function commandOf(id: string, { action, op }: ChoiceView): string {
  const run = shellWord(id)
  const call = op === undefined ? '' : ` ${shellWord(op)}`
  switch (action) {
    case 'retry':
      return `ballet retry ${run}${call === '' ? '' : ` --op${call}`}`
    case 'answer':
      return `ballet answer ${run}${call} --value '<json>'`
    case 'fail':
      return `ballet fail ${run}${call} --message '<text>'`
    case 'cancel':
      return `ballet cancel ${run}`
    default:
      // A newer application may know more.
      return `${String(action)}${call}`
  }
}
