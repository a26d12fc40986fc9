// What an editor shows: the compiler's own language server is asked for the hovers of a program. Everything that the doors
// export says what it is, what authors write says what it means, and correct code shows no words of a mistake.
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

/** A hover is asked for behind every mark. */
const MARK = '/*?*/'

const program = `import { ballet, event, open, operation, service, signal, workflow } from 'ballet'
import { z } from 'zod'
const order = z.object({ orderId: z.string() })
const Paid = event('paid', order, { key: 'orderId' })
const Cancel = signal('cancel', order)
const payment = service('payment', {
  charge: operation({ /*?*/input: order, /*?*/outcomes: [Paid], /*?*/run: (input) => Paid(input) }),
  refund: operation({ input: order, /*?*/undoes: 'charge', outcomes: [Paid], run: (input) => Paid(input) }),
})
const checkout = workflow('checkout', { /*?*/input: order, /*?*/output: order, /*?*/key: 'orderId', /*?*/signals: [Cancel] }, async (/*?*/run, input) => {
  await run./*?*/call(payment./*?*/charge(input), { /*?*/undo: payment./*?*/refund(input) })
  await run./*?*/receive([Cancel, Paid], { within: '1d' })
  return run./*?*/step('answer', (/*?*/context) => ({ orderId: context.idempotencyKey }))
})
const app = await open(ballet({ /*?*/services: [payment], /*?*/workflows: [checkout] }))
const { /*?*/id } = await app./*?*/start(/*?*/checkout({ orderId: '8841' }))
export const output = await app./*?*/result(id)
`

/** The parts of the doors that are values with members: each of these says what it does. */
const members: Readonly<Record<string, string>> = {
  application: 'src/define/application.ts',
  run: 'src/define/run.ts',
  log: 'src/define/definition.ts',
  context: 'src/define/definition.ts',
}
const interfaces: Readonly<Record<string, string>> = {
  application: 'Application',
  run: 'Run',
  log: 'Log',
  context: 'OperationContext',
}

/** The names of an interface's members, as its file writes them. */
function membersOf(file: string, name: string): readonly string[] {
  const text = readFileSync(join(root, file), 'utf8')
  const from = text.search(new RegExp(`^export interface ${name}\\b`, 'm'))
  const body = text.slice(from, text.indexOf('\n}', from))
  return [...new Set([...body.matchAll(/^ {2}(?:readonly )?(\w+)[(<:?]/gm)].map(([, member = '']) => member))]
}

/** The names that a door exports. */
function exportsOf(door: string): readonly string[] {
  const text = readFileSync(join(root, 'src', door), 'utf8').replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '')
  const listed = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names = '']) => names.split(','))
  const made = [...text.matchAll(/^export (?:interface|async function|function|const|type) (\w+)/gm)].map(
    ([, name = '']) => name,
  )
  return [...listed.map((name) => name.replace(/\btype\b/, '').trim()).filter((name) => name !== ''), ...made]
}

let server: ChildProcess
let asked = 0
let unread = Buffer.alloc(0)
const answers = new Map<number, (result: unknown) => void>()

function send(message: object): void {
  const text = JSON.stringify({ jsonrpc: '2.0', ...message })
  server.stdin?.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
}

function ask(method: string, params: object): Promise<unknown> {
  const id = ++asked
  return new Promise((resolve) => {
    answers.set(id, resolve)
    send({ id, method, params })
  })
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly result?: unknown
}

function read(bytes: Buffer): void {
  unread = Buffer.concat([unread, bytes])
  for (;;) {
    const header = unread.indexOf('\r\n\r\n')
    if (header < 0) return
    const length = Number(/Content-Length: (\d+)/.exec(unread.subarray(0, header).toString())?.[1])
    if (unread.length < header + 4 + length) return
    const message = JSON.parse(unread.subarray(header + 4, header + 4 + length).toString()) as Message
    unread = unread.subarray(header + 4 + length)
    // What the server asks of an editor (its settings) has no answer here.
    if (message.method !== undefined && message.id !== undefined) send({ id: message.id, result: null })
    else if (message.id !== undefined) answers.get(message.id)?.(message.result)
  }
}

