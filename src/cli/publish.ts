// `ballet publish`: publishes an event, as a service outside would.
import { PLACE_OPTIONS, type Command } from './command.ts'
import { findWriter } from './discovery.ts'
import { EXIT } from './exit-code.ts'
import { usage } from './parse.ts'
import { printable } from './printable.ts'
import { readInput } from './read-input.ts'
import { print } from './terminal.ts'

export const publish: Command = {
  name: 'publish',
  about: 'Publish an event: whoever reacts to it or waits for it gets it.',
  words: [{ name: 'type', about: 'Type of the event, for example order.created.' }],
  options: {
    data: { value: '<json|@file|->', about: 'Its data: JSON, a file, or stdin.' },
    id: { value: '<id>', about: 'Id of the event; the same id and source is the same event.' },
    source: { value: '<source>', about: 'Who says so; default: the application.' },
    ...PLACE_OPTIONS,
  },
  examples: [
    `ballet publish order.created --data '{"orderId":"8841"}'`,
    'ballet publish order.created --data @order.json --id order-8841-created',
  ],
  async run(given, terminal) {
    const [type = ''] = given.words
    const text = given.text('data')
    if (text === undefined) throw usage(publish, 'ballet publish needs --data <json|@file|->.')
    const data = await readInput(publish, 'data', text, terminal)
    const client = await findWriter(given, terminal)
    const answer = await client.publish({ type, data, id: given.text('id'), source: given.text('source') })
    if (!answer.created) terminal.note('This event was published before; nothing new happened.')
    print(terminal, given.flag('json'), answer, () => [printable(answer.id)])
    return EXIT.ok
  },
}
