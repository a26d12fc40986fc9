// An error as the command shows it: the code of the catalogue, what happened, what to do. Whatever is thrown inside a
// command ends here, and here alone is decided what a person and what a script sees of it.
import { isBalletError } from '../core/errors.ts'
import { EXIT, exitCodeOf, type ExitCode } from './exit-code.ts'
import { printable } from './printable.ts'
import { print, type Terminal } from './terminal.ts'

export interface Problem {
  readonly code: string
  readonly status: number
  readonly detail: string
  readonly hint: string
}

/** An error that an application answered with: its code may be one that this version does not know. */
export class RemoteError extends Error {
  override readonly name: string = 'RemoteError'
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail)
    this.problem = problem
  }
}

/** What is shown of something that was thrown. */
function problemOf(thrown: unknown, place: string): Problem {
  if (thrown instanceof RemoteError) return { ...thrown.problem, hint: hintHere(thrown.problem, place) }
  if (isBalletError(thrown))
    return {
      code: thrown.code,
      status: thrown.status,
      detail: thrown.message,
      hint: hintHere({ code: thrown.code, detail: thrown.message, hint: thrown.hint }, place),
    }
  const detail = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
  return { code: 'UNEXPECTED', status: 500, detail, hint: 'This is not expected. Report it with the lines above.' }
}

/** Hints that are other ones for whoever sits at a command line. */
const OWN_HINTS: Readonly<Record<string, string>> = {
  TOKEN_REQUIRED: 'Set BALLET_TOKEN to the token that the server was started with, or to an API key.',
}

/** Commands in a hint. */
const COMMANDS = /ballet (?:runs|events|flows(?: (?!lists)\S+)?|why \S*[^\s.]|show \S+)/g

/** A hint for callers of the API, in the words of the command line: its commands name the application that was meant. */
function hintHere({ code, detail, hint }: Omit<Problem, 'status'>, place: string): string {
  // Where to look stands in the message.
  if (code === 'USAGE' && detail.includes(' See: ballet ')) return ''
  return (OWN_HINTS[code] ?? hint)
    .replaceAll(/, and app\.\w+\(\) in a program/g, '')
    .replaceAll('GET /api/runs', 'ballet runs')
    .replaceAll(/GET \/api\/choreographies\/[^/\s]+\/(\S*[^\s.])/g, 'ballet why $1')
    .replaceAll(/GET \/api\/choreographies\/(\S+)/g, 'ballet flows $1')
    .replaceAll('GET /api/choreographies', 'ballet flows')
    .replaceAll(COMMANDS, (command) => `${command}${place}`)
}

/**
 * Says on stderr what went wrong (and with --json on stdout as `{"error": ...}`); returns the exit code. `place` stands
 * behind the commands in a hint (place.ts).
 */
export function report(thrown: unknown, terminal: Terminal, json: boolean, place = ''): ExitCode {
  const problem = problemOf(thrown, place)
  const { red, dim } = terminal.notePaint
  terminal.note(`${red('error')} ${printable(problem.detail)}`)
  if (problem.hint !== '') terminal.note(`${dim('hint ')} ${printable(problem.hint)}`)
  if (problem.code !== 'USAGE') terminal.note(dim(`code  ${printable(problem.code)}`))
  if (json) print(terminal, true, { error: problem }, () => [])
  return problem.code === 'UNEXPECTED' ? EXIT.failed : exitCodeOf(problem.code, problem.status)
}
