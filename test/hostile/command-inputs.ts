// Inputs for the command line, made from the table of commands: each argument and each option of every command. They run
// in this process, over the function that the command itself runs, against the server that is attacked; those of commands
// that go on until they are told to end run as processes. A command may refuse or fail, with an exit code that is
// documented; it never throws, prints no stack, sends nothing to a terminal that the terminal would act on, and with
// --json prints JSON alone.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GLOBAL_OPTIONS, type Command } from '../../src/cli/command.ts'
import { EXIT } from '../../src/cli/exit-code.ts'
import { paintFor } from '../../src/cli/paint.ts'
import { commands, runCommand } from '../../src/cli/run-command.ts'
import { systemClock } from '../../src/engine/clock.ts'
import type { Input, Outcome } from './input.ts'
import { strings } from './strings.ts'

const launcher = fileURLToPath(new URL('../../bin/ballet.js', import.meta.url))
/** No system hands these to a program. */
const given = strings.filter(([, value]) => !value.includes('\0') && value.isWellFormed())

/** Commands that go on until they are told to end, and what of them is refused before they begin. */
const LASTING: ReadonlySet<string> = new Set(['dev', 'serve'])
const REFUSED_FIRST: ReadonlySet<string> = new Set(['port', 'json', 'help', 'an option'])
/** Arguments with which a command gets as far as it can. */
const FINE: Readonly<Record<string, string>> = {
  'app.ts': 'missing.ts',
  call: 'desk.echo',
  type: 'note.taken',
  run: 'nobody',
  name: 'said',
  key: 'noteId:n',
  op: 'desk.echo#0',
  shell: 'bash',
  command: 'runs',
}
/** What a command asks for besides, when it is not what is hostile. */
const NEEDED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  start: { input: '1' },
  publish: { data: '{"noteId":"n"}' },
  signal: { data: '1' },
  answer: { value: '1' },
  fail: { message: 'm' },
}
/** Options that belong to the form of a command for many runs; the others are of the form for one as well. */
const OF_ALL: ReadonlySet<string> = new Set(['name', 'reason', 'status', 'kind', 'key', 'root', 'limit'])

let made: string | undefined
/** Deep enough that no path up leads out of what is removed at the end. */
const workFolder = (): string => (made ??= makeFolder())

function makeFolder(): string {
  const top = mkdtempSync(join(tmpdir(), 'ballet-hostile-'))
  process.once('exit', () => rmSync(top, { recursive: true, force: true }))
  const folder = join(top, 'a/b/c/d/e')
  mkdirSync(folder, { recursive: true })
  return folder
}

/** Every input for the command line. */
export const commandInputs: readonly Input[] = commands.flatMap((command) => {
  const options = Object.entries({ ...command.options, ...GLOBAL_OPTIONS })
  return [
    ...command.words.flatMap(({ name }, at) =>
      inputs(command, `<${name}>`, (value) => [...words(command, at, value), ...needed(command)]),
    ),
    ...options.flatMap(([option, { value: takes }]) => {
      const isOfAll = 'all' in command.options && OF_ALL.has(option)
      const others = [...(isOfAll ? ['--all'] : words(command)), ...needed(command, option)]
      return inputs(command, option, (value) => [...others, `--${option}${takes === undefined ? '' : '='}${value}`])
    }),
    ...inputs(command, 'an option', (value) => [...words(command), ...needed(command), `--${value}`]),
  ]
})

function needed({ name }: Command, but?: string): readonly string[] {
  return Object.entries(NEEDED[name] ?? {}).flatMap(([option, value]) =>
    option === but ? [] : [`--${option}=${value}`],
  )
}

function words(command: Command, at = -1, value = ''): readonly string[] {
  return command.words.map(({ name }, index) => (index === at ? value : (FINE[name] ?? 'x')))
}

function inputs(command: Command, what: string, argv: (value: string) => readonly string[]): readonly Input[] {
  const place = `ballet ${command.name}, ${what}`
  const begins = (value: string): boolean => LASTING.has(command.name) && (value === '' || !REFUSED_FIRST.has(what))
  // A process costs a third of a second.
  const some = given.filter(([, value], at) => !begins(value) || value === '' || at % 20 === 0)
  return some.map(([name, value]) => ({
    place,
    name,
    async attack({ target }): Promise<Outcome> {
      const all = argv(value)
      if (begins(value)) return judgeProcess(await runProcess([command.name, ...all]))
      const isPlaced = 'url' in command.options && !all.some((word) => /^--(?:url|store)/.test(word))
      const rest = [...all, ...(isPlaced ? [`--url=http://127.0.0.1:${target.port}`] : [])]
      const plain = await run([command.name, ...rest])
      const json = await run([command.name, '--json', ...rest])
      const faults = [...faultsOf(plain), ...faultsOf(json), ...jsonFaults(json)]
      if (plain.code === EXIT.ok) return { verdict: 'taken', faults }
      return { verdict: 'refused', code: `exit ${plain.code}`, faults }
    },
  }))
}

interface Ran {
  readonly code: number | null
  readonly out: readonly string[]
  readonly note: readonly string[]
}

async function run(argv: readonly string[]): Promise<Ran> {
  const [out, note]: [string[], string[]] = [[], []]
  const code = await runCommand(argv, {
    out: (line) => void out.push(line),
    note: (line) => void note.push(line),
    input: () => Promise.resolve(Buffer.from('{"noteId":"n"}')),
    paint: paintFor(false, {}),
    notePaint: paintFor(false, {}),
    columns: 100,
    env: {},
    cwd: workFolder(),
    clock: systemClock,
  })
  return { code, out, note }
}

/** Runs a command as a process, and asks it to end once it says that it has begun. */
async function runProcess(argv: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [launcher, ...argv], { cwd: workFolder(), stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { out: '', note: '' }
  const hear = (name: 'out' | 'note') => (text: Buffer) => {
    said[name] += text.toString()
    // A second signal would end it at once.
    if (!child.killed && /watching|serves http/.test(said.out + said.note)) child.kill('SIGTERM')
  }
  child.stdout.on('data', hear('out'))
  child.stderr.on('data', hear('note'))
  const [code] = (await once(child, 'close')) as (number | null)[]
  return { code: code ?? null, out: [said.out], note: [said.note] }
}

function judgeProcess(ran: Ran): Outcome {
  const faults = faultsOf(ran)
  return ran.code === EXIT.ok
    ? { verdict: 'taken', faults }
    : { verdict: 'refused', code: `exit ${String(ran.code)}`, faults }
}

const CODES: ReadonlySet<number | null> = new Set(Object.values(EXIT))
// What a terminal acts on, or shows in another place than where it stands; lines are the output's own.
const ACTED = /(?!\n)[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

function faultsOf({ code, out, note }: Ran): readonly string[] {
  const said = [...out, ...note].join('\n')
  const acted = ACTED.exec(said)
  const isBug = code === EXIT.bug || /\n +at .*:\d+:\d+/.test(said) || said.includes('This is not expected')
  return [
    ...(CODES.has(code) ? [] : [`exit code ${String(code)}`]),
    ...(isBug ? [`a bug: ${said.slice(0, 600)}`] : []),
    ...(acted === null
      ? []
      : [`the terminal is sent ${JSON.stringify(said.slice(Math.max(0, acted.index - 40), acted.index + 20))}`]),
  ]
}

function jsonFaults({ out }: Ran): readonly string[] {
  return out.flatMap((line) => {
    try {
      JSON.parse(line)
      return []
    } catch {
      return [`--json printed ${JSON.stringify(line.slice(0, 200))}`]
    }
  })
}
