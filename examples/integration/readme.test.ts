// README.md is true: a real process is started as it says, its commands are run in their order, and each answers as it stands there. In the end
// the process is killed in the middle of a deal, and goes on.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const page = readFileSync(new URL('./README.md', import.meta.url), 'utf8')
const blocks = [...page.matchAll(/```console\n([^]*?)```/g)].map(([, block = '']) => block)
const commands = blocks.flatMap((block) =>
  block.split(/^\$ /m).flatMap((text) => {
    const [command = '', ...output] = text.trim().split('\n')
    return command === '' ? [] : [{ command, output: output.join('\n') }]
  }),
)

interface Started {
  readonly child: ChildProcess
  /** Resolves with the first line, of those that came or will come, that holds a text. */
  readonly line: (text: string) => Promise<string>
  /** The address of each part, by its port in the README. */
  readonly addresses: ReadonlyMap<string, string>
}
let folder: string
let running: Started

async function start(): Promise<Started> {
  const child = spawn(process.execPath, [join(repository, 'examples/integration/start.ts')], {
    cwd: folder,
    env: { ...process.env, PORT: '0', ATTEMPTS: '3' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const heard = new Set<() => void>()
  const take = (line: string): void => {
    lines.push(line)
    for (const tell of heard) tell()
  }
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', take)
  child.once('close', (code) => take(`it has ended with ${code}: ${lines.slice(-5).join('\n')}`))
  const line = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.find((one) => one.includes(text))
        const ended = lines.find((one) => one.startsWith('it has ended'))
        if (found === undefined && ended === undefined) return
        heard.delete(look)
        if (found === undefined) reject(new Error(ended))
        else resolve(found)
      }
      heard.add(look)
      look()
    })
  await line('Ctrl-C')
  const parts = ['application', 'crm', 'accounting', 'hr']
  const address = async (part: string): Promise<string> => /http:\S+/.exec(await line(`  ${part} `))?.[0] ?? ''
  const addresses = await Promise.all(
    parts.map(async (part, index) => [`localhost:${4400 + index}`, await address(part)] as const),
  )
  return { child, line, addresses: new Map(addresses) }
}

/** What a command prints. */
async function run(command: string): Promise<string> {
  let line = command.replace('npx ballet', `"${process.execPath}" "${join(repository, 'bin/ballet.js')}"`)
  for (const [port, address] of running.addresses) line = line.replace(port, address)
  return await new Promise((resolve) => {
    execFile('sh', ['-c', line], { cwd: folder }, (_error, stdout) => resolve(stdout.trim()))
  })
}

/** `…` stands for anything. */
const pattern = (text: string): RegExp =>
  new RegExp(
    `^${text
      .split('…')
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll(/ +/g, ' +'))
      .join('[^]*')}$`,
  )

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'integration-'))
  symlinkSync(join(repository, 'examples'), join(folder, 'examples'), 'dir')
  running = await start()
  // Nobody waits for limits and slow answers here; integration.test.ts does.
  for (const port of [4401, 4403]) await run(`curl -s -d '{}' localhost:${port}/manners`)
})
afterAll(async () => {
  if (running.child.exitCode === null && running.child.signalCode === null) {
    const gone = once(running.child, 'exit')
    running.child.kill('SIGKILL')
    await gone
  }
  rmSync(folder, { recursive: true })
})

test.each(commands)('$command', async ({ command, output }) => {
  expect(output).not.toBe('')
  expect(await run(command)).toMatch(pattern(output))
})

test('killed when HR has made a project and has not answered: it goes on, and there is one of each', async () => {
  const before = running
  await run(`curl -s -d '{"silent":1}' localhost:4403/manners`)
  await run('curl -s -d @examples/integration/deal.json localhost:4401/deals')
  await run('curl -s -X POST localhost:4401/deals/D-1004/win')
  await before.line('POST /projects no answer')
  const gone = once(before.child, 'exit')
  before.child.kill('SIGKILL')
  await gone

  running = await start()
  expect(await running.line('recovered')).toContain('2 open runs go on')
  const everywhere: unknown = JSON.parse(await run("curl -s 'localhost:4400/deals/D-1004?wait'"))
  expect(everywhere).toMatchObject({
    crm: { invoiceNumber: '2026-0004' },
    accounting: [{ number: '2026-0004' }],
    hr: [{ externalReference: 'D-1004', state: 'planned' }],
    flow: { ending: 'won' },
  })
})

test('it ends when it is asked to', async () => {
  const ended = once(running.child, 'exit')
  running.child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
})
