// `ballet serve`: runs an application on its store and serves it, until it is told to end. It listens before it opens
// the store, so that a busy port is told before any run moves, and leaves its address beside the store only when it
// takes work. Ending drains: no new request, what runs is finished or left to the journal, the store is closed.
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { showMs, toMs } from '../core/duration.ts'
import type { Application } from '../define/application.ts'
import type { Serving } from '../server/serve.ts'
import type { Command, Given, OptionSpec } from './command.ts'
import { shownPlace } from './discovery.ts'
import { EXIT } from './exit-code.ts'
import { untilAsked } from './lifetime.ts'
import { loadApplication, type LoadedApplication } from './load-application.ts'
import { usage, wholeNumber } from './parse.ts'
import { nodeSecretsIn } from '../server/node-secrets.ts'
import { isAlive, leaveAddress, readProcessFile } from '../server/process-file.ts'
import { storePlace, type StorePlace } from '../server/store-place.ts'
import { print, type Terminal } from './terminal.ts'
import { tokensOf } from './tokens.ts'

/** Set to 1 in the environment of the child of `ballet dev`: what is not durable is then found out by name. */
export const DEVELOPMENT = 'BALLET_DEVELOPMENT'

export const DEFAULT_STORE = 'file:.ballet/app.db'

/** Options of the commands that run an application. */
export const SERVE_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  store: {
    value: '<url>',
    about: `Where the truth is: file:<path>, postgres://... or memory:; default ${DEFAULT_STORE}.`,
  },
  port: { value: '<port>', about: 'Default: PORT, else 4400; 0 takes any free one.' },
  host: { value: '<address>', about: 'Default 127.0.0.1; any other needs BALLET_TOKEN.' },
}

export const serve: Command = {
  name: 'serve',
  about: 'Run an application and serve it.',
  words: [
    { name: 'app.ts', about: 'File whose default export is ballet({ ... }); its export options says how it runs.' },
  ],
  options: {
    ...SERVE_OPTIONS,
    advertise: {
      value: '<url>',
      about: 'Where the other nodes of a store reach this one; also BALLET_ADVERTISE; default: its own address.',
    },
    dashboard: {
      value: '<on|off>',
      about: 'Pages for operators at /dashboard/: default on; also BALLET_DASHBOARD.',
      oneOf: ['on', 'off'],
    },
    hosts: {
      value: '<names>',
      about: 'Names that a proxy on this machine passes on (shop.example), with commas; also BALLET_HOSTS.',
    },
    keepalive: {
      value: '<time>',
      about: 'How long a connection is kept between two requests: default 10s; longer than a proxy in front keeps it.',
    },
    watchdog: {
      value: '<time>',
      about: 'End the process when its main loop has hung for so long: default 30s, or off.',
    },
  },
  examples: ['ballet serve app.ts', 'ballet serve app.ts --store file:/var/lib/shop/app.db --port 8080'],
  async run(given, terminal) {
    const [path = ''] = given.words
    const place = storePlace(given.text('store') ?? DEFAULT_STORE, terminal.cwd)
    const port = portOf(given, terminal)
    const watchdogMs = watchdogOf(given)
    const dashboard = dashboardOf(given, terminal)
    const behind = behindOf(given, terminal)
    const loaded = await loadApplication(path, terminal.cwd)
    // From here on a signal must not cut the opening short.
    const asked = untilAsked()
    const leaving = new AbortController()
    void asked.then(() => leaving.abort())
    const { BALLET_NODE_SECRET: secrets, [DEVELOPMENT]: development } = terminal.env
    const [token, readToken] = [tokensOf(terminal.env['BALLET_TOKEN']), tokensOf(terminal.env['BALLET_READ_TOKEN'])]
    const { app, serving } = await begin(
      loaded,
      place,
      {
        port,
        host: given.text('host'),
        token,
        readToken,
        apiKeys: terminal.env['BALLET_API_KEYS'],
        apiKeysFile: terminal.env['BALLET_API_KEYS_FILE'],
        nodeSecret: nodeSecretsIn(secrets),
        dashboard,
        ...behind,
        advertise: advertiseOf(given, terminal),
      },
      // Whoever develops may stop at a line for as long as they like.
      { signal: leaving.signal, ...(development === '1' ? { development: true } : { watchdogMs }) },
    )
    warnOfOther(place, terminal)
    const { store } = await app.describe()
    const removeAddress = leaveAddress({
      store: place.url,
      storeId: store.id,
      url: serving.url,
      token: token[0],
      app: resolve(terminal.cwd, path),
      unwritten: (problem) =>
        terminal.note(
          `Commands find this process by --url ${serving.url} alone, since a note for them cannot be left: ${problem}.`,
        ),
    })
    print(
      terminal,
      given.flag('json'),
      {
        url: serving.url,
        pid: process.pid,
        store: place.url,
        app: app.name,
        role: app.standing.role,
        recovered: app.recovered,
      },
      () => banner(app, dashboard, serving, place, terminal),
    )
    // An application that cannot go on (its store failed, another process has it) is no use to anybody: end, and say so.
    const reason = await Promise.race([asked, app.stopped.then((failure) => failure ?? 'closed')])
    if (!(reason instanceof Error)) terminal.note(`Ending (${reason}): finishing what runs. Once more ends at once.`)
    removeAddress()
    await end(serving, app, place)
    if (reason instanceof Error) throw reason
    terminal.note('Ended. Open runs go on at the next start.')
    return EXIT.ok
  },
}

async function end(serving: Serving, app: Application, { kind }: StorePlace): Promise<void> {
  await serving.drain()
  const served = serving.close()
  // Where nodes share the store, another takes over while the last answers are written.
  if (kind !== 'postgres') await served
  await Promise.all([served, app.close()])
}

