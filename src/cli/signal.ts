// `ballet signal`: sends a named message to one run.
import { PLACE_OPTIONS, type Command } from './command.ts'
import { findWriter } from './discovery.ts'
import { EXIT } from './exit-code.ts'
import { usage } from './parse.ts'
import { printable } from './printable.ts'
import { readInput } from './read-input.ts'
import { print } from './terminal.ts'

export const signal: Command = {
  name: 'signal',
  about: 'Send a signal to a run.',
  words: [
    { name: 'run', about: 'Id of the run.' },
    { name: 'name', about: 'The signal, for example cancel-order.' },
  ],
  options: {
    data: { value: '<json|@file|->', about: 'Its data: JSON, a file, or stdin.' },
    id: { value: '<id>', about: 'Id of the signal; the same id is delivered to a run once.' },
    ...PLACE_OPTIONS,
  },
  examples: [`ballet signal checkout:8841 cancel-order --data '{"by":"ann"}'`],
  async run(given, terminal) {
    const [run = '', name = ''] = given.words
    const text = given.text('data')
    if (text === undefined) throw usage(signal, 'ballet signal needs --data <json|@file|->.')
    const data = await readInput(signal, 'data', text, terminal)
    const client = await findWriter(given, terminal)
    const answer = await client.signal({ run, name, data, id: given.text('id') })
    if (!answer.created) terminal.note('This signal was sent before; nothing new happened.')
    print(terminal, given.flag('json'), answer, () => [printable(answer.id)])
    return EXIT.ok
  },
}
