// `ballet resume`: lets a schedule that was paused go on with its next time.
import { PLACE_OPTIONS, type Command } from './command.ts'
import { findWriter } from './discovery.ts'
import { EXIT } from './exit-code.ts'
import { printable } from './printable.ts'
import { REASON_OPTIONS, reasonOf } from './reasoned.ts'
import { print } from './terminal.ts'

export const resume: Command = {
  name: 'resume',
  about: 'Let a paused schedule go on, with its next time.',
  words: [{ name: 'schedule', about: 'Its name.' }],
  options: { ...REASON_OPTIONS, ...PLACE_OPTIONS },
  examples: [`ballet resume nightly`],
  async run(given, terminal) {
    const [schedule = ''] = given.words
    const client = await findWriter(given, terminal)
    const acted = await client.resume(schedule, reasonOf(given, terminal))
    print(terminal, given.flag('json'), acted, () => [`${printable(schedule)} goes on with its next time.`])
    return EXIT.ok
  },
}
