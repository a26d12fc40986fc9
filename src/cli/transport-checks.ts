// Whether events cross that go over NATS: that somebody takes what comes, and how far that is; and that what goes there is sent. All of
// it is in runs, which the process that has the store is asked for, and the store itself where none answers: then which services are such
// transports is told by what their runs look like. Nothing is asked of NATS. For `ballet doctor`.
import { showMs } from '../core/duration.ts'
import { isRecord } from '../core/json.ts'
import type { ApplicationView, CountView, RunView } from '../core/views.ts'
import { goOnCommand } from '../transports/nats/going-on.ts'
import type { Reads } from './reads.ts'
import type { Check } from './store-checks.ts'
import { between, shownTime } from './times.ts'

type Asked = Pick<Reads, 'runs' | 'counts' | 'run'>

/** What is known of an application and its store. */
export interface TransportsAsked {
  readonly reads: Asked
  /** As the process says that has the store; null where none does. */
  readonly app: Pick<ApplicationView, 'services'> | null
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** A transport, as far as it is known here. */
interface Known {
  readonly name: string
  /** `nats:ORDERS`, or NATS where only the store is there. */
  readonly at: string
  /** Whether anything is to come from there; null where nobody says. */
  readonly takes: boolean | null
}

const NATS = 'nats:'
/** Runs that are looked at of each name, the newest. */
const SEEN = 200
/** What is taken and is older than this, or has not been heard of for so long, lags. */
const LATE_MS = 60_000

const check = (verdict: Check['verdict'], found: string, todo?: string): Check => ({
  name: 'transport',
  verdict,
  found,
  ...(todo === undefined ? {} : { todo }),
})

/** None where there are no such transports, or where that cannot be read, of which other checks tell. */
export async function transportChecks(asked: TransportsAsked): Promise<readonly Check[]> {
  try {
    const { counts } = await asked.reads.counts()
    const known = asked.app === null ? await seen(asked.reads, counts) : declared(asked.app)
    const checks = await Promise.all(
      known.map(async (one) => [
        ...(await takingChecks(asked, one)),
        ...refusedChecks(counts, one),
        ...(await sendingChecks(asked, counts, one)),
      ]),
    )
    return checks.flat()
  } catch {
    return []
  }
}

function declared({ services }: Pick<ApplicationView, 'services'>): readonly Known[] {
  return services.flatMap(({ name, operations, takes }) => {
    const at = operations.find((one) => one.name === `${name}.take`)?.elsewhere
    if (at?.startsWith(NATS) !== true) return []
    return [{ name, at, takes: takes === undefined ? null : takes.length > 0 }]
  })
}

/** Those of which the store has runs: what they are called, and what they were begun with. */
async function seen(reads: Asked, counts: readonly CountView[]): Promise<readonly Known[]> {
  const ended = { kind: 'operation', status: ['cancelled', 'failed'], limit: SEEN } as const
  const open = counts.map(({ kind, name }) => ({ kind, name, limit: 1 }))
  const ofTransports = open.filter(({ kind, name }) => kind === 'reaction' || /[.]take(One)?$/.test(name))
  const pages = await Promise.all([ended, ...ofTransports].map((request) => reads.runs(request)))
  const names = new Set(pages.flatMap(({ items }) => items.flatMap((run) => transportOf(run) ?? [])))
  return [...names].toSorted().map((name) => ({ name, at: 'NATS', takes: null }))
}

/** The transport whose run it is, if it looks like one. */
function transportOf({ kind, name, call, input }: RunView): string | undefined {
  if (!isRecord(input)) return undefined
  const [service = '', operation] = (kind === 'reaction' ? (call ?? '') : name).split('.')
  const { from, type } = input
  const isPlace = from === 'all' || from === 'now' || typeof from === 'number'
  const isOne =
    kind === 'reaction'
      ? operation === 'send' && typeof type === 'string' && name === `${service}:${type}`
      : operation === 'take'
        ? isPlace
        : operation === 'takeOne' && ('missed' in input || 'base64' in input)
  return isOne ? service : undefined
}

async function takingChecks({ reads, app, now }: TransportsAsked, known: Known): Promise<readonly Check[]> {
  const { items } = await reads.runs({ name: `${known.name}.take`, limit: SEEN })
  const open = items.filter(({ ended }) => ended === null)
  if (open.length > 0) return open.map((run) => takingCheck(run, known, { isCarried: app !== null, now }))
  if (known.takes === false) return []
  const [last] = items
  const what = `nothing is taken from ${known.at}`
  if (last === undefined) {
    if (known.takes === null) return []
    const todo = 'The process begins it when it is open, and again until it can: look at its log.'
    return [check('warn', `${known.name}: ${what}, since that was never begun`, todo)]
  }
  const again = await goOnCommand({ id: last.id, call: last.name }, (run) => reads.run(run))
  const todo = `If it is to go on: ${again}. Else drop what it takes from the code.`
  return [check('warn', `${known.name}: ${what}: ${last.id} was ${last.status} ${shownTime(last.ended ?? '')}`, todo)]
}

interface Seen {
  readonly isCarried: boolean
  readonly now: number
}

function takingCheck(run: RunView, { name, at }: Known, { isCarried, now }: Seen): Check {
  const [wait] = run.waits
  const { after, waiting, lateMs } = placeIn(run)
  const heard = wait?.heartbeat
  const silentMs = between(heard?.at ?? run.created, null, now)
  const where =
    after === undefined
      ? 'nothing yet'
      : `all up to message ${after}${waiting === 0 ? ', nothing waits behind it' : `, ${waiting} wait behind it`}`
  const when = isCarried ? `heard of ${showMs(silentMs)} ago` : `as it was ${shownTime(heard?.at ?? run.created)}`
  const found = `${name} takes from ${at}: ${where}; ${run.id}, ${when}`
  const look = `ballet show ${run.id}`
  const failure = wait?.attempt
  // One that failed before the attempt that was heard of is over.
  const isFailing = failure !== undefined && failure.number >= (heard?.attempt ?? 0)
  if (run.status === 'stuck')
    return check(
      'wrong',
      `${found}; stuck: ${failure?.error.message ?? run.reason ?? ''}`,
      `${look} says what can be done.`,
    )
  if (isFailing)
    return check(
      'warn',
      `${found}; the last attempt failed: ${failure.error.message}`,
      `It is tried again by itself; ${look} says when.`,
    )
  if (isCarried && silentMs > LATE_MS)
    return check('warn', found, `It does not go on: look at the log of the process that carries it, and at ${look}.`)
  if (waiting > 0 && lateMs > LATE_MS)
    return check(
      'warn',
      `${found}; it lags, by ${showMs(lateMs)} when it took that`,
      `Look again whether less waits. If not, commits or the server take too long, or nothing more is taken on: the log says which.`,
    )
  return check('ok', found)
}

/** How far a call is that takes, as far as it has said so. */
function placeIn({ waits: [wait] }: RunView): {
  readonly after: number | undefined
  readonly waiting: number
  readonly lateMs: number
} {
  const progress = wait?.heartbeat?.progress
  const said = isRecord(progress) ? progress : {}
  const numberIn = (field: string): number | undefined => (typeof said[field] === 'number' ? said[field] : undefined)
  return { after: numberIn('after'), waiting: numberIn('waiting') ?? 0, lateMs: numberIn('lateMs') ?? 0 }
}

function refusedChecks(counts: readonly CountView[], { name, at }: Known): readonly Check[] {
  const runs = sumOf(counts, ({ name: of, status }) => of === `${name}.takeOne` && status === 'stuck')
  if (runs === 0) return []
  const todo = `ballet runs --status stuck --name ${name}.takeOne, then ballet show of one: mend it and retry, or cancel.`
  return [check('warn', `${name}: ${runs} from ${at} could not be taken, or are missed`, todo)]
}

/** Of each reaction by which something goes there. */
async function sendingChecks(
  { reads, now }: TransportsAsked,
  counts: readonly CountView[],
  { name, at }: Known,
): Promise<readonly Check[]> {
  const ofIt = counts.filter((one) => one.kind === 'reaction' && one.name.startsWith(`${name}:`))
  const names = [...new Set(ofIt.map((one) => one.name))]
  return Promise.all(
    names.map(async (reaction) => {
      const stuck = sumOf(ofIt, (one) => one.name === reaction && one.status === 'stuck')
      const open = sumOf(ofIt, (one) => one.name === reaction)
      const type = reaction.slice(name.length + 1)
      const list = `ballet runs --name ${reaction}`
      if (stuck > 0)
        return check(
          'wrong',
          `${name}: ${stuck} of ${type} are stuck and not sent to ${at}`,
          `${list} --status stuck, then ballet show of one.`,
        )
      const { items } = await reads.runs({ name: reaction, status: ['running'], limit: SEEN })
      const failing = items.flatMap(({ waits }) => waits).find(({ attempt }) => attempt !== undefined)
      const sinceMs = between(items.at(-1)?.created ?? '', null, now)
      const found = `${name}: ${open} of ${type} wait to be sent to ${at}, for ${showMs(sinceMs)}`
      if (failing?.attempt === undefined && sinceMs <= LATE_MS) return check('ok', found)
      const why = failing?.attempt === undefined ? '' : `; the last attempt failed: ${failing.attempt.error.message}`
      return check(
        'warn',
        `${found}${why}`,
        `It is tried again by itself; ${list}, then ballet show of one, says when.`,
      )
    }),
  )
}

const sumOf = (counts: readonly CountView[], isOf: (one: CountView) => boolean): number =>
  counts.reduce((sum, one) => (isOf(one) ? sum + one.runs : sum), 0)