/** The hovers of a program that need not be on disk, by the name behind each mark. */
async function hovers(name: string, text: string): Promise<readonly (readonly [name: string, hover: string])[]> {
  const uri = pathToFileURL(join(import.meta.dirname, name)).href
  send({
    method: 'textDocument/didOpen',
    params: { textDocument: { uri, languageId: 'typescript', version: 1, text } },
  })
  const found: (readonly [string, string])[] = []
  for (const [line, words] of text.split('\n').entries()) {
    for (const { index } of words.matchAll(/\/\*\?\*\//g)) {
      const character = index + MARK.length
      const hover = (await ask('textDocument/hover', { textDocument: { uri }, position: { line, character } })) as {
        readonly contents: { readonly value: string }
      } | null
      found.push([/^\w+/.exec(words.slice(character))?.[0] ?? '', hover?.contents.value ?? ''])
    }
  }
  return found
}

/** What a hover says below the type. */
const saidOf = (hover: string): string => hover.replace(/^```[^]*?\n```/, '').trim()

beforeAll(async () => {
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  server = spawn(process.execPath, [compiler, '--lsp', '--stdio'], { cwd: root, stdio: ['pipe', 'pipe', 'ignore'] })
  server.stdout?.on('data', read)
  const capabilities = { textDocument: { hover: { contentFormat: ['markdown'] } } }
  await ask('initialize', { processId: process.pid, rootUri: pathToFileURL(root).href, capabilities })
  send({ method: 'initialized', params: {} })
})

afterAll(() => void server.kill())

test.each([
  ['ballet', 'index.ts'],
  ['ballet/server', 'server.ts'],
  ['ballet/testing', 'testing.ts'],
])('everything that %s exports says what it is', async (door, file) => {
  const names = exportsOf(file)
  const found = await hovers(
    `${file}-names.ts`,
    `import {\n${names.map((name) => `  ${MARK}${name},`).join('\n')}\n} from '${door}'\n`,
  )
  expect(found.map(([name]) => name)).toEqual(names)
  expect(found.filter(([, hover]) => saidOf(hover) === '').map(([name]) => name)).toEqual([])
})

test.each(Object.keys(interfaces))('every member of what is called %s says what it does', async (value) => {
  const name = interfaces[value] as string
  const names = membersOf(members[value] as string, name)
  const text = `import type { ${name} } from 'ballet'\ndeclare const ${value}: ${name}\n${names.map((member) => `void ${value}.${MARK}${member}`).join('\n')}\n`
  const found = await hovers(`members-${value}.ts`, text)
  expect(found.filter(([, hover]) => saidOf(hover) === '').map(([member]) => member)).toEqual([])
})

test('a program shows what is meant, and no words of a mistake', async () => {
  const found = await hovers('program.ts', program)
  expect(found.length).toBeGreaterThan(20)
  expect(found.filter(([, hover]) => /Mistake|a[n]y\b/.test(hover))).toEqual([])
  const unsaid = found.filter(([, hover]) => saidOf(hover) === '').map(([name]) => name)
  // A parameter is what its type says. What the author wrote of an operation is not shown by this server yet, and by others.
  expect(unsaid).toEqual(['run', 'charge', 'refund', 'context'])
  const said = new Map(found.map(([name, hover]) => [name, hover.replaceAll(/\s+/g, ' ')]))
  expect(said.get('run')).toContain('Run<NoState')
  expect(said.get('result')).toContain('Promise<{ orderId: string; }>')
})

test('an editor goes from a call to the operation that the author wrote', async () => {
  const lines = program.split('\n')
  const line = lines.findIndex((words) => words.includes('payment./*?*/charge'))
  const textDocument = { uri: pathToFileURL(join(import.meta.dirname, 'program.ts')).href }
  const position = { line, character: (lines[line] as string).indexOf('charge') }
  const places = (await ask('textDocument/definition', { textDocument, position })) as readonly {
    readonly range: { readonly start: { readonly line: number } }
  }[]
  expect(places.map(({ range }) => range.start.line)).toEqual([
    lines.findIndex((words) => words.includes('  charge: ')),
  ])
})
