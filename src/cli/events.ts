// `ballet events`: lists events, the oldest first, as they stand in the log.
import type { EventView } from '../core/views.ts'
import { PLACE_OPTIONS, type Command } from './command.ts'
import { findReader } from './discovery.ts'
import { EXIT } from './exit-code.ts'
import { tellUnknown, tellUnknownField } from './known-names.ts'
import { wholeNumber } from './parse.ts'
import { oneLine, preview, printable, shownKey } from './printable.ts'
import { table } from './table.ts'
import { print, type Terminal } from './terminal.ts'
import { shownTime } from './times.ts'

export const events: Command = {
  name: 'events',
  about: 'List events, the oldest first.',
  words: [],
  options: {
    key: { value: '<field:value>', about: 'Of one business key, for example orderId:8841.' },
    type: { value: '<type>', about: 'Of this type.', many: true },
    published: { about: 'Only those that were published: not the answers that a workflow kept.' },
    limit: { value: '<count>', about: 'At most so many, 1 to 1000; default 50.' },
    cursor: { value: '<cursor>', about: 'Go on where the last list ended.' },
    ...PLACE_OPTIONS,
  },
  examples: ['ballet events --key orderId:8841', 'ballet events --type payment.declined --limit 1000 --json'],
  async run(given, terminal) {
    const types = given.all('type').flatMap((value) => value.split(','))
    const limit = wholeNumber(events, given, 'limit', 1000)
    const reads = await findReader(given, terminal)
    try {
      const page = await reads.events({
        key: given.text('key'),
        cursor: given.text('cursor'),
        limit,
        published: given.flag('published') ? true : undefined,
        types: types.length === 0 ? undefined : types,
      })
      print(terminal, given.flag('json'), page, () => (page.items.length === 0 ? [] : lines(page.items, terminal)))
      for (const { error } of page.unreadable ?? []) terminal.note(oneLine(error.message))
      const isAll = page.unreadable === undefined
      if (page.items.length === 0 && isAll) terminal.note('No event fits.')
      const found = new Set(page.items.map(({ type }) => type))
      const missing = types.filter((type) => !found.has(type))
      if (isAll) await tellUnknown(reads, 'events', missing, terminal)
      if (page.items.length === 0 && isAll) await tellUnknownField(reads, given.text('key'), terminal)
      if (page.cursor !== undefined) terminal.note(`There are more: --cursor ${printable(page.cursor)}`)
    } finally {
      await reads.close()
    }
    return EXIT.ok
  },
}

function lines(items: readonly EventView[], { paint, columns }: Terminal): readonly string[] {
  const rows = items.map((event) => [
    { text: shownTime(event.time), colour: paint.dim },
    { text: event.type, colour: paint.cyan },
    { text: shownKey(event.subject) },
    { text: event.source },
    { text: event.published ? 'published' : 'kept' },
    { text: preview(event.data, columns) },
  ])
  return table(['AT', 'TYPE', 'KEY', 'SOURCE', 'SEEN', 'DATA'], rows, columns, paint)
}
