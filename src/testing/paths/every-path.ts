// Drives every path of a choreography that can come about in an application: the real engine, its reactions and workflows
// as they are, and services that answer by script, in every way that the flow allows, while the events from outside come at
// every moment at which they may. At the end of each path the monitor must say that it is complete, and how.
//
//   nothing can come, and the flow may not end     a reaction is missing, or made another call
//   a call none of whose outcomes fits             somebody reacts who should not
//   an event that does not fit                     a workflow or the engine brought it about
import { fault } from '../../core/errors.ts'
import { UNNAMED_ENDING, type Flow, type FlowVerdict } from '../../core/flow.ts'
import { isRecord } from '../../core/json.ts'
import { nearest } from '../../core/names.ts'
import type { EventValue } from '../../core/values.ts'
import type { Application } from '../../define/application.ts'
import type { Choreography } from '../../define/choreography.ts'
import type { ApplicationDefinition, ChoreographyDefinition, EventDefinition } from '../../define/definition.ts'
import { refuse, refuseNotFunction, refuseUnknownOptions } from '../../define/refusal.ts'
import { systemRandom } from '../../engine/clock.ts'
import { silentLog } from '../../engine/log.ts'
import { openOn } from '../../engine/open.ts'
import { memory } from '../../stores/memory/memory-store.ts'
import { inTurn } from '../simulation/in-turn.ts'
import { VirtualClock } from '../simulation/virtual-clock.ts'
import { DataMaker, type EventData, type MadeData } from './event-data.ts'
import { explore, refuseBroken, shownPath, stepName, type Played } from './explore.ts'
import { EventReader, FlowWay, haltedWords, orList, PathProblem } from './flow-log.ts'
import { eventValue, keyText, Script, type HeldCall } from './script.ts'

/** How paths are looked for. */
export interface PathOptions<Ending extends string = string> {
  /** How often one path may take the same event at the same place, 1 to 10; default 1. `many(...)` comes as often as that. */
  readonly repeats?: number | undefined
  /** Paths at most, 1 to 100,000; default 1,000. More are refused, and none is left out in silence. */
  readonly limit?: number | undefined
  /** What the samples of the schemas do not get right, for each event type. */
  readonly data?: EventData | undefined
  /** What operations without outcomes answer, by `service.operation`; a sample of their output without it. */
  readonly outputs?: Readonly<Record<string, (input: unknown) => unknown>> | undefined
  /** How the first event of a path comes about; default: it is published. Another way would be to conduct the flow. */
  readonly begin?: ((app: Application, first: EventValue) => Promise<unknown>) | undefined
  /** Only paths in which these do not come: what could be cancelled at any moment, for example. */
  readonly without?: readonly EventDefinition[] | undefined
  /** Endings that some path must come to; default: all of the flow. */
  readonly endings?: readonly Ending[] | undefined
}

/** What both kinds of generated tests know. */
export interface PathSettings {
  readonly what: string
  readonly repeats: number
  readonly limit: number
  readonly without: ReadonlySet<string>
  readonly data: DataMaker
}

/** A path that was walked to its end. */
export interface WalkedPath<Ending extends string = string> {
  readonly events: readonly string[]
  readonly ending: Ending
}

/** A step that the flow allows and that no path took: `event` after the shortest way to a place. */
export interface UntakenStep {
  readonly after: readonly string[]
  readonly event: string
}

/** What came of the paths of a choreography. */
export interface PathsReport<Ending extends string = string> {
  readonly paths: readonly WalkedPath<Ending>[]
  /** Paths that were walked until they would have repeated a step too often (`repeats`). */
  readonly cut: readonly (readonly string[])[]
  /** Event types of the flow that never came. */
  readonly unseen: readonly string[]
  /** What the flow allows and never came there: others come first, say, or other data would bring it. */
  readonly untaken: readonly UntakenStep[]
}

const START = Date.UTC(2026, 0, 2, 3, 4, 5)
/** Longer than the engine gathers what it writes. */
const QUIET_MS = 50
/** How often is waited for a workflow that sleeps before something comes. */
const NAPS = 100

