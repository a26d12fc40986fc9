// What a command of the command line is: its name, its arguments and options, an example, and what it does. Parsing,
// help and the nearest name on a typo are made from this description alone (parse.ts, help.ts).
import type { ExitCode } from './exit-code.ts'
import type { Terminal } from './terminal.ts'

export interface OptionSpec {
  /** What stands after it: `<id>`, `<json|@file|->`. Absent: a flag. */
  readonly value?: string
  readonly about: string
  /** All that it can be, where that is known. */
  readonly oneOf?: readonly string[]
  /** May be given several times. */
  readonly many?: boolean
  /** The value may be left out, and is then this one; a following word belongs to it only when it matches. */
  readonly bare?: { readonly value: string; readonly matches: RegExp }
}

export interface ArgumentSpec {
  readonly name: string
  readonly about: string
  readonly optional?: boolean
  /** All that it can be, where that is known. */
  readonly oneOf?: () => readonly string[]
}

/** A command line as it was understood. */
export interface Given {
  /** The arguments in their order. */
  readonly words: readonly string[]
  /** The value of an option, or undefined. */
  text(name: string): string | undefined
  /** All values of an option that may be given several times. */
  all(name: string): readonly string[]
  flag(name: string): boolean
}

export interface Command {
  readonly name: string
  /** One sentence for the list of commands. */
  readonly about: string
  readonly words: readonly ArgumentSpec[]
  readonly options: Readonly<Record<string, OptionSpec>>
  /** Options of similar commands that this one has not, and what to do instead. */
  readonly absent?: Readonly<Record<string, string>>
  /** At least one line that can be typed. */
  readonly examples: readonly string[]
  /** Runs it. What it throws is reported by its caller. */
  readonly run: (given: Given, terminal: Terminal) => Promise<ExitCode>
}

/** Options of every command. */
export const GLOBAL_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  json: { about: 'Print JSON on stdout and nothing else there.' },
  help: { about: 'Show this help.' },
}

/** Options of every command that talks to an application. */
export const PLACE_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  url: { value: '<url>', about: 'The application, instead of looking for it; also BALLET_URL.' },
  store: { value: '<url>', about: 'The store whose application is meant; default: .ballet here or above.' },
}
