// The exit codes of the command, in one place: every one is derived from the error catalogue (family and HTTP status),
// so that a new error has its exit code without a line here. docs/reference/cli.md lists them; a script may rely on
// them as on the API.
import { catalogue, fault, type ErrorCode } from '../core/errors.ts'
import type { RunStatus } from '../core/store-queries.ts'

/** What the command ends with. */
export const EXIT = {
  /** Done. */
  ok: 0,
  /** A run failed or was cancelled, a check found faults, or something unexpected happened. */
  failed: 1,
  /** The command line or the input is wrong: mend it. */
  usage: 2,
  /** There is no such run, key or store. */
  missing: 3,
  /** It exists with other content, has ended, or is in use. */
  conflict: 4,
  /** Not now: nothing answers, or the time to wait is over. The same command may succeed later. */
  unavailable: 5,
  /** The run is stuck and waits for a person; or a replay found one that would be. */
  stuck: 6,
  /** A rule of the engine was broken: a bug of ours. */
  bug: 70,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Errors that say that a run is parked, not that a request was wrong. */
const parked: ReadonlySet<string> = new Set<ErrorCode>([
  'RUN_THREW',
  'RUN_DIVERGED',
  'RUN_POISONED',
  'FOREIGN_AWAIT',
  'OP_ID_REPEATED',
  'CHILD_ID_TOO_LONG',
  'CODE_MISSING',
  'OUTCOME_UNDECLARED',
  'HEARTBEAT_UNDECLARED',
  'RUN_POISONED',
  'RUN_TOO_LONG',
  'CONTINUE_REFUSED',
])

/** The exit code for an error. `status` counts for a code that this version does not know. */
export function exitCodeOf(code: string, status: number): ExitCode {
  if (!isCode(code)) return exitCodeOfStatus(status)
  if (parked.has(code)) return EXIT.stuck
  const known = fault(code)
  switch (known.family) {
    case 'bug':
      return EXIT.bug
    case 'retry':
      return EXIT.unavailable
    case 'fix':
      return EXIT.usage
    case 'final':
      return known.status === 404 || known.status === 410
        ? EXIT.missing
        : known.status === 409
          ? EXIT.conflict
          : EXIT.failed
  }
}

/** The exit code for how a run stands after it was waited for. */
export function exitCodeOfRun(status: RunStatus): ExitCode {
  switch (status) {
    case 'completed':
      return EXIT.ok
    case 'failed':
    case 'cancelled':
      return EXIT.failed
    case 'stuck':
      return EXIT.stuck
    case 'running':
      return EXIT.unavailable
  }
}

function exitCodeOfStatus(status: number): ExitCode {
  if (status === 404) return EXIT.missing
  if (status === 409) return EXIT.conflict
  if (status === 429 || (status > 500 && status < 600)) return EXIT.unavailable
  return status >= 400 && status < 500 ? EXIT.usage : EXIT.failed
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(catalogue, code)
}
