// `ballet nodes`: the nodes that share a store, how much of it each owns, since when and until when, and what waits for it.
import type { AsideView, NodesView, NodeView } from '../core/node-views.ts'
import { PLACE_OPTIONS, type Command } from './command.ts'
import { findReader } from './discovery.ts'
import { EXIT } from './exit-code.ts'
import { printable } from './printable.ts'
import { table } from './table.ts'
import { print, type Terminal } from './terminal.ts'
import { shownTime } from './times.ts'

export const nodes: Command = {
  name: 'nodes',
  about: 'List the nodes that share the store, and who owns it.',
  words: [],
  options: PLACE_OPTIONS,
  examples: ['ballet nodes', 'ballet nodes --store postgres://shop@db.example/orders --json'],
  async run(given, terminal) {
    const reads = await findReader(given, terminal)
    try {
      const view = await reads.nodes()
      print(terminal, given.flag('json'), view, () => [
        ...(view.nodes.length === 0 ? [] : lines(view, terminal)),
        ...asideLines(view, terminal),
      ])
      const isOwned = view.nodes.some(({ state }) => state === 'owner')
      if (!isOwned) terminal.note('No node owns the store at the moment.')
    } finally {
      await reads.close()
    }
    return EXIT.ok
  },
}

function lines(view: NodesView, { paint, columns }: Terminal): readonly string[] {
  const colours = { owner: paint.green, standby: paint.cyan, leaving: paint.yellow, gone: paint.dim }
  const rows = view.nodes.map((node) => [
    { text: node.state, colour: colours[node.state] },
    { text: node.address === null ? '-' : printable(node.address), colour: paint.bold },
    { text: shownTime(node.began) },
    { text: `${node.shards} of ${view.shards.length}` },
    { text: sinceOf(node, view) },
    { text: String(waitingFor(node, view)) },
    { text: node.until === null ? '-' : shownTime(node.until) },
    { text: printable(`${node.version} (Ballet ${node.ballet})`) },
    { text: printable(node.id), colour: paint.dim },
  ])
  return table(
    ['STATE', 'ADDRESS', 'BEGAN', 'SHARDS', 'OWNER SINCE', 'WAITING', 'LEASE UNTIL', 'VERSION', 'NODE'],
    rows,
    Math.max(columns, 120),
    paint,
  )
}

/** What lies aside, and what there is to do about it. */
function asideLines({ aside = [] }: Partial<Pick<NodesView, 'aside'>>, { paint }: Terminal): readonly string[] {
  if (aside.length === 0) return []
  const isRefused = aside.some(({ again }) => again === 'owned anew')
  const isUnread = aside.some(({ again }) => again === 'by itself')
  return [
    '',
    paint.red(
      `${aside.reduce((sum, { rows }) => sum + rows, 0)} lie aside: they were acknowledged, and cannot be taken now`,
    ),
    ...aside.map((one) => `  ${printable(asideWords(one))}`),
    ...(isRefused ? ['What is refused is taken by a version that has it: start a node of one.'] : []),
    ...(isUnread ? ['What cannot be read is looked at again now and then: give a node its key, or see its log.'] : []),
    'ballet aside lists it one by one, shows what each says, tries it again, and drops it.',
  ]
}

function asideWords({ kind, name, version, again, rows, since, ids }: AsideView): string {
  const what = `${rows} ${kind} ${name ?? 'of which nothing can be read here'}`
  const from = version === null ? '' : ` of version ${version}`
  const why = again === 'owned anew' ? 'refused by the version that has the shard' : 'could not be read'
  return `${what}${from}, since ${shownTime(since)}, ${why}: ${ids.join(', ')}${rows > ids.length ? ' ...' : ''}`
}

/** Since when it has had what it had first of what it has now. */
function sinceOf({ id }: NodeView, { shards }: NodesView): string {
  const [since] = shards
    .flatMap((shard) => (shard.owner === id && shard.since !== null ? [shard.since] : []))
    .toSorted()
  return since === undefined ? '-' : shownTime(since)
}

/** What waits in the inboxes of its shards. */
function waitingFor({ id }: NodeView, { shards }: NodesView): number {
  return shards.reduce((sum, { owner, waiting }) => sum + (owner === id ? waiting : 0), 0)
}
