// Which traces are told of. The trace id alone decides, so that all nodes, and all lives of a process, say the same of one trace,
// and a trace is whole or not there at all.

/** Whether a trace is told of. */
export type Sampler = (trace: string) => boolean

/** The last 56 bits of a trace id are its chance; those of a computed one are as good as random. */
const CHANCE_DIGITS = 14
const CHANCES = 2 ** (4 * CHANCE_DIGITS)

/** @param ratio from 0, for none, to 1, for all. */
export function samplerOf(ratio: number): Sampler {
  if (ratio >= 1) return () => true
  if (ratio <= 0) return () => false
  const most = (1 - ratio) * CHANCES
  return (trace) => Number.parseInt(trace.slice(-CHANCE_DIGITS), 16) >= most
}
