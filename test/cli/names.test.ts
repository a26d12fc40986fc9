// Names that lists are narrowed to and that nothing has, as processes: of an application that runs, of a key that may not read, and
// of a file that nobody serves, which knows what has been and not what could be.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { application } from './application.ts'
import { Sandbox, type Given, type Process } from './sandbox.ts'

let box: Sandbox
let server: Process
let [all, acts]: readonly [string, string] = ['', '']

beforeAll(async () => {
  box = new Sandbox({ 'app.ts': application })
  const make = async (name: string, scopes: string) =>
    (await box.json(['key', 'new', '--name', name, '--scopes', scopes])).value as { key: string; line: string }
  const keys = [await make('all', 'all'), await make('acts', 'act')] as const
  ;[all, acts] = [keys[0].key, keys[1].key]
  server = await box.serve([], { env: { BALLET_API_KEYS: keys.map(({ line }) => line).join('\n') } })
  const order = ['--data', '{"orderId":"8841","total":5}', '--id', 'e1', '--source', 'here']
  await said(['publish', 'order.created', ...order])
  await said(['start', 'wrap', '--input', '{"paper":"red"}', '--id', 'gift'])
})
afterAll(() => box.remove())

/** What it says on stderr; it ends well in any case. */
async function said(words: readonly string[], given: Given = { env: { BALLET_TOKEN: all } }): Promise<string> {
  const { code, stderr } = await box.run(words, given)
  expect(code).toBe(0)
  return stderr
}

const none = (name: string, nearest?: string): string =>
  `No workflow, operation, reaction or choreography has the name "${name}".${nearest === undefined ? '' : ` Did you mean "${nearest}"?`}\n`

it('a name that nothing has is told with the nearest, wherever runs are sought by it', async () => {
  expect(await said(['runs', '--name', 'chekout'])).toBe(`No run fits.\n${none('chekout', 'checkout')}`)
  expect(await said(['runs', '--name', 'payment.chrage', '--json'])).toContain(none('payment.chrage', 'payment.charge'))
  expect(await said(['runs', '--name', 'payment:order.create'])).toContain('Did you mean "payment:order.created"?')
  expect(await said(['runs', '--count', '--name', 'wrp'])).toBe(`0 stuck, 0 running.\n${none('wrp', 'wrap')}`)
  expect(await said(['retry', '--all', '--name', 'chekout'])).toBe(none('chekout', 'checkout'))
  expect(await said(['cancel', '--all', '--name', 'nothing\u001b[31m', '--rehearse'])).toBe(none('nothing\\u001b[31m'))
})

it('one that there is, and to which nothing fits, is not', async () => {
  expect(await said(['runs', '--name', 'checkout'])).toBe('No run fits.\n')
  expect(await said(['runs', '--name', 'payment:order.created', '--status', 'stuck'])).toBe('No run fits.\n')
  expect(await said(['retry', '--all', '--name', 'payment.charge'])).toBe('')
  expect(await said(['runs', '--name', 'wrap'])).toBe('')
  expect(await said(['events', '--type', 'visit.noted'])).toBe('No event fits.\n')
  expect(await said(['aside', '--name', 'order.created'])).toBe('Nothing that fits lies aside.\n')
})

it('types of events, and what lies aside, are told of in the same way', async () => {
  expect(await said(['events', '--type', 'payment.aproved'])).toBe(
    'No event fits.\nNo event has the type "payment.aproved". Did you mean "payment.approved"?\n',
  )
  expect(await said(['events', '--type', 'order.created,order.shiped'])).toBe(
    'No event has the type "order.shiped". Did you mean "order.shipped"?\n',
  )
  const words = 'No workflow, operation, reaction, choreography, event or signal has the name "aprove".'
  expect(await said(['aside', '--name', 'aprove'])).toContain(`${words} Did you mean "approve"?\n`)
  expect(await said(['aside', 'retry', '--all', '--name', 'aprove'])).toBe(`${words} Did you mean "approve"?\n`)
})

it('a key whose field no key has is told, with the fields that there are', async () => {
  const words = 'No key here has the field "customerId". Keys have orderId'
  expect(await said(['runs', '--key', 'customerId:ann'])).toContain(`No run fits.\n${words}`)
  expect(await said(['events', '--key', 'customerId:ann'])).toContain(`No event fits.\n${words}`)
  expect(await said(['runs', '--key', 'oderId:8841'])).toContain('Did you mean "orderId"?')
  expect(await said(['events', '--key', 'orderId:none-such'])).toBe('No event fits.\n')
})

it('whoever may act and not read is told nothing, and is done', async () => {
  expect(await said(['retry', '--all', '--name', 'chekout'], { env: { BALLET_TOKEN: acts } })).toBe('')
})

it('a file that nobody serves tells by what is in it', async () => {
  server.child.kill('SIGTERM')
  await server.ended
  const tells = async (...words: readonly string[]): Promise<string> =>
    (await said(words)).replace(/^Reading .*\n/m, '')
  expect(await tells('runs', '--name', 'wrp')).toBe(
    'No run fits.\nNo run in the store has the name "wrp". Did you mean "wrap"?\n',
  )
  expect(await tells('runs', '--name', 'wrap', '--status', 'failed')).toBe('No run fits.\n')
  expect(await tells('events', '--type', 'order.creatd')).toBe(
    'No event fits.\nNo event in the store has the type "order.creatd". Did you mean "order.created"?\n',
  )
  expect(await tells('aside', '--name', 'wrp')).toBe(
    'Nothing that fits lies aside.\nNo run and no event in the store has the name "wrp". Did you mean "wrap"?\n',
  )
  expect(await tells('runs', '--key', 'customerId:ann')).toBe(
    'No run fits.\nNo key here has the field "customerId". Keys have orderId.\n',
  )
  // What an older version had is a name as well.
  box.write('app.ts', application.replaceAll("workflow('wrap'", "workflow('pack'"))
  server = await box.serve()
  expect(await tells('runs', '--name', 'wrap', '--status', 'failed')).toBe('No run fits.\n')
})
