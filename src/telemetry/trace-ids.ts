// The ids of traces and spans. They are computed from what is durable (the store, the namespace, where the causal graph began,
// the run and the place in it), never drawn: so a replay, another node and a second export arrive at the same span, and nobody
// has to keep which trace a run belongs to. Used by whoever makes spans, and by the engine for what it hands to operations.
import { hash } from 'node:crypto'
import { runRef } from '../core/ids.ts'

/** Where ids are computed: two stores, and two namespaces of one, have no id in common. */
export interface TraceSpace {
  readonly store: string
  readonly ns: string
}

/** An attempt at a call or a step of a run. */
export interface AttemptPlace {
  readonly run: string
  readonly generation: number
  readonly op: string
  /** How often a person had it tried again: then attempts are counted anew. */
  readonly round: number
  /** 1 for the first. */
  readonly attempt: number
}

const digest = ({ store, ns }: TraceSpace, ...place: readonly (string | number)[]): string =>
  hash('sha256', JSON.stringify([store, ns, ...place]), 'hex')

/** 32 hexadecimal digits: the trace of everything with this root, `run:<id>` or `event:<source>:<id>`. */
export const traceIdOf = (space: TraceSpace, root: string): string => digest(space, 'trace', root).slice(0, 32)

/** 16 hexadecimal digits: the span of a run or an event, by its reference. */
export const spanIdOf = (space: TraceSpace, ref: string): string => digest(space, 'span', ref).slice(0, 16)

/** That of an operation of a run: a call, a step, a wait. */
export const opSpanId = (space: TraceSpace, { run, generation, op }: Omit<AttemptPlace, 'round' | 'attempt'>): string =>
  digest(space, 'span', runRef(run), generation, op).slice(0, 16)

/** That of an attempt. */
export const attemptSpanId = (space: TraceSpace, { run, generation, op, round, attempt }: AttemptPlace): string =>
  digest(space, 'span', runRef(run), generation, op, round, attempt).slice(0, 16)

/** Header of W3C Trace Context, level 1, version 00. */
export const traceparent = (trace: string, span: string, isSampled: boolean): string =>
  `00-${trace}-${span}-${isSampled ? '01' : '00'}`