interface Running {
  readonly app: Application
  readonly serving: Serving
}

interface ListenOptions {
  readonly port: number
  readonly host: string | undefined
  readonly token: readonly string[]
  readonly readToken: readonly string[]
  readonly apiKeys: string | undefined
  readonly apiKeysFile: string | undefined
  readonly nodeSecret: readonly string[]
  readonly dashboard: boolean
  readonly hosts: readonly string[] | undefined
  readonly keepAliveMs: number | undefined
  /** Where the other nodes reach this one; undefined: where it listens. */
  readonly advertise: string | undefined
}

/** Listens, then opens the store; neither is left behind when the other fails. */
async function begin(
  { definition, options: own }: LoadedApplication,
  place: StorePlace,
  { advertise, ...options }: ListenOptions,
  how: { readonly signal: AbortSignal; readonly development?: boolean; readonly watchdogMs?: number | undefined },
): Promise<Running> {
  const [{ open }, { serve: listen }] = await Promise.all([import('../index.ts'), import('../server/serve.ts')])
  let opened: (app: Application) => void = () => {}
  const ready = new Promise<Application>((take) => {
    opened = take
  })
  const serving = await listen(ready, options)
  try {
    const address = advertise ?? reachableAddress(serving, options.host)
    const app = await open(definition, { ...own, store: place.open, address, ...how })
    opened(app)
    return { app, serving }
  } catch (error) {
    await serving.close()
    throw error
  }
}

/** The port that was asked for. @throws USAGE */
export function portOf(given: Given, { env }: Terminal): number {
  const { PORT: fromEnv } = env
  if (given.text('port') === undefined && fromEnv !== undefined && fromEnv !== '') {
    return wholeNumber(serve, { ...given, text: () => fromEnv }, 'port', 65_535, 0) ?? 0
  }
  return wholeNumber(serve, given, 'port', 65_535, 0) ?? 4400
}

/** @throws USAGE */
function advertiseOf(given: Given, { env }: Terminal): string | undefined {
  const text = given.text('advertise') ?? (env['BALLET_ADVERTISE'] === '' ? undefined : env['BALLET_ADVERTISE'])
  if (text === undefined || (/^https?:\/\/[^/?#@]+\/?$/.test(text) && URL.canParse(text))) return text
  throw usage(serve, `--advertise must be as http://10.0.0.7:4400, with nothing behind the port, not "${text}".`)
}

/** Whether there is a dashboard. @throws USAGE */
function dashboardOf(given: Given, { env }: Terminal): boolean {
  const text = given.text('dashboard') ?? env['BALLET_DASHBOARD'] ?? ''
  if (text === 'on' || text === 'off' || text === '') return text !== 'off'
  throw usage(serve, `--dashboard (or BALLET_DASHBOARD) must be on or off, not "${text}".`)
}

/** Who listens on every address is known to other machines by its name. */
function reachableAddress({ url, port }: Serving, host: string | undefined): string {
  return host === '' || host === '0.0.0.0' || host === '::' ? `http://${hostname()}:${port}` : url
}

/** What a proxy in front asks for. Names alone: of an address it would be overlooked that its port and its path mean nothing here. @throws USAGE, DURATION_INVALID */
function behindOf(given: Given, { env }: Terminal): Pick<ListenOptions, 'hosts' | 'keepAliveMs'> {
  const names = (given.text('hosts') ?? env['BALLET_HOSTS'] ?? '').split(',').flatMap((name) => name.trim() || [])
  const wrong = names.find((name) => !/^[\w.-]+$/.test(name))
  if (wrong !== undefined) throw usage(serve, `--hosts must be names, shop.example say, and "${wrong}" is none.`)
  const keepAlive = given.text('keepalive')
  return {
    hosts: names.length === 0 ? undefined : names,
    keepAliveMs: keepAlive === undefined ? undefined : toMs(keepAlive),
  }
}

/** How long the process may hang, in milliseconds, or undefined for ever. @throws USAGE, DURATION_INVALID */
function watchdogOf(given: Given): number | undefined {
  const text = given.text('watchdog') ?? '30s'
  if (text === 'off') return undefined
  const ms = toMs(text)
  if (ms >= 1000) return ms
  throw usage(serve, `--watchdog must be off or at least 1s, not "${text}".`)
}

/** One folder holds one address: whoever runs another store beside this one is not found any more. */
function warnOfOther(place: StorePlace, terminal: Terminal): void {
  const file = readProcessFile(place.folder)
  if (
    file.kind !== 'record' ||
    file.record.pid === process.pid ||
    file.record.store === place.url ||
    !isAlive(file.record.pid)
  )
    return
  terminal.note(
    `Process ${file.record.pid} runs ${file.record.store} in this folder; commands will find this process now. Use --url for that one.`,
  )
}

function banner(
  app: Application,
  hasDashboard: boolean,
  { url }: Serving,
  place: StorePlace,
  terminal: Terminal,
): readonly string[] {
  const { runs, stuck, durationMs } = app.recovered
  const { role, owner } = app.standing
  const found =
    role === 'standby'
      ? `stands by for ${owner?.address ?? 'the node that owns the store'}`
      : runs === 0
        ? 'no open run'
        : `${runs} open run${runs === 1 ? '' : 's'} recovered in ${showMs(durationMs)}${stuck === 0 ? '' : `, ${stuck} stuck`}`
  const { bold, cyan } = terminal.paint
  return [
    `${bold(app.name)} serves ${cyan(url)} on ${place.kind === 'memory' ? 'memory' : shownPlace(place, terminal)} (${found}); process ${process.pid}`,
    ...(hasDashboard ? [`Its dashboard: ${cyan(`${url}/dashboard/`)}`] : []),
  ]
}
