// One service against its part of a choreography, alone and with its own code: the events of others that it reacts to are
// given to it, in every order that the flow allows, and its own events must come in turn. What happens between others is
// not seen: the flow may have gone on by any of that, so that it stands at one of several places at once.
import type { Flow } from '../../core/flow.ts'
import { isRecord } from '../../core/json.ts'
import type { Application } from '../../define/application.ts'
import { ballet } from '../../define/ballet.ts'
import { definitionOf, type Defined } from '../../define/definition-symbol.ts'
import { isReactionDefinition, isServiceDefinition } from '../../define/reaction.ts'
import type {
  ApplicationDefinition,
  ChoreographyDefinition,
  EventDefinition,
  ReactionDefinition,
  ServiceDefinition,
  WorkflowDefinition,
} from '../../define/definition.ts'
import { broughtHere } from '../../define/elsewhere.ts'
import { refuse, refuseUnknownOptions } from '../../define/refusal.ts'
import { systemClock } from '../../engine/clock.ts'
import { silentLog } from '../../engine/log.ts'
import { openOn } from '../../engine/open.ts'
import { memory } from '../../stores/memory/memory-store.ts'
import type { MadeData } from './event-data.ts'
import { pathSettings, refuseNoChoreography, type PathOptions, type PathSettings } from './every-path.ts'
import { explore, refuseBroken, shownPath, stepName, type Played } from './explore.ts'
import { EventReader, haltedWords, orList, PathProblem, runWords } from './flow-log.ts'
import { eventValue, keyText } from './script.ts'

/** How the part of one service is played. */
export interface ProjectOptions extends Pick<PathOptions, 'repeats' | 'limit' | 'data' | 'without'> {
  /** Workflows that its reactions call. */
  readonly workflows?: readonly Defined<WorkflowDefinition>[] | undefined
  /** Its reactions that were not registered with `service.on`, as in `ballet({ reactions })`; those of other services are left out. */
  readonly reactions?: readonly ReactionDefinition[] | undefined
  /** How long the service may work on what it was given, milliseconds; default 10,000. */
  readonly patienceMs?: number | undefined
}

/** A service's part of a choreography. */
export interface Projection {
  /** Events of others that it reacts to, and its own. */
  readonly given: readonly string[]
  readonly own: readonly string[]
  /** What it was given and what it answered, in each path. */
  readonly paths: readonly (readonly string[])[]
  /** Its own events that no path has brought: other data may. */
  readonly unseen: readonly string[]
}

const GIVEN = 'given'
/** Services live on from one path to the next, and from one test to the next. */
let plays = 0

interface Part {
  readonly definition: ApplicationDefinition
  readonly choreography: ChoreographyDefinition
  readonly settings: PathSettings
  readonly given: ReadonlySet<string>
  readonly own: ReadonlySet<string>
  readonly patienceMs: number
}

/**
 * Runs one service alone against its part of a choreography: its operations do what they do, so give it what they work on,
 * and data of the events so that they answer in the way that is to be tested. A service that is silent where the flow cannot
 * go on without it is found; where another event could come instead, it is not, so leave that out (`without`).
 *
 * Each path has a key of its own, unless the schema of the key or your data say otherwise: the service may remember others.
 *
 *     test('payment keeps its part', async () => {
 *       const { unseen } = await project(fulfilment, payment, { without: [OrderCancelled] })
 *     })
 *
 * @throws PATHS_BROKEN with every path that does not hold, and the place in it; PATHS_TOO_MANY, DEFINITION_INVALID
 */
