// What may be said at each door of an application, beside what is asked for or with it: the compiler holds these lists against the
// types, so that none is forgotten. Whatever else a program without types says is refused (untyped.ts), since a typo would
// silently do nothing, or more than was meant. Used by application-doors.ts.
import type {
  ActAllRequest,
  AnswerRequest,
  ConductRequest,
  FailRequest,
  InTransaction,
  PublishRequest,
  PublishSettings,
  RetryRequest,
  SignalRequest,
  SignalSettings,
  StartRequest,
  StartSettings,
  TriggerRequest,
} from '../define/application.ts'
import type { Reasoned } from '../define/reasoned.ts'
import type { ActAsidesRequest, AsidesRequest } from '../define/asides.ts'
import type { EventsRequest, FlowsRequest, RunsRequest } from '../define/reads.ts'
import type { Known } from './untyped.ts'

type InOrOut<Settings> = Known<Settings & Partial<InTransaction>>
type Paged = { readonly limit?: number; readonly cursor?: string }

const TX = { tx: 'other' } as const
/** Whatever it is, nobody is refused for it. */
const TRACED = { traceparent: 'other' } as const
const REASON: Known<Reasoned> = { by: 'other', why: 'other' }
const PAGE: Known<Paged> = { limit: 'other', cursor: 'other' }
const START: Known<StartSettings> = { id: 'text', at: 'other', deadline: 'other', ...TRACED }
const PUBLISH: Known<PublishSettings> = { id: 'text', source: 'text', ...TRACED }
const SIGNAL: Known<SignalSettings> = { id: 'text', ...TRACED }
const EVENT: Known<PublishRequest> = { type: 'other', data: 'other', ...PUBLISH, cause: 'text' }
const FILTER = { name: 'other', status: 'other', reason: 'other', kind: 'other', key: 'other', root: 'other' } as const

export const start: InOrOut<StartSettings> = { ...START, ...TX }
export const startNamed: Known<StartRequest> = { call: 'other', input: 'other', ...START }
export const publish: InOrOut<PublishSettings> = { ...PUBLISH, ...TX }
export const publishNamed: Known<PublishRequest> = EVENT
export const conduct: Known<PublishSettings> = PUBLISH
export const conductNamed: Known<ConductRequest> = { choreography: 'other', ...EVENT }
export const signal: InOrOut<SignalSettings> = { ...SIGNAL, ...TX }
export const signalNamed: Known<SignalRequest> = { run: 'other', name: 'other', data: 'other', ...SIGNAL }
export const cancel: Known<Reasoned> = REASON
export const trigger: Known<TriggerRequest> = { at: 'other', ...REASON }
export const retry: Known<RetryRequest> = { op: 'text', ...REASON }
export const answer: Known<AnswerRequest> = { op: 'other', value: 'other', ...REASON }
export const fail: Known<FailRequest> = { op: 'text', error: 'other', ...REASON }
export const actOnAll: Known<ActAllRequest> = {
  action: 'other',
  ...FILTER,
  limit: 'other',
  rehearse: 'other',
  ...REASON,
}
const ASIDE = { kind: 'text', name: 'text', version: 'text', unread: 'other', limit: 'other' } as const
export const asides: Known<AsidesRequest> = ASIDE
export const actOnAsides: Known<ActAsidesRequest> = { action: 'other', ...ASIDE, rehearse: 'other', ...REASON }
export const runs: Known<RunsRequest> = { ...FILTER, ...PAGE }
export const journal: Known<Paged> = PAGE
export const events: Known<EventsRequest> = { key: 'other', types: 'other', published: 'other', ...PAGE }
export const flows: Known<FlowsRequest> = { state: 'other', ...PAGE }