/**
 * Drives every path of a choreography through an application, with services that answer accordingly. Each path has an
 * application of its own, in memory, in which time passes only when nothing else happens.
 *
 *     test('every order ends as was agreed', async () => {
 *       const { paths, untaken } = await everyPath(app, fulfilment)
 *     })
 *
 * Several in one process come one after the other.
 * @throws PATHS_BROKEN with every path that does not hold, and the place in it; PATHS_TOO_MANY, CHOREOGRAPHY_UNKNOWN,
 * DEFINITION_INVALID
 */
export async function everyPath<Ending extends string>(
  app: ApplicationDefinition,
  choreography: Choreography<string, Ending>,
  options: PathOptions<NoInfer<Ending>> = {},
): Promise<PathsReport<Ending>> {
  refuseUnknownOptions(
    options,
    ['repeats', 'limit', 'data', 'outputs', 'begin', 'without', 'endings'],
    'everyPath(...)',
  )
  if (!isRecord(app) || !isList(app.choreographies))
    refuse('everyPath(...)', 'its first argument must be an application, made by ballet(...)')
  refuseNoChoreography(choreography, 'everyPath(...)', 'second')
  const { name, flow } = choreography
  if (!app.choreographies.includes(choreography)) {
    const names = app.choreographies.map((one) => one.name)
    throw fault('CHOREOGRAPHY_UNKNOWN', { name, nearest: nearest(name, names) })
  }
  const settings = pathSettings(choreography, options)
  const play = (beginning: readonly string[]): Promise<Played> =>
    new ScriptedPlay(app, choreography, settings, options, beginning).play()
  const { played, problems } = await inTurn(() => explore(settings.what, settings.limit, play))
  const walked = played.filter(({ problem, isCut }) => problem === null && !isCut)
  const endings: readonly string[] = options.endings ?? flow.endings
  const missed = endings.filter((one) => walked.every(({ ending }) => ending !== one))
  const lack = problems.length > 0 || missed.length === 0 ? [] : [`no path ends as ${missed.join(', nor as ')}`]
  refuseBroken(settings.what, played.length, [...problems, ...lack])
  return {
    paths: walked.map(({ events, ending }) => ({ events, ending: (ending ?? UNNAMED_ENDING) as Ending })),
    cut: played.filter(({ isCut }) => isCut).map(({ events }) => events),
    ...notTaken(flow, settings.without, played),
  }
}

/** What of a flow no path has taken. */
function notTaken(
  flow: Flow,
  without: ReadonlySet<string>,
  played: readonly Played[],
): Pick<PathsReport, 'unseen' | 'untaken'> {
  const taken = new Set(played.flatMap(({ steps }) => steps))
  const came = new Set(played.flatMap(({ events }) => events))
  return {
    unseen: [...flow.types].filter((type) => !without.has(type) && !came.has(type)),
    untaken: flow.places.flatMap(({ edges }, place) =>
      [...edges.keys()]
        .filter((event) => !without.has(event) && !taken.has(stepName(place, event)))
        .map((event) => ({ after: flow.paths[place] ?? [], event })),
    ),
  }
}

/** @throws DEFINITION_INVALID */
export function refuseNoChoreography(value: unknown, what: string, place: 'first' | 'second'): void {
  if (!isRecord(value) || value['kind'] !== 'choreography')
    refuse(what, `its ${place} argument must be a choreography, made by choreography(...)`)
}

const isList = (value: unknown): boolean => Array.isArray(value)

/** @throws DEFINITION_INVALID */
export function pathSettings(
  { name, flow }: ChoreographyDefinition,
  { repeats = 1, limit = 1000, data = {}, without = [] }: PathOptions,
): PathSettings {
  const what = `choreography "${name}"`
  const whole = (option: string, value: number, most: number): void => {
    if (!(Number.isSafeInteger(value) && value >= 1 && value <= most))
      refuse(what, `${option} must be a whole number from 1 to ${most}, not ${String(value)}`)
  }
  whole('repeats', repeats, 10)
  whole('limit', limit, 100_000)
  if (!isRecord(data))
    refuse(what, "data must be an object of functions, one for a type: { 'order.created': () => ({ ... }) }")
  for (const [type, make] of Object.entries(data)) refuseNotFunction(make, what, `data['${type}']`)
  if (!isList(without)) refuse(what, 'without must be a list of events: [OrderCancelled]')
  for (const type of [...Object.keys(data), ...without.map((event) => event.type)]) {
    if (!flow.types.has(type)) refuse(what, `the options name the event "${type}", which it does not speak of`)
  }
  return { what, repeats, limit, without: new Set(without.map(({ type }) => type)), data: new DataMaker(data) }
}

