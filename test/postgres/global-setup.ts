// One PostgreSQL server for a whole run of the tests, started when the first test asks for it and stopped at the end. Tests
// run in processes of their own, and ask through a port. `BALLET_TEST_PG` names a server that is there already.
import { createServer, type AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { PostgresServer } from './server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    postgresDoor: number
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let starting: Promise<PostgresServer> | undefined
  const urlOf = async (): Promise<string> => {
    const named = process.env['BALLET_TEST_PG']
    if (named !== undefined && named !== '') return named
    starting ??= PostgresServer.start()
    return (await starting).url()
  }
  const door = createServer((socket) => {
    socket.on('error', () => undefined)
    urlOf().then(
      (url) => socket.end(url),
      (error: unknown) => socket.end(`! ${String(error)}`),
    )
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => door.once('listening', resolve))
  door.unref()
  project.provide('postgresDoor', (door.address() as AddressInfo).port)
  return async () => {
    door.close()
    const server = await starting?.catch(() => undefined)
    await server?.stop()
  }
}
