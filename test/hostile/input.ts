// What an input is, and how the answer to one is judged: it is taken (2xx), or refused with a problem of the catalogue
// whose status is the one that it came with (4xx). Anything else is a fault, but for the few errors of 5xx that are
// documented for what was sent.
import { catalogue, type ErrorCode } from '../../src/core/errors.ts'
import type { Target } from './target.ts'
import type { Answer } from './wire.ts'

/** One sending of an input. */
export interface Attempt {
  readonly target: Target
  /** Letters and digits that no other attempt has: for ids and keys. */
  readonly tag: string
}

export interface Outcome {
  readonly verdict: 'taken' | 'refused' | 'ended'
  /** The code that it was refused with. */
  readonly code?: string
  readonly faults: readonly string[]
}

export interface Input {
  /** Where it goes: inputs of all places are sent in turn. */
  readonly place: string
  /** What it is. */
  readonly name: string
  /** Sent in every campaign, however short: it is not one of many of its kind. */
  readonly isAlways?: boolean
  attack(attempt: Attempt): Promise<Outcome>
}

/** @param documented codes of 5xx that may be the answer. */
export function judge(answer: Answer | undefined, documented: readonly ErrorCode[] = []): Outcome {
  if (answer === undefined) return fault('there was no answer')
  const { status, headers, body } = answer
  if (headers.has('x-injected')) return fault('a header was injected')
  if (status >= 200 && status < 300) return { verdict: 'taken', faults: [] }
  const code = codeOf(body)
  const isProblem = headers.get('content-type') === 'application/problem+json'
  if (!isProblem || code === undefined) return fault(`status ${status} without a problem: ${body.slice(0, 300)}`)
  const faults: string[] = []
  if (catalogue[code].status !== status) faults.push(`${code} with status ${status}`)
  if (status >= 500 && !documented.includes(code)) faults.push(`status ${status}, ${body.slice(0, 500)}`)
  return { verdict: 'refused', code, faults }
}

/** The error code in the body of a problem; undefined for anything else. */
function codeOf(body: string): ErrorCode | undefined {
  try {
    const { code, detail, status } = JSON.parse(body) as Record<string, unknown>
    const isKnown = typeof code === 'string' && Object.hasOwn(catalogue, code)
    return isKnown && typeof detail === 'string' && typeof status === 'number' ? (code as ErrorCode) : undefined
  } catch {
    return undefined
  }
}

/** The outcome of an input with which something is wrong. */
export function fault(problem: string): Outcome {
  return { verdict: 'ended', faults: [problem] }
}

/** An outcome with further faults. */
export function withFaults(outcome: Outcome, faults: readonly (string | undefined)[]): Outcome {
  return { ...outcome, faults: [...outcome.faults, ...faults.filter((one) => one !== undefined)] }
}
