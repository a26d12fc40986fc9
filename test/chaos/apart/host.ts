// One service of the shop as a process of its own, as examples/shop/apart/host.ts is, which says of each call when it begins
// and when it has ended: what it was carrying out when it was killed is known by that. It takes a moment before its work and
// one behind it, so that there is a middle in which it can be killed, with and without the effect.
import { serveService } from 'ballet/http'
import { deskOf } from '../../../examples/shop/apart/desk.ts'
import { portOf, SERVICES } from '../../../examples/shop/apart/places.ts'
import { openServices } from '../../../examples/shop/services.ts'
import { DEFINITION, type Defined } from '../../../src/define/definition-symbol.ts'
import type { OperationDefinition, ServiceDefinition } from '../../../src/define/definition.ts'
import { silentLog } from '../../../src/engine/log.ts'
import { pause } from '../pause.ts'
import { SECRET } from './secret.ts'

const name = SERVICES.find((service) => service === process.argv[2])
if (name === undefined) throw new Error('which service?')

// Whoever started it has ended, and may have been killed.
process.once('disconnect', () => process.exit())
process.channel?.unref()

/** Before its work, and behind it, at most. */
const MOMENT_MS = 20
const moment = (): Promise<void> => pause(Math.random() * MOMENT_MS)

/** A pipe takes what is written at once: a process that is killed has said it. */
const tell = (line: string): void => void process.stdout.write(`${line}\n`)

let calls = 0
const told = (operation: OperationDefinition): OperationDefinition => ({
  ...operation,
  run: async (input, context) => {
    const call = ++calls
    tell(`+ ${call}`)
    try {
      await moment()
      const answer: unknown = await operation.run?.(input, context)
      await moment()
      return answer
    } finally {
      tell(`- ${call}`)
    }
  },
})

const leaving = Promise.withResolvers<void>()
process.once('SIGTERM', () => leaving.resolve())
const opened = openServices(process.env['BALLET_SERVICES'] ?? null)
await opened.openOne(name)
const service: Defined<ServiceDefinition> = opened.services[name]
const definition = service[DEFINITION]
const serving = await serveService(
  { ...service, [DEFINITION]: { ...definition, operations: definition.operations.map(told) } },
  {
    port: Number(process.env['PORT'] ?? portOf(name)),
    secrets: [SECRET],
    log: silentLog,
    http: deskOf(name, opened),
  },
)
tell(`${name} at ${serving.url}`)
await leaving.promise
await serving.close()
await opened.close()
process.exit()
