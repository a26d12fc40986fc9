// The page of the TypeScript API: it names what the doors export, all of it and nothing else, and its blocks are one program
// that compiles and does what it says.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runAsUser } from './support/users-folder.ts'

const root = join(import.meta.dirname, '..')
const page = readFileSync(join(root, 'docs/reference/api.md'), 'utf8')
const blocks = page
  .split('```ts\n')
  .slice(1)
  .map((part) => part.slice(0, part.indexOf('```')))

/** The names that a door exports. */
function exportsOf(file: string): ReadonlySet<string> {
  const text = readFileSync(join(root, 'src', file), 'utf8').replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '')
  const listed = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names = '']) => names.split(','))
  const made = [...text.matchAll(/^export (?:interface|async function|function|const|type) (\w+)/gm)].map(
    ([, name = '']) => name,
  )
  const names = [...listed.map((name) => name.replace(/\btype\b/, '').trim()), ...made]
  return new Set(names.filter((name) => name !== ''))
}

/** What the page says of a door, without its programs. */
const said = (door: string): string =>
  page
    .split(/^## /m)
    .filter((section) => section.startsWith(`\`${door}\``))
    .join('')
    .replaceAll(/```ts[^]*?```/g, '')

test.each([
  ['ballet', 'index.ts'],
  ['ballet/http', 'http.ts'],
  ['ballet/nats', 'nats.ts'],
  ['ballet/server', 'server.ts'],
  ['ballet/postgres', 'postgres.ts'],
  ['ballet/testing', 'testing.ts'],
])('names what %s exports', (door, file) => {
  const text = said(door)
  const quoted = new Set([...text.matchAll(/`(\w+)(?:\([^`]*)?`/g)].map(([, name = '']) => name))
  const exported = exportsOf(file)
  expect([...exported].filter((name) => !quoted.has(name))).toEqual([])
  // Types are named in capitals, and members are not.
  const types = [...quoted].filter((name) => /^[A-Z][a-z]/.test(name))
  const others = new Set(['Request', 'Response'])
  expect(types.filter((name) => !exported.has(name) && !others.has(name))).toEqual([])
})

test('its program does what it says', () => {
  expect(blocks).toHaveLength(11)
  const after = `import assert from 'node:assert/strict'
assert.deepEqual([id, created, again.created, output], ['checkout:8841', true, false, 'approved by Ann'])
assert.deepEqual([refusedAnswer.status, remote.serviceName], [415, 'payment'])
assert.deepEqual([wire.name, crossing.transports.length], ['wire', 1])
assert.deepEqual([code, isOurs, isWell, stores.length, most], ['RUN_CONFLICT', true, true, 2, 1_000_000])
assert.deepEqual([orders.status, ((await orders.json()) as unknown[]).length, runs.status], [200, 1, 200])
assert.deepEqual([declined, lapsed], ['declined', 'nobody asked for it'])
assert.deepEqual([directory.serviceName, customers.serviceName], ['directory', 'customers'])
assert.deepEqual([paths.length, untaken, unseen, found], [2, [], ['payment.declined'], null])
const hasty = choreography('paying', { key: 'orderId' }, seq(OrderCreated, PaymentApproved.within('10ms')))
const late = await open(ballet({ services: [payment], choreographies: [hasty], events: [PayingOverdue] }), {
  log: { info() {}, warn() {}, error() {} },
})
const told = new Promise<unknown>((resolve) => {
  const look = async (): Promise<void> => {
    const [event] = (await late.events({ key: 'orderId:1', types: [PayingOverdue.type] })).items
    if (event !== undefined) resolve([event.source, event.data])
  }
  late.watch(null, () => void look())
})
await late.publish(OrderCreated({ orderId: '1', total: 1 }))
const [source, data] = (await told) as [string, unknown]
assert.equal(source, 'paying')
const fields = PayingOverdue.schema['~standard'].validate(data) as { value?: { by: string } }
assert.deepEqual(data, { orderId: '1', choreography: 'paying', awaited: ['payment.approved'], by: fields.value?.by })
await late.close()
assert.ok(book)
await app.close()
await sql.end()
`
  runAsUser([...blocks, after].join('\n'), 60_000)
})
