// A JSON value from the command line: written out, in a file (`@order.json`), or on stdin (`-`). It is parsed here only
// to say early what is wrong; what the application accepts is decided by its schemas.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fault, isBalletError } from '../core/errors.ts'
import { parseJson } from '../core/json-guard.ts'
import type { Json } from '../core/json.ts'
import type { Command } from './command.ts'
import { usage } from './parse.ts'
import type { Terminal } from './terminal.ts'

/** The value that `text` gives. @throws USAGE for a file that cannot be read, JSON_MALFORMED. */
export async function readInput(
  command: Pick<Command, 'name'>,
  option: string,
  text: string,
  terminal: Terminal,
): Promise<Json> {
  const source = text === '-' ? 'stdin' : text.startsWith('@') ? text.slice(1) : `--${option}`
  try {
    const json =
      text === '-'
        ? decode(await terminal.input())
        : text.startsWith('@')
          ? file(command, option, text.slice(1), terminal)
          : text
    return parseJson(json)
  } catch (error) {
    if (!isBalletError(error) || error.code !== 'JSON_MALFORMED') throw error
    const quotes = source.startsWith('--') ? '; in a shell, put it in single quotes' : ''
    throw fault('JSON_MALFORMED', { problem: `${String(error.details['problem'])} (in ${source}${quotes})` }, error)
  }
}

function file(command: Pick<Command, 'name'>, option: string, path: string, terminal: Terminal): string {
  const absolute = resolve(terminal.cwd, path)
  let bytes: Uint8Array
  try {
    bytes = readFileSync(absolute)
  } catch (error) {
    throw usage(
      command,
      `--${option}: ${absolute} cannot be read (${error instanceof Error ? error.message : String(error)}).`,
    )
  }
  return decode(bytes)
}

/** UTF-8, with or without a byte order mark; anything else is refused rather than mended. */
function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw fault('JSON_MALFORMED', { problem: 'it is not UTF-8' }, error)
  }
}
