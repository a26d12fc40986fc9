// `ballet trigger`: fires a schedule by hand, for now or for a time at which it was due. The id of the run on stdout is the
// answer.
import { PLACE_OPTIONS, type Command } from './command.ts'
import { findWriter } from './discovery.ts'
import { EXIT } from './exit-code.ts'
import { placeWords } from './place.ts'
import { printable } from './printable.ts'
import { REASON_OPTIONS, reasonOf } from './reasoned.ts'
import { print } from './terminal.ts'
import { shellWord } from './why-waiting.ts'

export const trigger: Command = {
  name: 'trigger',
  about: 'Fire a schedule by hand.',
  words: [{ name: 'schedule', about: 'Its name.' }],
  options: {
    at: { value: '<time>', about: 'For this time, ISO 8601 with a time zone, whose run there is once; default: now.' },
    ...REASON_OPTIONS,
    ...PLACE_OPTIONS,
  },
  examples: ['ballet trigger nightly', 'ballet trigger nightly --at 2026-03-02T03:00:00Z'],
  async run(given, terminal) {
    const [schedule = ''] = given.words
    const client = await findWriter(given, terminal)
    const answer = await client.trigger(schedule, { at: given.text('at'), ...reasonOf(given, terminal) })
    if (!answer.created) terminal.note(`${printable(answer.id)} is the run of that time; nothing new was begun.`)
    print(terminal, given.flag('json'), answer, () => [printable(answer.id)])
    if (!given.flag('json')) terminal.note(`See it: ballet show ${printable(shellWord(answer.id))}${placeWords(given)}`)
    return EXIT.ok
  },
}
