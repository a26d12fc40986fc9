// Everything that a business key is part of, read for those who show it: `why` as a tree, `draw` as a picture.
import { fault } from '../core/errors.ts'
import { isField, splitKey } from '../core/names.ts'
import type { EventView, JournalView, KeyView, Related, RunView } from '../core/views.ts'
import type { Causes } from './causal-tree.ts'
import type { Command } from './command.ts'
import { usage } from './parse.ts'
import { wholeJournal, type Reads } from './reads.ts'

/** What there is of a key. @throws KEY_UNKNOWN, USAGE when several fields have the value. */
export async function findKey(reads: Reads, key: string, command: Pick<Command, 'name'>): Promise<KeyView> {
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
  throw usage(command, `Several keys have the value "${key}": ${names}. Name one.`)
}

function isEmpty({ runs, events }: KeyView): boolean {
  return runs.length === 0 && events.length === 0
}

/** The causal graphs that the key is part of, whole, with the journals of their runs. */
export async function causesOf(reads: Reads, key: KeyView): Promise<Causes> {
  const runs = new Map<string, RunView>()
  const events = new Map<string, EventView>()
  const add = (graph: Related): void => {
    for (const run of graph.runs) runs.set(run.id, run)
    for (const event of graph.events) events.set(`${event.source} ${event.id}`, event)
  }
  /** Page after page. */
  const addAll = async (first: Related, next: (cursor: string) => Promise<Related>): Promise<void> => {
    add(first)
    for (let { cursor } = first; cursor !== undefined;) {
      const page = await next(cursor)
      add(page)
      cursor = page.cursor
    }
  }
  await addAll(key, (cursor) => reads.key(key.field, key.value, cursor))
  const roots = new Set([
    ...[...runs.values()].map(({ root }) => root),
    ...[...events.values()].map(({ correlationid }) => correlationid),
  ])
  for (const root of roots) await addAll(await reads.graph(root), (cursor) => reads.graph(root, cursor))
  const journals = new Map<string, readonly JournalView[]>()
  for (const id of runs.keys()) journals.set(id, (await wholeJournal(reads, id)) ?? [])
  return { runs: [...runs.values()], events: [...events.values()], journals }
}
