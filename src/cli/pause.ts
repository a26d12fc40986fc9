// `ballet pause`: lets a schedule fire no more. What comes due meanwhile is not made up for.
import { PLACE_OPTIONS, type Command } from './command.ts'
import { findWriter } from './discovery.ts'
import { EXIT } from './exit-code.ts'
import { printable } from './printable.ts'
import { REASON_OPTIONS, reasonOf } from './reasoned.ts'
import { print } from './terminal.ts'

export const pause: Command = {
  name: 'pause',
  about: 'Let a schedule fire no more, until it is resumed.',
  words: [{ name: 'schedule', about: 'Its name.' }],
  options: { ...REASON_OPTIONS, ...PLACE_OPTIONS },
  examples: [`ballet pause nightly --why 'the bank is closed'`],
  async run(given, terminal) {
    const [schedule = ''] = given.words
    const client = await findWriter(given, terminal)
    const acted = await client.pause(schedule, reasonOf(given, terminal))
    print(terminal, given.flag('json'), acted, () => [
      `${printable(schedule)} is paused: it fires no more until it is resumed.`,
    ])
    return EXIT.ok
  },
}
