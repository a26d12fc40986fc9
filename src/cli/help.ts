// The help texts, made from the descriptions of the commands: nothing is written twice, so that help and parser agree.
import { GLOBAL_OPTIONS, type Command, type OptionSpec } from './command.ts'
import type { Paint } from './paint.ts'

/** What the commands are. */
export function overview(commands: readonly Command[], version: string, paint: Paint): readonly string[] {
  const [first] = commands
  return [
    `${paint.bold('ballet')} ${version}: durable coordination of services, by workflows and by reactions to events`,
    '',
    ...section(
      'Commands',
      commands.map((command) => [command.name, command.about]),
      paint,
    ),
    '',
    ...section('Options', [['--version', 'Show the version.'], ...optionRows(GLOBAL_OPTIONS)], paint),
    '',
    `ballet <command> --help explains one of them. Begin with: ${first?.examples[0] ?? ''}`,
  ]
}

/** One command with its words, options and examples. */
export function commandHelp(command: Command, paint: Paint): readonly string[] {
  const words = command.words.map(({ name, optional }) => (optional === true ? ` [${name}]` : ` <${name}>`)).join('')
  return [
    `${paint.bold(`ballet ${command.name}${words}`)} [options]`,
    '',
    command.about,
    '',
    ...(command.words.length === 0
      ? []
      : [
          ...section(
            'Words',
            command.words.map(({ name, about }) => [name, about]),
            paint,
          ),
          '',
        ]),
    ...section('Options', optionRows({ ...command.options, ...GLOBAL_OPTIONS }), paint),
    '',
    paint.bold(command.examples.length === 1 ? 'Example' : 'Examples'),
    ...command.examples.map((example) => `  ${example}`),
  ]
}

function optionRows(options: Readonly<Record<string, OptionSpec>>): [string, string][] {
  return Object.entries(options).map(([name, { value, bare, about, many }]) => {
    const after = value === undefined ? '' : bare === undefined ? ` ${value}` : ` [${value}]`
    return [`--${name}${after}`, many === true ? `${about} May be given several times.` : about]
  })
}

function section(title: string, rows: readonly (readonly [string, string])[], paint: Paint): string[] {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
  return [paint.bold(title), ...rows.map(([name, about]) => `  ${name.padEnd(width)}${about}`)]
}