/** One path, driven from its beginning. */
class ScriptedPlay {
  readonly #app: ApplicationDefinition
  readonly #choreography: ChoreographyDefinition
  readonly #settings: PathSettings
  readonly #beginning: readonly string[]
  readonly #begin: PathOptions['begin']
  readonly #way: FlowWay
  readonly #reader: EventReader
  readonly #script: Script
  readonly #branches: (readonly string[])[] = []
  readonly #clock = new VirtualClock(START)
  #key: string | null = null
  #isCut = false

  constructor(
    app: ApplicationDefinition,
    choreography: ChoreographyDefinition,
    settings: PathSettings,
    { outputs = {}, begin }: PathOptions,
    beginning: readonly string[],
  ) {
    const { flow } = choreography
    this.#app = app
    this.#choreography = choreography
    this.#settings = settings
    this.#beginning = beginning
    this.#begin = begin
    this.#way = new FlowWay(flow)
    this.#reader = new EventReader([...flow.types])
    this.#script = new Script(flow.types, settings.data, (input) => this.#moment(input), outputs)
  }

  async play(): Promise<Played> {
    const options = { clock: this.#clock, random: systemRandom, log: silentLog, graceMs: 0, traces: false } as const
    const running = await openOn(this.#script.perform(this.#app), memory(), options)
    let problem: string | null = null
    try {
      await this.#walk(running)
      await this.#judge(running)
    } catch (error) {
      if (!(error instanceof PathProblem)) throw error
      problem = error.message
    } finally {
      await running.close()
      this.#clock.stop()
    }
    const { path, steps } = this.#way
    return {
      events: path,
      ending: this.#verdict().ending,
      branches: this.#branches,
      isCut: this.#isCut,
      steps,
      problem,
    }
  }

  async #walk(running: Application): Promise<void> {
    for (;;) {
      await this.#settle(running, null)
      const next = await this.#next(running)
      if (next === null) return
      await this.#bring(running, next)
    }
  }

  /** What comes next; null when the path is over. */
  async #next(running: Application): Promise<string | null> {
    const { path } = this.#way
    const mayEnd = this.#verdict().standing !== 'on track'
    let { answers, outside } = this.#choices()
    for (let nap = mayEnd ? NAPS : 0; nap < NAPS && answers.length + outside.length === 0; nap++) {
      const ms = await this.#untilTimer(running)
      if (ms === null) break
      await this.#clock.wait(ms)
      const before = path.length
      await this.#settle(running, null)
      if (path.length > before) return this.#next(running)
      ;({ answers, outside } = this.#choices())
    }
    const given = this.#beginning[path.length]
    if (given !== undefined) return given
    const all = [...answers, ...outside]
    const isOver = answers.length === 0 && (mayEnd || outside.length === 0)
    for (const type of isOver ? all : all.slice(1)) this.#branches.push([...path, type])
    return isOver ? null : (all[0] as string)
  }

  /** How long until a workflow that sleeps goes on; null when none does. */
  async #untilTimer(running: Application): Promise<number | null> {
    const { items } = await running.runs({ status: ['running'], limit: 1000 })
    const naps = items.flatMap(({ waits }) =>
      waits.flatMap(({ kind, until }) => (kind === 'timer' && until !== null ? [Date.parse(until)] : [])),
    )
    return naps.length === 0 ? null : Math.max(0, Math.min(...naps) - this.#clock.now())
  }

  /** What can come: the answers of calls that wait, and what comes from outside. */
  #choices(): { readonly answers: readonly string[]; readonly outside: readonly string[] } {
    const { without, repeats } = this.#settings
    const open = this.#way.open(repeats).filter((type) => !without.has(type))
    const answers = open.filter((type) => this.#find(type) !== undefined)
    const outside = open.filter(
      (type) =>
        !answers.includes(type) &&
        this.#choreography.outside.some((event) => event.type === type) &&
        this.#made(type, null) !== null,
    )
    return { answers, outside }
  }

  /** The call that answers with a type, if its data say that it would. */
  #find(type: string): HeldCall | undefined {
    const call = this.#script.find(type)
    return call !== undefined && this.#made(type, call.input) !== null ? call : undefined
  }

