// Whether a name that a list was narrowed to is one at all. What is misspelt fits nothing, and reads as if there were nothing to do:
// `ballet retry --all --name chekout` at night. So where nothing fits, it is looked up: in what the application is, which has names
// that no run has yet, and in the store, which has those of older versions. Said on stderr; nothing else changes.
import { nearest, splitKey } from '../core/names.ts'
import { cut, oneLine } from './printable.ts'
import type { KnownNames, Reads } from './reads.ts'
import type { Terminal } from './terminal.ts'

/** What a list is of: runs, events, or what lies aside, which may be any of these. */
export type Listed = 'runs' | 'events' | 'aside'

const WORDS: Readonly<Record<Listed, Readonly<Record<KnownNames['of'], string>>>> = {
  runs: {
    application: 'No workflow, operation, reaction or choreography has the name',
    store: 'No run in the store has the name',
  },
  events: { application: 'No event has the type', store: 'No event in the store has the type' },
  aside: {
    application: 'No workflow, operation, reaction, choreography, event or signal has the name',
    store: 'No run and no event in the store has the name',
  },
}

/** Characters of a name that are shown. */
const SHOWN = 80
/** Fields of keys that are shown. */
const FIELDS = 20

/** Says of each name to which nothing in a list fits whether it is none, and which is the nearest. */
export async function tellUnknown(
  reads: Pick<Reads, 'known' | 'runs' | 'events'>,
  listed: Listed,
  names: readonly (string | undefined)[],
  terminal: Terminal,
): Promise<void> {
  const given = names.filter((name) => name !== undefined)
  if (given.length === 0) return
  try {
    const known = await reads.known()
    const all = namesOf(known, listed)
    for (const name of given.filter((one) => !all.includes(one))) {
      if (await isStored(reads, listed, name)) continue
      terminal.note(oneLine(`${WORDS[listed][known.of]} "${cut(name, SHOWN)}".${nearest(name, all)}`))
    }
  } catch {
    // Whoever asks may not be allowed to read. What was asked for has been answered, and this is a hint.
  }
}

/** Says of a key to which nothing fits whether any key has its field, and which fields keys have: nothing is found by another field of an input. */
export async function tellUnknownField(
  reads: Pick<Reads, 'fields'>,
  key: string | undefined,
  terminal: Terminal,
): Promise<void> {
  if (key === undefined) return
  const { field } = splitKey(key)
  try {
    const fields = await reads.fields()
    if (fields.includes(field)) return
    const known = fields.length === 0 ? '' : ` Keys have ${fields.slice(0, FIELDS).join(', ')}.`
    terminal.note(oneLine(`No key here has the field "${cut(field, SHOWN)}".${nearest(field, fields)}${known}`))
  } catch {
    // As above: this is a hint.
  }
}

function namesOf({ runs, events, signals }: KnownNames, listed: Listed): readonly string[] {
  if (listed === 'aside') return [...runs, ...events, ...signals]
  return listed === 'runs' ? runs : events
}

/** Whether the store has any of that name, be it of an older version. */
async function isStored(reads: Pick<Reads, 'runs' | 'events'>, listed: Listed, name: string): Promise<boolean> {
  const { items, unreadable } =
    listed === 'events' ? { items: [], unreadable: undefined } : await reads.runs({ name, limit: 1 })
  if (items.length > 0 || unreadable !== undefined) return true
  return listed !== 'runs' && (await reads.events({ types: [name], limit: 1 })).items.length > 0
}
