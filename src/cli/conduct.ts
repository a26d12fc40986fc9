// `ballet conduct`: begins the flow of a choreography and has it performed by one run. The id of the run on stdout is the
// answer; the same event begins nothing twice.
import { PLACE_OPTIONS, type Command } from './command.ts'
import { findWriter } from './discovery.ts'
import { EXIT } from './exit-code.ts'
import { usage } from './parse.ts'
import { placeWords } from './place.ts'
import { printable } from './printable.ts'
import { readInput } from './read-input.ts'
import { print } from './terminal.ts'
import { shellWord } from './why-waiting.ts'

export const conduct: Command = {
  name: 'conduct',
  about: 'Begin a flow, performed by one run that makes the calls of the reactions.',
  words: [
    { name: 'choreography', about: 'Its name.' },
    { name: 'type', about: 'Type of the event that begins the flow, for example order.created.' },
  ],
  options: {
    data: { value: '<json|@file|->', about: 'Its data: JSON, a file, or stdin.' },
    id: { value: '<id>', about: 'Id of the event; a UUID without it.' },
    source: { value: '<source>', about: 'Who says so; default: the application.' },
    ...PLACE_OPTIONS,
  },
  examples: [`ballet conduct fulfilment order.created --data '{"orderId":"8841"}'`],
  async run(given, terminal) {
    const [choreography = '', type = ''] = given.words
    const text = given.text('data')
    if (text === undefined) throw usage(conduct, 'ballet conduct needs --data <json|@file|->.')
    const data = await readInput(conduct, 'data', text, terminal)
    const client = await findWriter(given, terminal)
    const request = { choreography, type, data, id: given.text('id'), source: given.text('source') }
    const answer = await client.conduct(request)
    if (!answer.created) terminal.note(`${printable(answer.id)} exists with this event; nothing new was begun.`)
    print(terminal, given.flag('json'), answer, () => [printable(answer.id)])
    if (!given.flag('json')) terminal.note(`See it: ballet show ${printable(shellWord(answer.id))}${placeWords(given)}`)
    return EXIT.ok
  },
}
