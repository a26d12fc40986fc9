// A campaign: makes the list of inputs, sends them in small crowds to a process of their own, and judges. After each crowd
// the process is asked how it fared. An event loop that stood still for longer than the limit is not held against the
// machine, nor against a crowd: every input of the crowd is sent again alone, several times, and blamed only for the least
// processor time that it took. At the end no run may be stuck or under way that was not asked to be.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Route } from '../../src/server/route.ts'
import { ROUTES } from '../../src/server/routes.ts'
import { Chance } from '../../src/testing/simulation/chance.ts'
import { authorInputs, throwingRoutes } from './author-inputs.ts'
import { commandInputs } from './command-inputs.ts'
import type { Input, Outcome } from './input.ts'
import { randomText, wellFormed } from './json-texts.ts'
import { rawInputs } from './raw-inputs.ts'
import { payloadInput, payloadPlaces } from './round-trips.ts'
import { fieldsOf, routeInputs } from './route-inputs.ts'
import { Target, type Health } from './target.ts'

export interface CampaignOptions {
  readonly seed: number
  /** How many inputs; those of the list first, of every place in turn, then such as dice make. */
  readonly inputs: number
  /** Only the input of this number. */
  readonly only?: number | undefined
  readonly limitMs?: number | undefined
  readonly onProgress?: (sent: number) => void
}

export interface Finding {
  readonly number: number
  readonly place: string
  readonly name: string
  readonly fault: string
}

export interface Figures {
  readonly sent: number
  readonly taken: number
  readonly ended: number
  /** How many were refused with each code. */
  readonly refused: Readonly<Record<string, number>>
  readonly places: number
  /** The longest stop of the event loop by the clock of the wall, in any crowd. */
  readonly blockedMs: number
  /** Crowds whose inputs were sent again alone, and the most processor time that one of those took at least. */
  readonly repeated: number
  readonly busyMs: number
  readonly rssBytes: number
  readonly findings: readonly Finding[]
  /** Routes whose bodies the corpus does not know. */
  readonly unknownRoutes: readonly string[]
}

const CROWD = 24
const AT_ONCE = 6
/** What Node's own parser takes for one read of a socket that is full of chunks of one byte is 50 to 117, of the machine. */
const LIMIT_MS = 150
/** An input is blamed when it took too long each time. */
const REPEATS = 4

type Numbered = Input & { readonly number: number }

