// What a person can do about a stuck run, as commands that can be copied. Used by `show`, `why` and `start --wait`.
import type { ChoiceView, RunView } from '../core/views.ts'
import { shellWord } from './why-waiting.ts'

/** A line for each choice, the command at its end, with `place` behind it (place.ts); none when there is no choice. */
export function choiceLines(run: RunView, place = ''): readonly string[] {
  return run.choices.map((choice) => {
    const note = choice.action === 'fail' && choice.op === undefined ? '   # what it did stays done' : ''
    const command = `${commandOf(run.id, choice)}${place}${note}`
    return choice.after === undefined ? `  ${command}` : `  ${choice.after}, then: ${command}`
  })
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
