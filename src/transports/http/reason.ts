// What an error, or the reason of a signal that was aborted, says by its code. Used by the two ways to a service (ask.ts, desk.ts).

/** Empty where there is none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Whether the run has given the attempt up, and wants to know how it comes out: it may have to be taken back. */
export const isGivenUp = (signal: AbortSignal): boolean => codeOf(signal.reason) === 'CALL_ABORTED'
