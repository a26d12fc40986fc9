// `ballet completion`: a script that teaches a shell the commands and options. It is made from the descriptions of the
// commands, so that it knows what parser and help know; what cannot be known from them (a file, an id) is left to the
// shell's own completion of files.
import { GLOBAL_OPTIONS, type Command, type OptionSpec } from './command.ts'
import { EXIT } from './exit-code.ts'
import { usage } from './parse.ts'
import { print } from './terminal.ts'

const SHELLS = ['bash', 'zsh'] as const

/** The command, over all commands that there are; it is one of them itself. */
export function completionOf(all: () => readonly Command[]): Command {
  const completion: Command = {
    name: 'completion',
    about: 'Print a script that completes commands and options in bash or zsh.',
    words: [{ name: 'shell', about: 'bash or zsh.', oneOf: () => SHELLS }],
    options: {},
    examples: ['ballet completion bash', 'ballet completion zsh'],
    async run(given, terminal) {
      const shell = SHELLS.find((name) => name === given.words[0])
      if (shell === undefined)
        throw usage(completion, `There is no completion for "${given.words[0]}", only for bash and zsh.`)
      const script = shell === 'bash' ? bashScript(all()) : zshScript(all())
      print(terminal, given.flag('json'), { shell, script }, () => [script])
      return EXIT.ok
    },
  }
  return completion
}

const optionsOf = (command: Command): [string, OptionSpec][] =>
  Object.entries({ ...command.options, ...GLOBAL_OPTIONS })

/** A value that is, or can be, the path of a file. */
const IS_PATH = /file|folder|url/

/** What completes the value of an option in zsh: its words, files, or nothing. */
function zshValue({ value = '', oneOf }: OptionSpec): string {
  return oneOf === undefined ? (IS_PATH.test(value) ? '_files' : ' ') : `(${oneOf.join(' ')})`
}

/** The words that may stand after the command's name, when they are known. */
const choicesOf = ({ words }: Command): readonly string[] => words[0]?.oneOf?.() ?? []

/** For bash 3.2 and newer: the one of macOS has no associative arrays. */
export function bashScript(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    const names = optionsOf(command).map(([name]) => `--${name}`)
    const taking = optionsOf(command).filter(([, { value, bare }]) => value !== undefined && bare === undefined)
    const values = taking.map(([name]) => `--${name}`).join('|')
    const known = taking.flatMap(([name, { oneOf }]) =>
      oneOf === undefined
        ? []
        : [`        --${name}) COMPREPLY=($(compgen -W '${oneOf.join(' ')}' -- "$word")); return ;;`],
    )
    return [
      `    ${command.name})`,
      `      options='${names.join(' ')}'`,
      `      choices='${choicesOf(command).join(' ')}'`,
      ...(known.length === 0 ? [] : ['      case "$before" in', ...known, '      esac']),
      ...(values === '' ? [] : [`      case "$before" in ${values}) return ;; esac`]),
      '      ;;',
    ].join('\n')
  })
  return `# Completion of ballet for bash. Made by: ballet completion bash
_ballet() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" options='' choices=''
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${[...commands.map(({ name }) => name), '--help', '--version'].join(' ')}' -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    *) return ;;
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *) if [ "$COMP_CWORD" -eq 2 ]; then COMPREPLY=($(compgen -W "$choices" -- "$word")); fi ;;
  esac
}
complete -o default -F _ballet ballet`
}

export function zshScript(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    const specs = optionsOf(command).map(([name, spec]) => {
      const { about, value, bare, many } = spec
      const end = value === undefined ? '' : `${bare === undefined ? '' : ':'}:${zshText(value)}:${zshValue(spec)}`
      return zshQuoted(`${many === true ? '*' : ''}--${name}[${zshText(about)}]${end}`)
    })
    const words = command.words.map(({ name, oneOf }, index) => {
      const known = oneOf?.()
      return zshQuoted(`${index + 1}:${zshText(name)}:${known === undefined ? '_files' : `(${known.join(' ')})`}`)
    })
    return [`    ${command.name})`, `      _arguments ${[...specs, ...words].join(' \\\n        ')}`, '      ;;'].join(
      '\n',
    )
  })
  return `#compdef ballet
# Completion of ballet for zsh. Made by: ballet completion zsh
_ballet() {
  local -a commands
  commands=(
${commands.map(({ name, about }) => `    ${zshQuoted(`${name}:${zshText(about)}`)}`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT -= 1 ))
  case $command in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _ballet ]]; then _ballet "$@"; else compdef _ballet ballet; fi`
}

/** A description in which nothing ends the part that it stands in. */
function zshText(text: string): string {
  return text.replace(/[[\]:\\]/g, String.raw`\$&`)
}

function zshQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
