// docs/reference/cli.md against the command: every command, option and exit code stands there and nothing else does,
// every line that can be typed is understood, and every example with an output is run and gives that output.
import { spawn } from 'node:child_process'
import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EXIT } from '../../src/cli/exit-code.ts'
import { parse } from '../../src/cli/parse.ts'
import { commands } from '../../src/cli/run-command.ts'
import { Process, Sandbox } from './sandbox.ts'

const page = readFileSync(new URL('../../docs/reference/cli.md', import.meta.url), 'utf8')
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(([, text]) => text ?? '')

interface Example {
  readonly line: string
  readonly output: readonly string[]
}

/** The commands of a block with the lines that follow each. */
function examples(block: string): Example[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((text) => {
      const [line = '', ...output] = text.trimEnd().split('\n')
      return { line, output }
    })
}

/** The text without what differs from run to run: times, how long things took, and how wide a column is. */
function timeless(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, 'TIME')
    .replace(/\b\d+(\.\d+)?(ms|s|m)\b/g, 'LENGTH')
    .replace(/ {2,}/g, '  ')
}

/** `…` stands for anything in a line, and alone for any lines. */
function pattern(output: readonly string[]): RegExp {
  const lines = output.map((line) =>
    line === '…'
      ? '[^]*'
      : timeless(line)
          .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
          .replaceAll('…', '.*'),
  )
  return new RegExp(`^${lines.join('\n')}\n?$`)
}

/** The words of a line, for the little of a shell's grammar that the examples use. */
function words(line: string): string[] {
  return [...line.replace(/(;| 2>).*$/, '').matchAll(/'([^']*)'|(\S+)/g)]
    .map(([, quoted, word]) => quoted ?? word ?? '')
    .slice(1)
}

describe('what the page says', () => {
  it.each(commands.map((command) => [command.name, command] as const))(
    'has ballet %s with its options',
    (name, command) => {
      const section = page.match(new RegExp(`^### .*ballet ${name}\\b[^]*?(?=^##|(?![^]))`, 'm'))?.[0]
      expect(section).toBeDefined()
      const own = Object.entries(command.options).filter(
        ([option]) => !(name !== 'serve' && name !== 'dev' && ['url', 'store'].includes(option)),
      )
      const inherited = name === 'dev' ? ['store', 'port', 'host'] : []
      const documented = [...(section ?? '').matchAll(/^\| `--([a-z]+)/gm)].map(([, option]) => option)
      expect(documented).toEqual(own.map(([option]) => option).filter((option) => !inherited.includes(option)))
    },
  )

  it('has every exit code', () => {
    const documented = [...page.matchAll(/^\| (\d+) /gm)].map(([, code]) => Number(code))
    expect(documented).toEqual(Object.values(EXIT))
  })

  const typed = [
    ...blocks('sh').flatMap((block) => block.trim().split('\n')),
    ...blocks('console')
      .flatMap(examples)
      .map(({ line }) => line),
    ...commands.flatMap((command) => command.examples),
  ]
  it.each(typed)('shows a line that is understood: %s', (line) => {
    const [name = '', ...rest] = words(line)
    const command = commands.find((one) => one.name === name)
    const isUnderstood =
      command === undefined ? /ballet (--version|strat)/.test(line) : !parse(command, rest).flag('help')
    expect(isUnderstood).toBe(true)
  })
})

describe('what the page shows', () => {
  let box: Sandbox
  beforeAll(async () => {
    const app = blocks('ts')[0] ?? ''
    box = new Sandbox({
      'app.ts': app,
      'new.ts': app.replace('run.call(payment.charge(order))', "run.call(payment.charge(order), { id: 'card' })"),
      'bin/ballet': `#!/bin/sh\nexec "${process.execPath}" "${fileURLToPath(new URL('../../bin/ballet.js', import.meta.url))}" "$@"\n`,
    })
    chmodSync(join(box.folder, 'bin/ballet'), 0o755)
    await box.serve()
  })
  afterAll(() => box.remove())

  const shown = blocks('console').flatMap(examples)
  it.each(shown.map((example) => [example.line, example] as const))('%s', async (line, { output }) => {
    const { NO_COLOR: _noColor, FORCE_COLOR: _forceColor, ...env } = process.env
    const child = spawn('sh', ['-c', `exec 2>&1; ${line}`], {
      cwd: box.folder,
      env: { ...env, PATH: `${join(box.folder, 'bin')}:${env['PATH'] ?? ''}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const { stdout } = await new Process(child).ended
    expect(timeless(stdout)).toMatch(pattern(output))
  })
})