export async function project(
  choreography: ChoreographyDefinition,
  service: Defined<ServiceDefinition>,
  options: ProjectOptions = {},
): Promise<Projection> {
  const known = ['repeats', 'limit', 'data', 'without', 'workflows', 'reactions', 'patienceMs']
  refuseUnknownOptions(options, known, 'project(...)')
  refuseNoChoreography(choreography, 'project(...)', 'first')
  const made = definitionOf(service)
  if (!isServiceDefinition(made)) refuse('project(...)', 'its second argument must be a service, made by service(...)')
  const { name, operations } = made
  const apart = reactionsOf(name, options.reactions)
  const { types } = choreography.flow
  const outcomes = operations.flatMap((operation) => operation.outcomes.map(({ type }) => type))
  const own = new Set(outcomes.filter((type) => types.has(type)))
  const reacted = [...made.reactions, ...apart]
    .map(({ event }) => event.type)
    .filter((type) => types.has(type) && !own.has(type))
  const given = new Set(reacted)
  const settings = pathSettings(choreography, options)
  const what = `service "${name}" in ${settings.what}`
  if (given.size + own.size === 0) refuse(what, 'it has no part in it: it neither reacts to its events nor brings one')
  const { workflows = [] } = options
  const whole = ballet({ name: 'projection', services: [service], workflows, reactions: apart })
  const definition = broughtHere(whole, 'project(...)')
  const { patienceMs = 10_000 } = options
  const part: Part = { definition, choreography, settings, given, own, patienceMs }
  const play = (beginning: readonly string[]): Promise<Played> => new ServicePlay(part, beginning).play()
  const { played, problems } = await explore(what, settings.limit, play)
  refuseBroken(what, played.length, problems)
  const came = new Set(played.flatMap(({ events }) => events))
  return {
    given: [...given],
    own: [...own],
    paths: played.map(({ events }) => events),
    unseen: [...own].filter((type) => !came.has(type)),
  }
}

/** Those of one service. @throws DEFINITION_INVALID */
function reactionsOf(service: string, given: readonly ReactionDefinition[] = []): readonly ReactionDefinition[] {
  if (!Array.isArray(given) || !given.every(isReactionDefinition))
    refuse('project(...)', 'reactions must be a list of reactions, made by on(...)')
  return given.filter((one) => one.service === service)
}

/** One path of a service. */
class ServicePlay {
  readonly #part: Part
  readonly #beginning: readonly string[]
  readonly #reader: EventReader
  readonly #path: string[] = []
  readonly #steps: string[] = []
  readonly #branches: (readonly string[])[] = []
  readonly #known: Record<string, unknown> = {}
  /** Where the flow may stand. */
  #places: ReadonlySet<number>
  readonly #number = ++plays
  #key: string | null = null
  #isCut = false

  constructor(part: Part, beginning: readonly string[]) {
    this.#part = part
    this.#beginning = beginning
    this.#reader = new EventReader([...part.own])
    this.#places = this.#unseenOn(new Set([0]))
  }

