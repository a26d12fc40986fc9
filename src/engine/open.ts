// Opens an application on a store and makes it run: checks that its parts fit, takes the store, recovers. The door
// src/index.ts finds the store of a URL and calls this.
import { plainCodec, type Codec } from '../core/codec.ts'
import type { Clock, Random } from '../core/clock.ts'
import { fault } from '../core/errors.ts'
import { isName, DEFAULT_NAMESPACE } from '../core/names.ts'
import type { Store } from '../core/store.ts'
import type { Application } from '../define/application.ts'
import type { ApplicationDefinition, Log } from '../define/definition.ts'
import { checkApplication, showFinding } from '../define/check/check.ts'
import { requireFit } from '../define/fit.ts'
import { limitsOf, type Limits } from '../define/limits.ts'
import { refuse, refuseNotFunction, refuseUnknownOptions } from '../define/refusal.ts'
import { retentionOf, type Retention } from '../define/retention.ts'
import { checkTraces, type Traces } from '../define/traces.ts'
import { telemetryOf } from '../telemetry/telemetry.ts'
import { RunningApplication } from './application.ts'
import { balletVersion } from './ballet-version.ts'
import { systemClock, systemRandom } from './clock.ts'
import { Directory } from './directory.ts'
import { consoleLog, safeLog } from './log.ts'

/** How an application runs. */
export interface RunOptions {
  /**
   * Runs, events and names of another namespace are as if they were in another store. One namespace of a store is open at a time:
   * a node of another is refused, as that of another application is (STORE_LOCKED). Default `default`.
   */
  readonly namespace?: string | undefined
  /**
   * The name that the application had before, when it has been given another: the namespace of the store becomes that of the new one.
   * Without it an application of another name is refused (STORE_OF_ANOTHER).
   */
  readonly renamedFrom?: string | undefined
  /** Encodes payloads, for example encrypts them. */
  readonly codec?: Codec | undefined
  readonly log?: Log | undefined
  /** Runs held in memory; idle ones beyond it wait on disk. Default 10,000. */
  readonly liveRuns?: number | undefined
  /** What the application takes on at most; what is omitted is as in `LIMITS`. */
  readonly limits?: Partial<Limits> | undefined
  /** How long what has ended is kept; default for ever. */
  readonly retention?: Retention | undefined
  /** Where traces go, in the place of what the variables of OpenTelemetry say; false: nowhere. */
  readonly traces?: Traces | false | undefined
  /** How long running bodies may take at close, milliseconds. Default 5,000. */
  readonly graceMs?: number | undefined
  /** Names what a workflow awaited that is not durable; costs time. Default false. */
  readonly development?: boolean | undefined
  /**
   * Ends the process when its main loop has hung for so many milliseconds, at least 100, and says in which run, so that
   * one endless loop does not stop all runs for ever. Off without it, and while a debugger listens.
   */
  readonly watchdogMs?: number | undefined
  /** Of several nodes that share a store: where the others reach this one, `http://10.0.0.7:4400`. Default: nowhere. */
  readonly address?: string | undefined
  /** `open` waits for space while the disk of the store is full. Aborted, it throws STORE_FULL instead. Has no meaning later. */
  readonly signal?: AbortSignal | undefined
  readonly clock?: Clock | undefined
  readonly random?: Random | undefined
}

/** All that `open` takes: the compiler holds this list against the type. */
const OPTIONS: Readonly<Record<'store' | keyof RunOptions, true>> = {
  store: true,
  namespace: true,
  renamedFrom: true,
  codec: true,
  log: true,
  liveRuns: true,
  limits: true,
  retention: true,
  traces: true,
  graceMs: true,
  development: true,
  watchdogMs: true,
  address: true,
  signal: true,
  clock: true,
  random: true,
}

/** What the file of an application may say of how it runs; what is omitted is as in `open`. */
export type ApplicationOptions = Pick<
  RunOptions,
  'namespace' | 'renamedFrom' | 'codec' | 'log' | 'liveRuns' | 'limits' | 'retention' | 'traces' | 'graceMs'
>

/**
 * Tells of what in an application does not fit its choreographies. It is not refused: a business that runs is not stopped by
 * what is written of it.
 */
