// A real server of NATS with JetStream, for tests: in a folder of its own, killed and started again as a test asks. Where there is
// none on the machine a test that asks for one is left out and says so, unless BALLET_REQUIRE names `nats`.
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { jetstreamManager, type JetStreamManager, type StreamConfig } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'

/** Where Debian and others put it; BALLET_NATS_SERVER names another. */
const PLACES = ['/usr/sbin/nats-server', '/usr/bin/nats-server', '/usr/local/bin/nats-server']

/** Where the server is, or null. @throws when BALLET_REQUIRE asks for one and there is none. */
export function findNats(): string | null {
  const found = [process.env['BALLET_NATS_SERVER'] ?? '', ...PLACES].find((path) => path !== '' && existsSync(path))
  const isRequired = (process.env['BALLET_REQUIRE'] ?? '').split(',').includes('nats')
  if (found === undefined && isRequired)
    throw new Error('BALLET_REQUIRE asks for NATS, and there is no nats-server here.')
  return found ?? null
}

export interface Nats {
  readonly url: string
  /** For the transport that is tested: one that does not wait long. */
  readonly connect: () => Promise<NatsConnection>
  /** What a test itself asks of the server, over a connection of its own. */
  readonly manager: () => Promise<JetStreamManager>
  readonly connection: () => Promise<NatsConnection>
  makeStream(config: Partial<StreamConfig> & { readonly name: string }): Promise<void>
  /** SIGSTOP and SIGCONT. */
  readonly pause: () => void
  readonly resume: () => void
  /** SIGKILL: what it has, stays in its folder. */
  kill(): Promise<void>
  /** Starts it again, on the same port. */
  start(): Promise<void>
  close(): Promise<void>
}

export async function startNats(program: string): Promise<Nats> {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-nats-'))
  let child: ChildProcess | null = null
  let port = -1
  const own: NatsConnection[] = []
  const start = async (): Promise<void> => {
    const running = spawn(program, ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child = running
    for await (const line of createInterface({ input: running.stderr })) {
      port = Number(/Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? port)
      if (line.includes('Server is ready')) break
    }
    running.stderr.resume()
  }
  const kill = async (): Promise<void> => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  const connection = async (): Promise<NatsConnection> => {
    const one = await connect({ servers: `127.0.0.1:${port}`, reconnectTimeWait: 50 })
    own.push(one)
    return one
  }
  const manager = async (): Promise<JetStreamManager> => jetstreamManager(await connection())
  await start()
  return {
    url: `nats://127.0.0.1:${port}`,
    connect: () =>
      connect({ servers: `127.0.0.1:${port}`, reconnectTimeWait: 50, maxReconnectAttempts: 3, timeout: 1000 }),
    connection,
    manager,
    makeStream: async (config) => {
      await (await manager()).streams.add(config)
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    kill,
    start,
    close: async () => {
      for (const one of own) await one.close()
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
