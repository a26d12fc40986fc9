// The completion scripts in real shells: what bash offers for a word, and what zsh makes of a line when the tabulator is
// pressed in a terminal. A shell that is not installed is skipped, which the report shows.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { GLOBAL_OPTIONS } from '../../src/cli/command.ts'
import { bashScript, zshScript } from '../../src/cli/completion.ts'
import { commands } from '../../src/cli/run-command.ts'
import { Sandbox } from './sandbox.ts'

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0
const names = commands.map(({ name }) => name)
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-completion-'))
  writeFileSync(join(folder, 'bash'), bashScript(commands))
  writeFileSync(join(folder, 'zsh'), zshScript(commands))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('bash', () => {
  beforeEach((context) => context.skip(!has('bash'), 'bash is not installed'))

  /** What is offered for the last of these words. */
  function offered(...words: readonly string[]): string[] {
    const line = ['ballet', ...words].map((word) => `'${word}'`).join(' ')
    const ask = `COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _ballet; printf '%s\\n' "\${COMPREPLY[@]}"`
    const script = `set -u; source ${join(folder, 'bash')}; complete -p ballet >/dev/null || exit 1; set +u; ${ask}`
    return execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8' })
      .split('\n')
      .filter((word) => word !== '')
  }

  it('offers the commands', () => {
    expect(offered('')).toEqual([...names, '--help', '--version'])
    expect(offered('re')).toEqual(['retry', 'resume', 'replay'])
    expect(offered('nothing')).toEqual([])
  })

  it.each(commands)('offers the options of $name', ({ name, options }) => {
    const all = Object.keys({ ...options, ...GLOBAL_OPTIONS }).map((option) => `--${option}`)
    expect(offered(name, '-')).toEqual(all)
    expect(offered(name, 'word', '--js')).toEqual(['--json'])
  })

  it('offers known words, and nothing where a value stands or a file may', () => {
    expect(offered('help', 'compl')).toEqual(['completion'])
    expect(offered('completion', '')).toEqual(['bash', 'zsh'])
    expect(offered('runs', '--status', 'c')).toEqual(['completed', 'cancelled'])
    expect(offered('retry', '--all', '--reason', 'th')).toEqual(['threw'])
    expect(offered('start', '--input', '')).toEqual([])
    expect(offered('serve', '')).toEqual([])
    expect(offered('starrt', '-')).toEqual([])
  })
})

describe('zsh', () => {
  it('completes commands, options and known words', (context) => {
    context.skip(!has('zsh'), 'zsh is not installed')
    const lines: readonly (readonly [typed: string, made: string])[] = [
      ['ballet sta', 'start'],
      ['ballet help compl', 'help completion'],
      ['ballet completion z', 'completion zsh'],
      ['ballet start checkout --in', 'start checkout --input'],
      ['ballet start --dead', 'start --deadline'],
      ['ballet runs --reason thr', 'runs --reason threw'],
      ...names.map((name) => [`ballet ${name} --js`, `${name} --json`] as const),
    ]
    const asks = lines.map(
      ([typed]) => `zpty -w -n z $'${typed}\\t\\n'; zpty -r z line '*GOT<*>*'; print -r -- "$line"`,
    )
    const setup = [
      `PS1=; autoload -U compinit; compinit -u -D; source ${join(folder, 'zsh')}`,
      'ballet() { print -r -- "GOT<$*>" }; bindkey "^I" complete-word; print REA""DY',
    ].join('; ')
    writeFileSync(
      join(folder, 'ask'),
      ['zmodload zsh/zpty', 'zpty z zsh -f -i', `zpty -w z '${setup}'`, "zpty -r z line '*READY*'", ...asks].join('\n'),
    )
    const told = execFileSync('zsh', ['-f', join(folder, 'ask')], { encoding: 'utf8', timeout: 15_000 })
    expect([...told.matchAll(/GOT<(.*)>/g)].map(([, made]) => made)).toEqual(lines.map(([, made]) => made))
  })
})

it('prints the script of a shell, and knows no other shell', async () => {
  const box = new Sandbox({})
  try {
    expect(await box.run(['completion', 'bash'])).toEqual({ code: 0, stdout: `${bashScript(commands)}\n`, stderr: '' })
    const json = await box.json(['completion', 'zsh'])
    expect(json).toMatchObject({ code: 0, value: { shell: 'zsh', script: zshScript(commands) } })
    expect(await box.json(['completion', 'fish'])).toMatchObject({ code: 2, value: { error: { code: 'USAGE' } } })
  } finally {
    await box.remove()
  }
})
