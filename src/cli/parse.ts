// Reads the words of a command line by the description of its command. `node:util` splits them into tokens; what is
// right and what is wrong is decided here, so that every mistake is named with the nearest option and no value is
// guessed: an option given twice, a flag with a value and a missing value are errors, not surprises.
import { parseArgs } from 'node:util'
import { fault, type BalletError } from '../core/errors.ts'
import { nearest } from '../core/names.ts'
import { GLOBAL_OPTIONS, type Command, type Given, type OptionSpec } from './command.ts'

const SHORT: Readonly<Record<string, string>> = { h: 'help' }

/** A command line error: what is wrong, and whose help explains it. */
export function usage(command: Pick<Command, 'name'>, problem: string): BalletError {
  return fault('USAGE', { problem: `${problem} See: ballet ${command.name} --help` })
}

/** What the words after the command's name mean. @throws USAGE */
export function parse(command: Command, argv: readonly string[]): Given {
  const options = { ...command.options, ...GLOBAL_OPTIONS }
  const { tokens } = parseArgs({
    args: fillBare(argv, options),
    options: Object.fromEntries(
      Object.entries(options).map(([name, option]) => [
        name,
        { type: option.value === undefined ? 'boolean' : 'string', multiple: true },
      ]),
    ),
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  const words: string[] = []
  const values = new Map<string, (string | true)[]>()
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    const name = token.rawName.startsWith('--') ? token.name : (SHORT[token.name] ?? token.name)
    const value = checked(command, options, { ...token, name })
    const before = values.get(name) ?? []
    if (before.length > 0 && options[name]?.many !== true) throw usage(command, `--${name} is given twice.`)
    values.set(name, [...before, value])
  }
  const text = (name: string): string | undefined => values.get(name)?.find((value) => value !== true)
  const given: Given = {
    words,
    text,
    all: (name) => (values.get(name) ?? []).filter((value) => value !== true),
    flag: (name) => values.has(name),
  }
  if (!given.flag('help')) checkWords(command, words)
  return given
}

interface OptionToken {
  readonly name: string
  readonly rawName: string
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
}

/** The value of one option as it was written: `true` for a flag. */
function checked(command: Command, options: Readonly<Record<string, OptionSpec>>, token: OptionToken): string | true {
  const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined
  const { absent = {} } = command
  const instead = Object.hasOwn(absent, token.name) ? absent[token.name] : undefined
  if (option === undefined && instead !== undefined)
    throw usage(command, `ballet ${command.name} has no option ${token.rawName}: ${instead}`)
  if (option === undefined) {
    const near = nearest(
      `--${token.name}`,
      Object.keys(options).map((name) => `--${name}`),
    )
    throw usage(command, `ballet ${command.name} has no option ${token.rawName}.${near}`)
  }
  const { value } = token
  if (option.value === undefined) {
    if (value !== undefined) throw usage(command, `--${token.name} takes no value.`)
    return true
  }
  if (value === undefined || value === '') throw usage(command, `--${token.name} needs a value: ${option.value}.`)
  if (token.inlineValue !== true && value.length > 1 && value.startsWith('-')) {
    throw usage(
      command,
      `--${token.name} needs a value: ${option.value}. If that is ${value}, write it as --${token.name}=${value}.`,
    )
  }
  return value
}

function checkWords(command: Command, words: readonly string[]): void {
  const missing = command.words.filter(({ optional }) => optional !== true)[words.length]
  if (missing !== undefined) throw usage(command, `ballet ${command.name} needs <${missing.name}>.`)
  const extra = words[command.words.length]
  if (extra === undefined) return
  const instead = (/^[[{@]/.test(extra) ? behindOption(command) : undefined) ?? 'quote a value that has spaces.'
  throw usage(command, `ballet ${command.name} does not take "${extra}"; ${instead}`)
}

/** JSON, or a file of it, goes behind an option, and behind the name nearly everybody writes it at first. */
function behindOption({ options }: Command): string | undefined {
  const [name, option] = Object.entries(options).find(([, { value }]) => value?.startsWith('<json') === true) ?? []
  const what = option?.about.replace(/[:.].*$/s, '').replace(/^./, (first) => first.toLowerCase())
  return what && `if that is ${what}, write --${name} in front of it.`
}

/** Writes the value of an option out where it may be left out: `--wait` becomes `--wait=30s`. */
function fillBare(argv: readonly string[], options: Readonly<Record<string, OptionSpec>>): string[] {
  const filled: string[] = []
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? ''
    if (word === '--') return [...filled, ...argv.slice(index)]
    const option = word.startsWith('--') && Object.hasOwn(options, word.slice(2)) ? options[word.slice(2)] : undefined
    if (option?.bare === undefined) {
      filled.push(word)
      continue
    }
    const next = argv[index + 1]
    const taken = next !== undefined && option.bare.matches.test(next)
    filled.push(`${word}=${taken ? next : option.bare.value}`)
    if (taken) index++
  }
  return filled
}

/** A whole number from 1 to `limit`, or undefined when the option is absent. @throws USAGE */
export function wholeNumber(
  command: Pick<Command, 'name'>,
  given: Given,
  name: string,
  limit: number,
  least = 1,
): number | undefined {
  const text = given.text(name)
  if (text === undefined) return undefined
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= least && number <= limit) return number
  throw usage(command, `--${name} must be a whole number from ${least} to ${limit}, not "${text}".`)
}