export function tellMisfits(definition: ApplicationDefinition, log: Log = consoleLog): void {
  if (definition.choreographies.length === 0) return
  const safe = safeLog(log)
  for (const one of checkApplication(definition)) if (one.level === 'fault') safe.warn(showFinding(one))
}

/**
 * Opens an application on a store. Resolves when every open run has been taken up again.
 * @throws DEFINITION_INVALID for an option, APPLICATION_UNFIT with every fault, STORE_LOCKED, STORE_OF_ANOTHER, STORE_FOREIGN, STORE_NEWER, STORE_FAILED,
 * STORE_FULL when aborted while it waits for space
 */
export async function openOn(
  definition: ApplicationDefinition,
  store: Store,
  options: RunOptions,
): Promise<Application> {
  requireFit(definition)
  const log = safeLog(options.log ?? consoleLog)
  checkOptions(options)
  const namespace = options.namespace ?? DEFAULT_NAMESPACE
  const { clock = systemClock, random = systemRandom, address } = options
  const { name, version } = definition
  const app = namespace === DEFAULT_NAMESPACE ? name : `${name}/${namespace}`
  const id = store.leases === undefined ? 'local' : random.uuid(clock.now())
  const ballet = balletVersion()
  const codec = options.codec ?? plainCodec
  const parts = { reader: store, ns: namespace, codec, clock, random, log, ballet }
  const traced = { name, version, node: store.leases === undefined ? null : id }
  const application = new RunningApplication({
    directory: new Directory(definition),
    store,
    namespace,
    renamedFrom: options.renamedFrom ?? null,
    node: { id, app, version, ballet, address: address === undefined ? null : originOf(address) },
    codec,
    log,
    clock,
    random,
    liveRuns: options.liveRuns ?? 10_000,
    limits: limitsOf(options.limits),
    retention: retentionOf(options.retention),
    graceMs: options.graceMs ?? 5000,
    development: options.development ?? false,
    watchdogMs: options.watchdogMs,
    signal: options.signal,
    telemetry: telemetryOf(options.traces, process.env, traced, parts),
  })
  await application.open()
  for (const transport of definition.transports) transport.opened(application)
  return application
}

/**
 * Whether an application can be opened with these: a wrong number would be taken for no limit, or for a wait that never ends.
 * Asked by `ballet check` as well. @throws DEFINITION_INVALID, DURATION_INVALID
 */
export function checkOptions({ codec = plainCodec, log = consoleLog, ...options }: RunOptions): void {
  refuseUnknownOptions(options, Object.keys(OPTIONS), 'open(definition, options)')
  const { namespace = DEFAULT_NAMESPACE } = options
  if (!isName(namespace))
    throw fault('DEFINITION_INVALID', { what: `Namespace "${namespace}"`, problem: 'it must be a name' })
  limitsOf(options.limits)
  retentionOf(options.retention)
  checkTraces(options.traces)
  refuseWithout(codec, ['encode', 'decode'], 'codec')
  refuseWithout(log, ['info', 'warn', 'error'], 'log')
  if (options.renamedFrom !== undefined && typeof options.renamedFrom !== 'string')
    refuse('renamedFrom', 'it must be the name that the application had')
  const { liveRuns = 1, graceMs = 0, signal } = options
  if (signal !== undefined && !(signal instanceof AbortSignal)) refuse('signal', 'it must be an AbortSignal')
  if (!(Number.isSafeInteger(liveRuns) && liveRuns >= 1))
    refuse('liveRuns', `it must be a whole number from 1, not ${String(liveRuns)}`)
  if (!(Number.isFinite(graceMs) && graceMs >= 0))
    refuse('graceMs', `it must be a number of milliseconds from 0, not ${String(graceMs)}`)
}

/** @throws DEFINITION_INVALID */
function originOf(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : null
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
  if (!isPlain || url.pathname !== '/' || url.search !== '' || url.hash !== '')
    refuse(
      'address',
      `it must be as http://10.0.0.7:4400, with nothing behind the port, not "${address.slice(0, 200)}"`,
    )
  return url.origin
}

function refuseWithout(parts: unknown, names: readonly string[], what: string): void {
  for (const name of names)
    refuseNotFunction(typeof parts === 'object' && parts !== null ? Reflect.get(parts, name) : undefined, what, name)
}
