// What is asked for at a node that does not have the shard, as it goes there as JSON: by way of an inbox, or to the owner itself.
// Written by elsewhere.ts, read by requests.ts.
import type { ConductRequest, PublishRequest, StartRequest } from '../define/application.ts'
import { madeOfData, madeOfInput, type Made } from './as-json.ts'
import type { AskedEvent } from './asked-event.ts'
import type { AskedStart } from './asked-start.ts'
import type { AskedConduct } from './conduct-flow.ts'
import type { Directory } from './directory.ts'
import type { Named } from './lying.ts'

/** With the names by which it is one request however often it comes. */
export type AskedBody = Partial<Named> & Made & Readonly<Record<string, unknown>>

export function startBody(directory: Directory, { birth }: AskedStart, request: StartRequest): AskedBody {
  const { id, hash, at, deadline, input: judged } = birth
  const { call, input, traceparent } = request
  const made = madeOfInput(directory, call, input, judged)
  return { call, input, ...made, id, hash, at: at ?? undefined, deadline: deadline ?? undefined, traceparent }
}

export function eventBody(directory: Directory, asked: AskedEvent, request: PublishRequest): AskedBody {
  const { id, source, hash } = asked
  const { type, data, cause, traceparent } = request
  return { type, data, ...madeOfData(directory, type, data, asked.data), id, source, hash, cause, traceparent }
}

export function conductBody(directory: Directory, { first }: AskedConduct, request: ConductRequest): AskedBody {
  const made = madeOfData(directory, first.type, request.data, first.data)
  return { ...request, ...made, id: first.id, source: first.source, isMade: first.given ? undefined : true }
}
