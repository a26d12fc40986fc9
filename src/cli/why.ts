// `ballet why`: where is order 8841? Everything of a business key as a tree of causes, over workflows and reactions
// alike, with what is awaited. The key is `orderId:8841`, or its value alone where only one field has it.
import { causalLines, summaryLines } from './causal-lines.ts'
import { causalTree } from './causal-tree.ts'
import { PLACE_OPTIONS, type Command } from './command.ts'
import { findReader } from './discovery.ts'
import { flowWords } from './flow-words.ts'
import { EXIT } from './exit-code.ts'
import { causesOf, findKey } from './key-causes.ts'
import { placeWords } from './place.ts'
import { oneLine, printableView } from './printable.ts'
import { print } from './terminal.ts'

export const why: Command = {
  name: 'why',
  about: 'Show all that happened for a business key, as a tree of causes, and what is awaited.',
  words: [{ name: 'key', about: 'orderId:8841, or 8841 where one field has it.' }],
  options: { ...PLACE_OPTIONS },
  examples: ['ballet why orderId:8841', 'ballet why 8841'],
  async run(given, terminal) {
    const [key = ''] = given.words
    const reads = await findReader(given, terminal)
    try {
      const found = await findKey(reads, key, why)
      const causes = await causesOf(reads, found)
      const tree = causalTree(causes)
      const { paint, columns, clock } = terminal
      const style = { now: clock.now(), paint, columns, place: placeWords(given) }
      const { runs, events } = causes
      print(
        terminal,
        given.flag('json'),
        { field: found.field, value: found.value, flows: found.flows, runs, events, tree },
        () => [
          ...summaryLines(`${found.field}:${found.value}`, runs, events.length, style),
          ...printableView(found.flows).map((flow) => `${flow.choreography}: ${flowWords(flow, style.now)}`),
          '',
          ...causalLines(tree, style),
        ],
      )
      for (const words of causes.unread) terminal.note(oneLine(words))
    } finally {
      await reads.close()
    }
    return EXIT.ok
  },
}