  async play(): Promise<Played> {
    const app = await openOn(this.#part.definition, memory(), { log: silentLog, graceMs: 0, traces: false })
    let problem: string | null = null
    try {
      for (let next = this.#next(); next !== null; next = this.#next()) {
        await this.#give(app, next)
        await this.#settle(app)
      }
    } catch (error) {
      if (!(error instanceof PathProblem)) throw error
      problem = error.message
    } finally {
      await app.close()
    }
    return {
      events: this.#path,
      ending: null,
      branches: this.#branches,
      isCut: this.#isCut,
      steps: this.#steps,
      problem,
    }
  }

  /** What is given next; null when the path is over. */
  #next(): string | null {
    const { settings, given } = this.#part
    const path = this.#path
    const planned = this.#beginning[path.length]
    if (planned !== undefined) return planned
    const open = this.#openTypes()
    const mayEnd = [...this.#places].some((place) => (this.#flow.places[place]?.endings.length ?? 0) > 0)
    const choices = open.filter((type) => given.has(type) && this.#times(type) < settings.repeats && this.#can(type))
    if (choices.length === 0 && !mayEnd) this.#refuseSilence(open)
    const isOver = mayEnd || choices.length === 0
    for (const type of isOver ? choices : choices.slice(1)) this.#branches.push([...path, type])
    return isOver ? null : (choices[0] as string)
  }

  /** Nothing can be given and the flow may not end: the service should have said something, unless that was cut short. */
  #refuseSilence(open: readonly string[]): void {
    const { settings, given, own } = this.#part
    this.#isCut = open.some((type) => given.has(type) && this.#times(type) >= settings.repeats)
    if (this.#isCut) return
    const owed = open.filter((type) => own.has(type))
    if (owed.length > 0) throw new PathProblem(`${this.#after}: ${orList(owed)} did not come`)
    throw new PathProblem(`${this.#after}: the data of the test let nothing come, and expected was ${orList(open)}`)
  }

  async #give(app: Application, type: string): Promise<void> {
    const event = this.#event(type)
    const made = this.#made(event)
    if (made === null)
      throw new PathProblem(`${this.#after}: ${type} came in another play, and cannot come in this one`)
    if (typeof made === 'string') throw new PathProblem(`${this.#after}: ${made}`)
    this.#key ??= keyText(event, made.data)
    await app.publish(eventValue(event, made.data), { source: GIVEN, id: `${this.#path.length}` })
    this.#take(type, made.data)
  }

  /** Takes what the service says, until none of its runs is under way. */
  async #settle(app: Application): Promise<void> {
    const late = Promise.withResolvers<void>()
    let isLate = false
    const cancel = systemClock.after(this.#part.patienceMs, () => ((isLate = true), late.resolve()))
    try {
      for (;;) {
        const change = Promise.withResolvers<void>()
        const unwatch = app.watch(null, change.resolve)
        const { items } = await app.runs({ status: ['running'], limit: 5 })
        await this.#takeNews(app)
        if (items.length > 0 && !isLate) await Promise.race([change.promise, late.promise])
        unwatch()
        if (items.length === 0) break
        if (isLate) {
          const runs = items.map(runWords).join('; ')
          throw new PathProblem(`${this.#after}: not done within ${this.#part.patienceMs} ms: ${runs}`)
        }
      }
    } finally {
      cancel()
    }
    const halted = await haltedWords(app)
    if (halted !== '') throw new PathProblem(`${this.#after}${halted.replace(';', ':')}`)
  }

  async #takeNews(app: Application): Promise<void> {
    const news = this.#key === null ? [] : await this.#reader.news(app, this.#key)
    for (const { type, data } of news) {
      const open = this.#openTypes()
      if (!open.includes(type)) {
        const expected = open.filter((one) => this.#part.own.has(one))
        const wanted = expected.length === 0 ? 'nothing of it was expected' : `expected was ${orList(expected)}`
        throw new PathProblem(`${this.#after}: ${type} came; ${wanted}`)
      }
      this.#take(type, isRecord(data) ? data : {})
    }
  }

  #take(type: string, data: Readonly<Record<string, unknown>>): void {
    this.#steps.push(this.#stepOf(type))
    this.#path.push(type)
    Object.assign(this.#known, data)
    this.#places = this.#unseenOn(this.#stepped(this.#places, type))
  }

  /** The places after an event. */
  #stepped(places: ReadonlySet<number>, type: string): ReadonlySet<number> {
    return new Set([...places].flatMap((place) => this.#flow.places[place]?.edges.get(type)?.to ?? []))
  }

  /** These places, and those to which the events of others lead. */
  #unseenOn(places: ReadonlySet<number>): ReadonlySet<number> {
    const { given, own, settings } = this.#part
    const all = new Set(places)
    for (const place of all) {
      for (const [type, { to }] of this.#flow.places[place]?.edges ?? []) {
        if (!given.has(type) && !own.has(type) && !settings.without.has(type)) all.add(to)
      }
    }
    return all
  }

  /** The types that can come, sorted. */
  #openTypes(): readonly string[] {
    const { without } = this.#part.settings
    const types = [...this.#places].flatMap((place) => [...(this.#flow.places[place]?.edges.keys() ?? [])])
    return [...new Set(types)].filter((type) => !without.has(type)).toSorted()
  }

  #times(type: string): number {
    const name = this.#stepOf(type)
    return this.#steps.filter((step) => step === name).length
  }

  #can(type: string): boolean {
    return this.#made(this.#event(type)) !== null
  }

  /** The first event of a path gets a key of its own where its schema takes one: the service may remember the last one. */
  #made(event: EventDefinition): MadeData {
    const { data } = this.#part.settings
    const moment = { path: this.#path, input: null, known: this.#known }
    if (this.#key !== null) return data.make(event, moment)
    const own = data.make(event, { ...moment, known: { [event.key]: `path-${this.#number}` } })
    return typeof own === 'string' ? data.make(event, moment) : own
  }

  #stepOf(type: string): string {
    return stepName([...this.#places].toSorted((one, other) => one - other).join(','), type)
  }

  #event(type: string): EventDefinition {
    return this.#part.choreography.events.find((event) => event.type === type) as EventDefinition
  }

  get #after(): string {
    return `after ${shownPath(this.#path)}`
  }

  get #flow(): Flow {
    return this.#part.choreography.flow
  }
}
