// `ballet draw`: pictures. Of an application: the flow of one of its choreographies, or the map of its services, as Mermaid
// text, which most places that show Markdown draw, or as an SVG image; nothing is started, the file is imported. Of a key: its
// sequence, as Mermaid text, read from the application or its store.
import { fault } from '../core/errors.ts'
import { nearest } from '../core/names.ts'
import type { ApplicationDefinition } from '../define/definition.ts'
import { flowChart } from '../define/draw/flow-chart.ts'
import type { Graph } from '../define/draw/graph.ts'
import { mermaid } from '../define/draw/mermaid.ts'
import { serviceMap } from '../define/draw/service-map.ts'
import { svg } from '../define/draw/svg.ts'
import { causalTree } from './causal-tree.ts'
import { PLACE_OPTIONS, type Command, type Given } from './command.ts'
import { findReader } from './discovery.ts'
import { EXIT } from './exit-code.ts'
import { causesOf, findKey } from './key-causes.ts'
import { loadApplication } from './load-application.ts'
import { ownOutputAside } from './own-output.ts'
import { usage } from './parse.ts'
import { oneLine } from './printable.ts'
import { sequence } from './sequence.ts'
import { print, type Terminal } from './terminal.ts'

const FORMATS = ['mermaid', 'svg'] as const
type Format = (typeof FORMATS)[number]

export const draw: Command = {
  name: 'draw',
  about: 'Draw the flow of a choreography, the map of the services, or the sequence of a key.',
  words: [
    { name: 'app.ts', about: 'File whose default export is ballet({ ... }); not needed with --key.', optional: true },
  ],
  options: {
    choreography: { value: '<name>', about: 'Its flow; without this option, the map of the services.' },
    key: { value: '<key>', about: 'What happened for orderId:8841, or 8841, as a sequence.' },
    format: { value: '<format>', about: 'mermaid (default), or svg of a flow or the map.' },
    ...PLACE_OPTIONS,
  },
  examples: [
    'ballet draw app.ts',
    'ballet draw app.ts --choreography fulfilment --format svg',
    'ballet draw --key orderId:8841',
  ],
  async run(given, terminal) {
    const format = formatOf(given)
    const text = given.text('key') === undefined ? await drawn(given, terminal, format) : await told(given, terminal)
    print(terminal, given.flag('json'), { format, text }, () => text.split('\n'))
    return EXIT.ok
  },
}

/** @throws USAGE for what cannot be drawn together. */
function formatOf(given: Given): Format {
  const text = given.text('format') ?? 'mermaid'
  const format = FORMATS.find((one) => one === text)
  if (format === undefined) throw usage(draw, `--format must be mermaid or svg, not "${text}".`)
  const isKey = given.text('key') !== undefined
  if (isKey && format === 'svg') throw usage(draw, 'The sequence of a key is drawn as mermaid only.')
  if (isKey && given.text('choreography') !== undefined)
    throw usage(draw, '--choreography and --key are two pictures; ask for one.')
  if (!isKey && given.words.length === 0) throw usage(draw, 'ballet draw needs <app.ts>, or --key.')
  return format
}

async function drawn(given: Given, terminal: Terminal, format: Format): Promise<string> {
  const { definition } = await ownOutputAside(() => loadApplication(given.words[0] ?? '', terminal.cwd))
  const graph = graphOf(definition, given.text('choreography'))
  return format === 'svg' ? svg(graph) : mermaid(graph)
}

function graphOf(definition: ApplicationDefinition, name: string | undefined): Graph {
  if (name === undefined) return serviceMap(definition)
  const choreography = definition.choreographies.find((one) => one.name === name)
  if (choreography !== undefined) return flowChart(choreography, definition)
  const names = definition.choreographies.map((one) => one.name)
  throw fault('CHOREOGRAPHY_UNKNOWN', { name, nearest: nearest(name, names) })
}

/** The sequence of a key. */
async function told(given: Given, terminal: Terminal): Promise<string> {
  const reads = await findReader(given, terminal)
  try {
    const key = await findKey(reads, given.text('key') ?? '', draw)
    const causes = await causesOf(reads, key)
    for (const words of causes.unread) terminal.note(oneLine(words))
    return sequence(`${key.field}:${key.value}`, causalTree(causes))
  } finally {
    await reads.close()
  }
}
