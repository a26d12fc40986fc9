// `ballet why`: where is order 8841? Everything of a business key as a tree of causes, over workflows and reactions
// alike, with what is awaited. The key is `orderId:8841`, or its value alone where only one field has it.
import { fault } from '../core/errors.ts'
import { isField, splitKey } from '../core/names.ts'
import type { EventView, JournalView, KeyView, Related, RunView } from '../core/views.ts'
import { causalLines, summaryLines } from './causal-lines.ts'
import { causalTree, type Causes } from './causal-tree.ts'
import { PLACE_OPTIONS, type Command } from './command.ts'
import { findReader } from './discovery.ts'
import { flowWords } from './flow-words.ts'
import { EXIT } from './exit-code.ts'
import { usage } from './parse.ts'
import { placeWords } from './place.ts'
import { wholeJournal, type Reads } from './reads.ts'
import { printableView } from './printable.ts'
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
      const found = await findKey(reads, key)
      const causes = await collect(reads, found)
      const tree = causalTree(causes)
      const { paint, columns, clock } = terminal
      const style = { now: clock.now(), paint, columns, place: placeWords(given) }
      const { runs, events } = causes
      if (causes.isCut) terminal.note('There is more than one answer can hold; this is the beginning of it.')
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
    } finally {
      await reads.close()
    }
    return EXIT.ok
  },
}

/** What there is of a key. @throws KEY_UNKNOWN, USAGE when several fields have the value. */
async function findKey(reads: Reads, key: string): Promise<KeyView> {
  const { field, value } = splitKey(key)
  if (key.includes(':') && isField(field)) {
    const named = await reads.key(field, value)
    if (!isEmpty(named)) return named
  }
  // A value may hold a colon itself.
  const found: KeyView[] = []
  for (const name of await reads.fields()) {
    const view = await reads.key(name, key)
    if (!isEmpty(view)) found.push(view)
  }
  const [only, second] = found
  if (only === undefined) throw fault('KEY_UNKNOWN', { key })
  if (second === undefined) return only
  const names = found.map((view) => `${view.field}:${key}`).join(', ')
  throw usage(why, `Several keys have the value "${key}": ${names}. Name one.`)
}

function isEmpty({ runs, events }: KeyView): boolean {
  return runs.length === 0 && events.length === 0
}

/** The causal graphs that the key is part of, with the journals of their runs. */
async function collect(reads: Reads, key: KeyView): Promise<Causes & { readonly isCut: boolean }> {
  const runs = new Map<string, RunView>()
  const events = new Map<string, EventView>()
  let isCut = false
  const add = (graph: Related): void => {
    isCut ||= graph.more === true
    for (const run of graph.runs) runs.set(run.id, run)
    for (const event of graph.events) events.set(`${event.source} ${event.id}`, event)
  }
  add(key)
  const roots = new Set([...key.runs.map(({ root }) => root), ...key.events.map(({ correlationid }) => correlationid)])
  for (const root of roots) add(await reads.graph(root))
  const journals = new Map<string, readonly JournalView[]>()
  for (const id of runs.keys()) journals.set(id, (await wholeJournal(reads, id)) ?? [])
  return { runs: [...runs.values()], events: [...events.values()], journals, isCut }
}