/** Runs a campaign on a process and a store of its own. */
export async function runCampaign(options: CampaignOptions): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-hostile-'))
  const campaign = new Campaign(folder, options)
  try {
    return await campaign.run()
  } finally {
    await campaign.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

class Campaign {
  readonly #folder: string
  readonly #options: CampaignOptions
  #target: Target | undefined
  #lives = 0
  /** Of the list; higher numbers are made by dice. */
  #length = 0
  readonly #findings: Finding[] = []
  readonly #refused: Record<string, number> = {}
  readonly #unknownRoutes: string[] = []
  #sent = 0
  #taken = 0
  #ended = 0
  #blockedMs = 0
  #repeated = 0
  #busyMs = 0
  #rssBytes = 0

  constructor(folder: string, options: CampaignOptions) {
    this.#folder = folder
    this.#options = options
  }

  async stop(): Promise<void> {
    await this.#target?.stop()
  }

  async run(): Promise<Figures> {
    this.#target = await this.#begin()
    const inputs = this.#choose(await this.#all(this.#target))
    for (let at = 0; at < inputs.length; at += CROWD) {
      await this.#crowd(inputs.slice(at, at + CROWD))
      this.#options.onProgress?.(this.#sent)
    }
    await this.#looseEnds()
    return {
      sent: this.#sent,
      taken: this.#taken,
      ended: this.#ended,
      refused: Object.fromEntries(
        Object.entries(this.#refused).toSorted(([left], [right]) => left.localeCompare(right)),
      ),
      places: new Set(inputs.map(({ place }) => place)).size,
      blockedMs: Math.round(this.#blockedMs),
      repeated: this.#repeated,
      busyMs: Math.round(this.#busyMs),
      rssBytes: this.#rssBytes,
      findings: this.#findings,
      unknownRoutes: this.#unknownRoutes,
    }
  }

  /** The whole list, numbered. What stands behind it is made by dice, each input by its own. */
  async #all(target: Target): Promise<(number: number) => Numbered | undefined> {
    const fields = new Map<Route, readonly string[]>()
    for (const route of ROUTES) {
      const found = await fieldsOf(target, route)
      if (found === undefined) this.#unknownRoutes.push(`${route.method} ${route.path}`)
      fields.set(route, found ?? [])
    }
    const places = Object.keys(payloadPlaces)
    const list: readonly Input[] = [
      ...rawInputs,
      ...places.flatMap((place) => wellFormed.map((text) => payloadInput(place, text))),
      ...authorInputs,
      ...throwingRoutes,
      ...commandInputs,
      ...routeInputs(fields),
    ]
    this.#length = list.length
    return (number) => {
      const listed = list[number]
      if (listed !== undefined) return { ...listed, number }
      const chance = new Chance(this.#options.seed).part(number)
      const text = randomText(chance)
      return { ...payloadInput(chance.pick(places), [`dice: ${text.slice(0, 80)}`, () => text.toWellFormed()]), number }
    }
  }

  #choose(get: (number: number) => Numbered | undefined): readonly Numbered[] {
    const { seed, inputs, only } = this.#options
    const numbers = only === undefined ? this.#numbers(get, new Chance(seed), inputs) : [only]
    return numbers.flatMap((number) => get(number) ?? [])
  }

  /** Numbers of the list, shuffled, of every place in turn; a tenth and what the list does not have are made by dice. */
  #numbers(get: (number: number) => Numbered | undefined, chance: Chance, wanted: number): readonly number[] {
    const byPlace = new Map<string, number[]>()
    const chosen: number[] = []
    for (let number = 0; number < this.#length; number++) {
      const { place = '', isAlways = false } = get(number) ?? {}
      if (isAlways && chosen.length < wanted) chosen.push(number)
      if (isAlways) continue
      const numbers = byPlace.get(place) ?? []
      byPlace.set(place, numbers)
      numbers.splice(chance.between(0, numbers.length), 0, number)
    }
    const listed = Math.min(this.#length, Math.ceil(wanted * 0.9))
    for (let round = 0; chosen.length < listed; round++) {
      for (const numbers of byPlace.values()) {
        const number = numbers[round]
        if (number !== undefined && chosen.length < listed) chosen.push(number)
      }
    }
    return [...chosen, ...Array.from({ length: wanted - chosen.length }, (_, at) => this.#length + at)]
  }

  /** A process on a store of its own, warm: what is compiled for the first request is not its fault. */
  async #begin(): Promise<Target> {
    const target = await Target.start(join(this.#folder, `${this.#lives++}.db`))
    for (const [place, send] of Object.entries(payloadPlaces))
      await send({ target, tag: `warm-${place.length}` }, '{"a":[1]}')
    await target.health()
    return target
  }

  async #crowd(inputs: readonly Numbered[]): Promise<void> {
    const waiting = [...inputs]
    const send = async (): Promise<void> => {
      for (let input = waiting.shift(); input !== undefined; input = waiting.shift())
        this.#count(input, await this.#attack(input, 0))
    }
    await Promise.all(Array.from({ length: AT_ONCE }, send))
    const { blockedMs, errors } = await this.#fare()
    this.#blockedMs = Math.max(this.#blockedMs, blockedMs)
    if (blockedMs < this.#limitMs && errors.length === 0) return
    this.#repeated++
    const before = this.#findings.length
    for (const input of inputs) await this.#alone(input)
    // What only the crowd can do is nobody's in particular, and a fault all the same.
    for (const error of this.#findings.length === before ? errors : [])
      this.#find(inputs[0] as Numbered, `in a crowd: ${error}`)
  }

  /** Sends an input again, alone, until it was fast once or slow every time. */
  async #alone(input: Numbered): Promise<void> {
    let least = Infinity
    for (let attempt = 1; attempt <= REPEATS && least >= this.#limitMs; attempt++) {
      await this.#attack(input, attempt)
      const { blockedMs, busyMs, errors } = await this.#fare()
      least = Math.min(least, blockedMs, busyMs)
      for (const error of errors) this.#find(input, `the process says: ${error}`)
    }
    this.#busyMs = Math.max(this.#busyMs, least)
    if (least >= this.#limitMs)
      this.#find(input, `the event loop stood still for ${Math.round(least)} ms, ${REPEATS} times of ${REPEATS}`)
  }

  get #limitMs(): number {
    return this.#options.limitMs ?? LIMIT_MS
  }

  async #attack(input: Numbered, attempt: number): Promise<Outcome> {
    const target = (this.#target ??= await this.#begin())
    try {
      return await input.attack({ target, tag: `h${input.number}x${attempt}` })
    } catch (error) {
      return { verdict: 'ended', faults: [`the attack failed: ${stackOf(error)}`] }
    }
  }

  /** How the process fared. One that is gone, or whose engine has stopped, is replaced by the next attack. */
  async #fare(): Promise<Health> {
    try {
      const health = await (this.#target ??= await this.#begin()).health()
      this.#rssBytes = Math.max(this.#rssBytes, health.rssBytes)
      if (health.errors.length > 0) await this.#replace()
      return health
    } catch (error) {
      await this.#replace()
      return { blockedMs: 0, busyMs: 0, errors: [stackOf(error)], logged: 0, rssBytes: 0 }
    }
  }

  async #replace(): Promise<void> {
    await this.#target?.stop()
    this.#target = undefined
  }

  #count(input: Numbered, { verdict, code, faults }: Outcome): void {
    this.#sent++
    if (verdict === 'taken') this.#taken++
    else if (verdict === 'ended') this.#ended++
    else this.#refused[code ?? ''] = (this.#refused[code ?? ''] ?? 0) + 1
    for (const fault of faults) this.#find(input, fault)
  }

  #find({ number, place, name }: Numbered, fault: string): void {
    this.#findings.push({ number, place, name, fault })
  }

  /** Runs that are left open: only those that an author made so, or that wait for what nobody sent. */
  async #looseEnds(): Promise<void> {
    const target = (this.#target ??= await this.#begin())
    for (const status of ['stuck', 'running']) {
      for (let cursor = ''; ;) {
        const query = cursor === '' ? '' : `&cursor=${cursor}`
        const { body } = await target.ask({ target: `/api/runs?status=${status}&limit=1000${query}` })
        const page = JSON.parse(body) as { items: { id: string; name: string; reason?: string }[]; cursor?: string }
        for (const { id, name, reason } of page.items) {
          const isMeant = name === 'wicked' || (name === 'listener' && status === 'running')
          if (!isMeant)
            this.#findings.push({
              number: -1,
              place: 'at the end',
              name: id,
              fault: `it is ${status} (${name}, ${reason})`,
            })
        }
        if (page.cursor === undefined) break
        cursor = page.cursor
      }
    }
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
