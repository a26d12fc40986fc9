// Restate: its server from npm as a process beside this one, which serves a service of three steps to it, as the
// documents' quick start does. Orders are posted to the server's ingress. One node, as the documents run it, which syncs
// before it answers. Telemetry is off and the log says errors only, so that neither costs it anything.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { endpoint, service } from '@restatedev/restate-sdk'
import { host } from '../host.ts'
import { answer } from '../order.ts'
import { installedVersion } from './installed-version.mjs'

const require = createRequire(import.meta.url)

const checkout = service({
  name: 'checkout',
  handlers: {
    run: async (ctx, _order) => {
      await ctx.run('charge', answer)
      await ctx.run('ship', answer)
      return ctx.run('notify', answer)
    },
  },
})

/** Ports that nobody has at the moment. */
async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))))
  const ports = servers.map((server) => server.address().port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** Asks again until the server answers well; it has as long as the process has. */
async function insist(url, request) {
  for (;;) {
    const answered = await fetch(url, request).catch(() => undefined)
    if (answered?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function startServer(folder, settings, [node, ingress, admin]) {
  const native = require.resolve(`@restatedev/restate-server-${process.platform}-${process.arch}/package.json`)
  const binary = native.replace(/package\.json$/, 'bin/restate-server')
  const environment = {
    RESTATE_BASE_DIR: folder,
    RESTATE_NODE_NAME: 'bench',
    RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
    RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}/`,
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
    RESTATE_LISTEN_MODE: 'tcp',
    RESTATE_DISABLE_TELEMETRY: 'true',
    RESTATE_LOG_FILTER: 'error',
    ...settings,
  }
  const server = spawn(binary, [], { env: { ...process.env, ...environment }, stdio: ['ignore', 'inherit', 'inherit'] })
  process.once('exit', () => server.kill('SIGKILL'))
  server.once('exit', (code, signal) => {
    console.error(`restate-server ended with ${code ?? signal}`)
    process.exit(1)
  })
  return server
}

await host(async ({ folder, settings }) => {
  const [node, ingress, admin, own] = await freePorts(4)
  const server = startServer(folder, settings, [node, ingress, admin])
  await endpoint().bind(checkout).listen(own)
  await insist(`http://127.0.0.1:${admin}/deployments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uri: `http://127.0.0.1:${own}` }),
  })
  const said = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
  return {
    about: {
      system: 'restate',
      version: installedVersion('@restatedev/restate-server'),
      sdk: installedVersion('@restatedev/restate-sdk'),
      settings: said.join(' ') || 'defaults (24 partitions)',
      durability: 'its own log (RocksDB), rocksdb-disable-wal-fsync=false',
    },
    http: { url: `http://127.0.0.1:${ingress}/checkout/run`, body: 'ORDER' },
    close: async () => {
      server.removeAllListeners('exit')
      const ended = new Promise((resolve) => server.once('exit', resolve))
      server.kill('SIGKILL')
      await ended
    },
  }
})
