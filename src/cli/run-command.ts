// From the words of a command line to its exit code: finds the command, reads its words, runs it, reports what it
// throws. Everything that a command does goes through the terminal that it is given.
import { fault } from '../core/errors.ts'
import { nearest } from '../core/names.ts'
import { answer } from './answer.ts'
import { aside } from './aside.ts'
import { cancel } from './cancel.ts'
import { check } from './check.ts'
import type { Command } from './command.ts'
import { compare } from './compare.ts'
import { completionOf } from './completion.ts'
import { dev } from './dev.ts'
import { doctor } from './doctor.ts'
import { events } from './events.ts'
import { draw } from './draw.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { fail } from './fail.ts'
import { flows } from './flows.ts'
import { commandHelp, overview } from './help.ts'
import { init } from './init.ts'
import { key } from './key.ts'
import { nodes } from './nodes.ts'
import { pause } from './pause.ts'
import { resume } from './resume.ts'
import { schedules } from './schedules.ts'
import { trigger } from './trigger.ts'
import { parse } from './parse.ts'
import { placeWords } from './place.ts'
import { report } from './problem.ts'
import { conduct } from './conduct.ts'
import { publish } from './publish.ts'
import { replay } from './replay.ts'
import { retry } from './retry.ts'
import { runs } from './runs.ts'
import { serve } from './serve.ts'
import { show } from './show.ts'
import { balletVersion } from '../engine/ballet-version.ts'
import { signal } from './signal.ts'
import { start } from './start.ts'
import { print, type Terminal } from './terminal.ts'
import { why } from './why.ts'

const help: Command = {
  name: 'help',
  about: 'Show what the commands are, or one of them.',
  words: [
    {
      name: 'command',
      about: 'The command to explain.',
      optional: true,
      oneOf: () => commands.map(({ name }) => name),
    },
  ],
  options: {},
  examples: ['ballet help start'],
  async run(given, terminal) {
    const [name] = given.words
    if (name !== undefined && find(name) === undefined) throw unknown(name)
    return showHelp(name === undefined ? undefined : find(name), terminal, given.flag('json'))
  },
}

/** Every command, in the order in which help lists them. */
export const commands: readonly Command[] = [
  init,
  dev,
  serve,
  start,
  publish,
  conduct,
  signal,
  runs,
  show,
  why,
  events,
  flows,
  schedules,
  nodes,
  aside,
  cancel,
  retry,
  answer,
  fail,
  pause,
  resume,
  trigger,
  check,
  draw,
  compare,
  replay,
  key,
  doctor,
  completionOf(() => commands),
  help,
]

/** Runs a command line. Never throws. */
export async function runCommand(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [name, ...rest] = argv
  // Also before it is known what the words mean: a mistake in them is reported as JSON as well.
  const json = argv.includes('--json')
  let place = ''
  try {
    if (name === undefined || name === '--help' || name === '-h') return showHelp(undefined, terminal, json)
    if (name === '--version' || name === '-v') return showVersion(terminal, json)
    if (name.startsWith('-'))
      throw fault('USAGE', {
        problem: `The command comes first: ballet ${rest.find((word) => find(word) !== undefined) ?? 'runs'} ${name}.`,
      })
    const command = find(name)
    if (command === undefined) throw unknown(name)
    const given = parse(command, rest)
    place = placeWords(given)
    if (given.flag('help')) return showHelp(command, terminal, json)
    return await command.run(given, terminal)
  } catch (error) {
    return report(error, terminal, json, place)
  }
}

function find(name: string): Command | undefined {
  return commands.find((command) => command.name === name)
}

function unknown(name: string): Error {
  return fault('USAGE', {
    problem: `There is no command "${name}".${nearest(
      name,
      commands.map((command) => command.name),
    )}`,
  })
}

function showHelp(command: Command | undefined, terminal: Terminal, json: boolean): ExitCode {
  const described = command === undefined ? commands : [command]
  const value = described.map(({ run: _run, absent: _absent, ...description }) => description)
  print(terminal, json, command === undefined ? value : value[0], () =>
    command === undefined ? overview(commands, balletVersion(), terminal.paint) : commandHelp(command, terminal.paint),
  )
  return EXIT.ok
}

function showVersion(terminal: Terminal, json: boolean): ExitCode {
  print(terminal, json, { version: balletVersion(), node: process.versions.node }, () => [balletVersion()])
  return EXIT.ok
}
