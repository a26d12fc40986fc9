// Everything that a business key is part of, read for those who show it: `why` as a tree, `draw` as a picture.
import { fault, isBalletError } from '../core/errors.ts'
import { isField, splitKey } from '../core/names.ts'
import type { EventView, JournalView, KeyView, Related, RunView } from '../core/views.ts'
import type { Causes } from './causal-tree.ts'
import type { Command } from './command.ts'
import { usage } from './parse.ts'
import { RemoteError } from './problem.ts'
import { wholeJournal, type Reads } from './reads.ts'
import { shellWord } from './why-waiting.ts'

/** Reads under way at once: an answer takes longer to come than to make. */
const AT_ONCE = 32

/** What there is of a key, or of the key of a run whose id it is. @throws KEY_UNKNOWN, USAGE when several fields have the value. */
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
  if (only === undefined) return ofRun(reads, key, command)
  if (second === undefined) return only
  const names = found.map((view) => `${view.field}:${key}`).join(', ')
  throw usage(command, `Several keys have the value "${key}": ${names}. Name one.`)
}

/** What there is of the key that a run has, for who gives the id of the run. @throws KEY_UNKNOWN, USAGE */
async function ofRun(reads: Reads, id: string, command: Pick<Command, 'name'>): Promise<KeyView> {
  // What cannot be an id, or is forgotten, is no run to look at.
  const run = await reads.run(id).catch(() => null)
  if (run === null) throw fault('KEY_UNKNOWN', { key: id })
  if (run.key !== null) return reads.key(run.key.field, run.key.value)
  throw usage(command, `"${id}" is a run, and has no business key. Look at the run: ballet show ${shellWord(id)}`)
}

function isEmpty({ runs, events, unreadable }: KeyView): boolean {
  return runs.length === 0 && events.length === 0 && unreadable === undefined
}

/** The causal graphs that the key is part of, whole, with the journals of their runs; `unread` says what of them cannot be read. */
export async function causesOf(reads: Reads, key: KeyView): Promise<Causes & { readonly unread: readonly string[] }> {
  const runs = new Map<string, RunView>()
  const events = new Map<string, EventView>()
  const unread = new Map<string, string>()
  const add = (graph: Related): void => {
    for (const run of graph.runs) runs.set(run.id, run)
    for (const event of graph.events) events.set(`${event.source} ${event.id}`, event)
    for (const { id, error } of graph.unreadable ?? []) unread.set(id, error.message)
  }
  for (const page of await pagesOf(key, (cursor) => reads.key(key.field, key.value, cursor))) add(page)
  const roots = new Set([
    ...[...runs.values()].map(({ root }) => root),
    ...[...events.values()].map(({ correlationid }) => correlationid),
  ])
  for (const some of few([...roots])) {
    const graphs = some.map(async (root) => pagesOf(await reads.graph(root), (cursor) => reads.graph(root, cursor)))
    for (const page of (await Promise.all(graphs)).flat()) add(page)
  }
  const journals = new Map<string, readonly JournalView[]>()
  for (const some of few([...runs.keys()])) {
    const read = some.map(async (id) => {
      try {
        journals.set(id, (await wholeJournal(reads, id)) ?? [])
      } catch (error) {
        // Encoded with a key that is gone: what it has called is not known, and the others are shown.
        if (codeOf(error) !== 'RUN_UNREADABLE') throw error
        unread.set(id, (error as Error).message)
      }
    })
    await Promise.all(read)
  }
  return { runs: [...runs.values()], events: [...events.values()], journals, unread: [...unread.values()] }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof RemoteError ? error.problem.code : isBalletError(error) ? error.code : undefined
}

/** The first page and those behind it. */
async function pagesOf(first: Related, next: (cursor: string) => Promise<Related>): Promise<readonly Related[]> {
  const pages = [first]
  for (let { cursor } = first; cursor !== undefined;) {
    const page = await next(cursor)
    pages.push(page)
    cursor = page.cursor
  }
  return pages
}

/** So many at once: a key may have a hundred thousand causes, and each is asked for alone. */
function few<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / AT_ONCE) }, (_, at) =>
    items.slice(at * AT_ONCE, (at + 1) * AT_ONCE),
  )
}
