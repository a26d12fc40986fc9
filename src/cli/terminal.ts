// What a command may touch of the process that it runs in: its two outputs, its input, environment, folder and clock.
// Results go to stdout, everything said about them to stderr; with --json, stdout holds JSON alone, one document a
// line. Made by main.ts; tests make their own.
import type { Clock } from '../core/clock.ts'
import type { Paint } from './paint.ts'
import { jsonLine } from './printable.ts'

export interface Terminal {
  /** A line on stdout. */
  readonly out: (line: string) => void
  /** A line on stderr, for people. */
  readonly note: (line: string) => void
  /** Everything that stands on stdin, as bytes. */
  readonly input: () => Promise<Uint8Array>
  readonly paint: Paint
  readonly notePaint: Paint
  /** Width of stdout; Infinity when it is no terminal. */
  readonly columns: number
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly clock: Clock
}

/** Prints a result: as JSON when it was asked for, else as lines. */
export function print(terminal: Terminal, json: boolean, value: unknown, lines: () => readonly string[]): void {
  if (json) terminal.out(jsonLine(value))
  else for (const line of lines()) terminal.out(line)
}