  #made(type: string, input: unknown): MadeData {
    return this.#settings.data.make(this.#event(type), this.#moment(input))
  }

  async #bring(running: Application, type: string): Promise<void> {
    const call = this.#find(type)
    const made = this.#made(type, call?.input ?? null)
    const after = `after ${shownPath(this.#way.path)}`
    if (made === null) throw new PathProblem(`${after}: ${type} came in another play, and cannot come in this one`)
    if (typeof made === 'string') throw new PathProblem(`${after}: ${made}`)
    this.#key ??= keyText(this.#event(type), made.data)
    const value = eventValue(this.#event(type), made.data)
    if (call !== undefined) call.answer(value)
    else if (this.#way.path.length === 0 && this.#begin !== undefined) await this.#begin(running, value)
    else await running.publish(value, { source: 'outside' })
    await this.#settle(running, type)
  }

  /** Takes what has come. @param expected what must have come first. */
  async #settle(running: Application, expected: string | null): Promise<void> {
    await this.#clock.wait(QUIET_MS)
    const news = this.#key === null ? [] : await this.#reader.news(running, this.#key)
    const { path } = this.#way
    if (expected !== null && news[0]?.type !== expected) {
      const came = news[0] === undefined ? 'did not come' : `did not come first, but ${news[0].type} did`
      throw new PathProblem(`after ${shownPath(path)}: ${expected} ${came}${await haltedWords(running)}`)
    }
    for (const event of news) this.#way.take(event)
  }

  /** Whether the path is over as it should be. */
  async #judge(running: Application): Promise<void> {
    const { path } = this.#way
    const verdict = this.#verdict()
    const after = `after ${shownPath(path)}`
    const expected = this.#way.expected()
    const fits = ({ operation }: HeldCall): boolean => operation.outcomes.some(({ type }) => expected.includes(type))
    const surplus = this.#script.held.find((call) => !fits(call))
    const halted = await haltedWords(running)
    if (surplus !== undefined) {
      const { name, outcomes } = surplus.operation
      const wanted = expected.length === 0 ? 'the flow is complete' : `expected was ${orList(expected)}`
      const words = orList(outcomes.map(({ type }) => type))
      throw new PathProblem(`${after}: ${name} is called, which answers with ${words}; ${wanted}${halted}`)
    }
    if (halted !== '') throw new PathProblem(`${after}${halted.replace(';', ':')}`)
    const open = this.#way.open(this.#settings.repeats)
    this.#isCut = this.#script.held.some(({ operation }) =>
      operation.outcomes.some(({ type }) => expected.includes(type) && !open.includes(type)),
    )
    if (this.#isCut) return
    if (verdict.standing === 'on track') throw new PathProblem(`${after}: ${this.#missing(expected)}`)
    await this.#compare(running, verdict, after)
  }

  /** The monitor must say the same as the flow. */
  async #compare(running: Application, { standing, ending }: FlowVerdict, after: string): Promise<void> {
    const view = await running.flow(this.#choreography.name, this.#key ?? '')
    if (view?.state === standing && view.ending === ending) return
    const seen = view === null ? 'knows of no flow' : `says ${view.state}${view.ending ? ` (${view.ending})` : ''}`
    throw new PathProblem(`${after}: it is ${standing} (${ending}), and the monitor ${seen}`)
  }

  /** Who should have brought something, and who was called instead. */
  #missing(expected: readonly string[]): string {
    const { without } = this.#settings
    const wanted = expected.filter((type) => !without.has(type))
    const producers = this.#app.services
      .flatMap(({ operations }) => operations)
      .filter(({ outcomes }) => outcomes.some(({ type }) => wanted.includes(type)))
      .map(({ name }) => name)
    const held = this.#script.held.map(({ operation }) => operation.name)
    const who = producers.length === 0 ? 'nobody answers with it' : `nobody called ${orList([...new Set(producers)])}`
    const waits = `${orList(held)} was called, and the data of the test give no answer for here`
    return `${orList(wanted)} did not come: ${held.length === 0 ? who : waits}`
  }

  #verdict(): FlowVerdict {
    return this.#way.flow.verdict(this.#way.state)
  }

  #event(type: string): EventDefinition {
    return this.#choreography.events.find((event) => event.type === type) as EventDefinition
  }

  #moment(input: unknown) {
    return { path: this.#way.path, input, known: this.#way.known }
  }
}
