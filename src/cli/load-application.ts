// Brings in the file that a person wrote: imports it and takes its default export, and what it says of how it is to run
// (`export const options`), which is what `open(...)` would be told. Whatever keeps it from being an
// application is told as one error with the true cause and its place; the file runs in this process, as `node` would
// run it.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync, writeSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { fault, isBalletError, type BalletError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import { isRecord } from '../core/json.ts'
import { nearest } from '../core/names.ts'
import type { ApplicationDefinition } from '../define/definition.ts'
import { refuse, refuseUnknownOptions } from '../define/refusal.ts'
import type { ApplicationOptions } from '../engine/open.ts'
import { EXIT } from './exit-code.ts'

/** What is in the file of an application. */
export interface LoadedApplication {
  readonly definition: ApplicationDefinition
  readonly options: ApplicationOptions
}

const OPTIONS: readonly (keyof ApplicationOptions)[] = [
  'namespace',
  'renamedFrom',
  'codec',
  'log',
  'liveRuns',
  'limits',
  'retention',
  'graceMs',
]

/** What to do about a file that is no application. */
const EXPORT = 'Its default export must be ballet({ ... }).'
const NAME = 'Name the file of the application, for example app.ts.'
const MEND =
  'Mend what it says, in that file, in what it imports or in the environment; the application was not looked at yet.'

/**
 * The application in a file.
 * @throws APP_INVALID with the cause and its place, DEFINITION_INVALID for its options; an error of the catalogue that the
 * file raises passes through.
 */
export async function loadApplication(path: string, cwd: string): Promise<LoadedApplication> {
  const file = resolve(cwd, path)
  const invalid = (problem: string, todo = EXPORT, cause?: unknown): BalletError =>
    fault('APP_INVALID', { path: file, problem, todo }, cause)
  if (!existsSync(file)) throw invalid(`there is no such file${nearFile(file)}`, NAME)
  if (statSync(file).isDirectory()) throw invalid('it is a folder', NAME)
  // A device could be read for ever.
  if (!statSync(file).isFile()) throw invalid('it is no file', NAME)
  let loaded: unknown
  // With nothing left to do a process ends in the middle of an `await`, and says that all went well; so may the file itself.
  const ended = (): void => {
    process.exitCode = EXIT.usage
    const { message } = invalid('the process ended while it was being loaded; it may await what never comes', MEND)
    writeSync(process.stderr.fd, `error ${message}\n`)
  }
  process.once('exit', ended)
  try {
    loaded = await import(pathToFileURL(file).href)
  } catch (error) {
    if (isBalletError(error)) throw error
    throw invalid(importProblem(error, file), MEND, error)
  } finally {
    process.off('exit', ended)
  }
  const module = isRecord(loaded) ? loaded : {}
  if (isApplication(module['default'])) return { definition: module['default'], options: optionsOf(module, file) }
  const named = Object.keys(module).find((name) => isApplication(module[name]))
  if (named !== undefined) throw invalid(`its application is exported as "${named}" and not as the default`)
  throw invalid('default' in module ? 'its default export is something else' : 'it has no default export')
}

/** What the file exports as `options`, none without it. The values are judged where the application is opened. */
function optionsOf(module: Readonly<Record<string, unknown>>, file: string): ApplicationOptions {
  const { options = {} } = module
  const what = `export const options of ${file}`
  const near = Object.keys(module).find((name) => nearest(name, ['options']) !== '')
  if (module['options'] === undefined && near !== undefined && isRecord(module[near]))
    refuse(what, `it is exported as "${near}"`)
  if (!isRecord(options)) refuse(what, 'it must be an object such as { limits, retention }')
  refuseUnknownOptions(options, OPTIONS, what)
  const { codec } = options
  if (
    codec !== undefined &&
    !(isRecord(codec) && [codec['encode'], codec['decode']].every((part) => typeof part === 'function'))
  )
    refuse(what, 'codec must have the functions encode and decode')
  return options
}

function isApplication(value: unknown): value is ApplicationDefinition {
  return (
    isRecord(value) &&
    value['kind'] === 'application' &&
    Array.isArray(value['services']) &&
    Array.isArray(value['workflows'])
  )
}

/** What an import failed with, and where. */
function importProblem(error: unknown, file: string): string {
  if (!(error instanceof Error)) return `it threw ${toFailure(error).message}`
  if (error instanceof SyntaxError) return `${syntaxPlace(error, file)}${error.message.trim().replace(/\.$/, '')}`
  if ('code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return error.message.split('\n')[0] ?? error.message
  const frame = error.stack
    ?.split('\n')
    .find((line) => /^\s+at .*file:\/\//.test(line) && !line.includes('/node_modules/'))
  return `it threw ${error.name}: ${error.message}${frame === undefined ? '' : ` (${frame.trim()})`}`
}

/** Where the syntax is wrong: Node puts the place above the stack, for JavaScript only when the error ends a process. */
function syntaxPlace(error: SyntaxError, file: string): string {
  const own = placeLines(error.stack ?? '')
  if (own !== '') return own
  const check = spawnSync(process.execPath, ['-e', 'import(process.argv[1])', pathToFileURL(file).href], {
    encoding: 'utf8',
    timeout: 10_000,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  return placeLines(check.stderr ?? '')
}

/** `path:line` with the line and the mark under it, to stand above the words. */
function placeLines(text: string): string {
  const lines = text.split('\n')
  const first = lines.findIndex((line) => /^(?:file:\/\/)?\/?.*\.[cm]?[jt]sx?:\d+$/.test(line))
  if (first === -1 || first > 2) return ''
  const end = lines.findIndex((line, index) => index > first && line.trim() === '')
  const shown = lines.slice(first, end === -1 ? first + 3 : Math.min(end, first + 4))
  return `\n${shown.map((line) => `  ${line}\n`).join('')}`
}

function nearFile(file: string): string {
  const folder = dirname(file)
  const near = existsSync(folder) ? /"(.*)"/.exec(nearest(basename(file), readdirSync(folder)))?.[1] : undefined
  return near === undefined ? '' : `, perhaps ${near}`
}
