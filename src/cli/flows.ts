// `ballet flows`: the flows of a choreography, one for each key, by how they stand; without a name, which there are.
import { nearest } from '../core/names.ts'
import type { FlowStanding } from '../core/store-queries.ts'
import type { FlowView } from '../core/views.ts'
import { PLACE_OPTIONS, type Command, type Given } from './command.ts'
import { findReader, findWriter } from './discovery.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { flowWords } from './flow-words.ts'
import { usage, wholeNumber } from './parse.ts'
import { printable, shownKey } from './printable.ts'
import { table } from './table.ts'
import { print, type Terminal } from './terminal.ts'
import { shownTime } from './times.ts'

const STATES: readonly FlowStanding[] = ['on track', 'may end', 'complete', 'broken', 'overdue']

export const flows: Command = {
  name: 'flows',
  about: 'List the flows of a choreography, one for each key, with what they wait for; or the choreographies.',
  words: [{ name: 'choreography', about: 'Its name; without it, the choreographies are listed.', optional: true }],
  options: {
    state: { value: '<state>', about: `${STATES.join(', ')}.` },
    limit: { value: '<count>', about: 'At most so many, 1 to 1000; default 50.' },
    cursor: { value: '<cursor>', about: 'Go on where the last list ended.' },
    ...PLACE_OPTIONS,
  },
  examples: ['ballet flows fulfilment --state overdue', 'ballet flows fulfilment --json'],
  async run(given, terminal) {
    const [name] = given.words
    if (name === undefined) return listChoreographies(given, terminal)
    const state = given.text('state')
    const request = {
      state: state === undefined ? undefined : stateOf(state),
      limit: wholeNumber(flows, given, 'limit', 1000),
      cursor: given.text('cursor'),
    }
    const reads = await findReader(given, terminal)
    try {
      const page = await reads.flows(name, request)
      print(terminal, given.flag('json'), page, () => (page.items.length === 0 ? [] : lines(page.items, terminal)))
      if (page.items.length === 0) terminal.note('No flow fits.')
      if (page.cursor !== undefined) terminal.note(`There are more: --cursor ${printable(page.cursor)}`)
    } finally {
      await reads.close()
    }
    return EXIT.ok
  },
}

/** The choreographies of the running application: a store alone does not know them. @throws USAGE with what belongs to one */
async function listChoreographies(given: Given, terminal: Terminal): Promise<ExitCode> {
  const option = ['state', 'limit', 'cursor'].find((name) => given.flag(name))
  if (option !== undefined) throw usage(flows, `--${option} belongs to one choreography; name it.`)
  const client = await findWriter(given, terminal)
  const { choreographies } = await client.app()
  print(terminal, given.flag('json'), choreographies, () => choreographies.map(({ name }) => printable(name)))
  if (choreographies.length === 0) terminal.note('The application has no choreography.')
  return EXIT.ok
}

function stateOf(text: string): FlowStanding {
  const state = STATES.find((name) => name === text)
  if (state === undefined)
    throw usage(flows, `There is no state "${text}".${nearest(text, STATES)} They are ${STATES.join(', ')}.`)
  return state
}

function lines(items: readonly FlowView[], { paint, columns, clock }: Terminal): readonly string[] {
  const rows = items.map((flow) => [
    { text: shownKey(flow.key.value), colour: paint.bold },
    { text: shownTime(flow.began), colour: paint.dim },
    { text: flowWords(flow, clock.now()), colour: colourOf(flow.state, paint) },
  ])
  return table([items[0]?.key.field.toUpperCase() ?? 'KEY', 'BEGAN', 'STANDS'], rows, columns, paint)
}

function colourOf(state: FlowStanding, paint: Terminal['paint']): (text: string) => string {
  if (state === 'broken') return paint.red
  return state === 'overdue' ? paint.yellow : state === 'complete' ? paint.green : paint.cyan
}
