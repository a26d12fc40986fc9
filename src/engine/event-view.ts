// An event as CloudEvents JSON. Used by queries.ts.
import { originOf } from '../core/caller.ts'
import { parseText } from '../core/json-text.ts'
import type { Json, JsonText } from '../core/json.ts'
import { splitKey } from '../core/names.ts'
import type { EventRow } from '../core/store.ts'
import type { EventView } from '../core/views.ts'

/** @param data of the row, decoded. */
export function eventView(row: EventRow, data: JsonText): EventView {
  const { value } = splitKey(row.key)
  const { cause, traceparent } = originOf(row.cause)
  return {
    specversion: '1.0',
    id: row.id,
    source: row.source,
    type: row.type,
    subject: value,
    time: new Date(row.at).toISOString(),
    datacontenttype: 'application/json',
    data: parseText(data) as Json,
    correlationid: row.root,
    ...(cause === null ? {} : { causationid: cause }),
    ...(traceparent === undefined ? {} : { traceparent }),
    partitionkey: value,
    sequence: String(row.pos).padStart(16, '0'),
    published: row.published,
  }
}
