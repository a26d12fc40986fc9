// The sequence of one key as a Mermaid sequence diagram: who told whom what, in the order in which it came about, over
// workflows and reactions alike. Made from the tree of causes (causal-tree.ts), so that nothing stands in it but what the
// journals and the log have. An arrow with a full head is a call, a dashed one its answer, an open one an event on its way.
import { overdueType } from '../core/names.ts'
import { isRecord } from '../core/json.ts'
import { showMs } from '../core/duration.ts'
import type { WaitView } from '../core/views.ts'
import type { CallNode, CausalNode, EventNode, RunNode } from './causal-tree.ts'
import { placeAt } from './why-waiting.ts'

interface Line {
  readonly at: number
  readonly text: string
}

/** Mermaid text of the sequence of a key. @param tree the roots of its causes. */
export function sequence(key: string, tree: readonly CausalNode[]): string {
  const diagram = new Diagram(conductorsOf(tree))
  for (const node of tree) diagram.add(node, OUTSIDE)
  return ['sequenceDiagram', `  accTitle: ${safe(key)}`, ...diagram.text()].join('\n')
}

const OUTSIDE = 'outside'

/** Names of the runs by their ids that perform a choreography: it is they who call where reactions answer an event. */
function conductorsOf(tree: readonly CausalNode[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const visit = (node: CausalNode): void => {
    if (node.kind === 'run' && (node.run.kind as string) === 'choreography') found.set(node.run.id, node.run.name)
    node.children.forEach(visit)
  }
  tree.forEach(visit)
  return found
}

class Diagram {
  readonly #conductors: ReadonlyMap<string, string>
  /** Names of parties by their short names, in the order in which they come in. */
  readonly #parties = new Map<string, string>()
  readonly #lines: Line[] = []

  constructor(conductors: ReadonlyMap<string, string>) {
    this.#conductors = conductors
  }

  text(): readonly string[] {
    const parties = [...this.#parties].map(([name, short]) => {
      return `  ${name === OUTSIDE ? 'actor' : 'participant'} ${short} as ${safe(name)}`
    })
    // Equal times stay as they are: causes stand before what they brought about.
    const lines = this.#lines.toSorted((one, other) => one.at - other.at)
    return [...parties, ...lines.map(({ text }) => `  ${text}`)]
  }

  /** @param from the party that brought the node about. */
  add(node: CausalNode, from: string): void {
    switch (node.kind) {
      case 'event':
        return this.#addEvent(node, from)
      case 'run':
        return this.#addRun(node, from)
      case 'call':
        return this.#addCall(node, from)
      case 'wait':
        return this.#note(from, node.wait.since, waitWords(node.wait))
    }
  }

  #addEvent({ event, children }: EventNode, cause: string): void {
    // That a deadline has passed is said by the monitor of the choreography, and by nobody who caused what came before.
    const from = event.type === overdueType(event.source) ? event.source : cause
    const reactions = children.flatMap((child) =>
      child.kind === 'run' && child.run.kind === 'reaction' ? [child] : [],
    )
    const conductors = new Set(reactions.flatMap(({ run }) => this.#conductors.get(run.parent ?? '') ?? []))
    for (const conductor of conductors) this.#arrow(from, '-)', conductor, event.time, event.type)
    for (const { run, call } of reactions) {
      const conductor = this.#conductors.get(run.parent ?? '')
      if (conductor === undefined) this.#arrow(from, '-)', serviceOf(run.name), event.time, event.type)
      else this.#arrow(conductor, '->>', serviceOf(run.name), run.created, operationOf(run.call ?? call ?? ''))
    }
    if (reactions.length === 0) this.#note(from, event.time, event.type)
    for (const child of children) this.add(child, from)
  }

  #addRun({ run, call, children, attempts }: RunNode, from: string): void {
    const party = run.kind === 'workflow' ? run.name : serviceOf(run.name)
    if (run.kind === 'workflow') this.#arrow(from, '-)', party, run.created, 'starts')
    if (run.kind === 'operation') this.#arrow(from, '->>', party, run.created, operationOf(call ?? run.name))
    for (const wait of run.kind === 'workflow' ? [] : run.waits) this.#note(party, wait.since, waitWords(wait))
    if (attempts > 1) this.#note(party, run.ended ?? run.created, `${attempts} attempts`)
    if (run.status === 'stuck' || run.status === 'failed' || run.status === 'cancelled')
      this.#note(
        party,
        run.ended ?? run.created,
        [run.status, run.reason, run.error?.message].filter(Boolean).join(': '),
      )
    for (const child of children) this.add(child, party)
    if (run.kind === 'workflow' && run.ended !== null) this.#note(party, run.ended, run.status)
  }

  /** A call and its answer; the event that the answer is stands below it and is not shown once more. */
  #addCall(node: CallNode, from: string): void {
    const { call, op, step, asked, ended, attempts, answer, failure, wait, children, givenUp } = node
    if (step || call === null) return this.#note(from, asked, `step ${op}`)
    const party = serviceOf(call)
    this.#arrow(
      from,
      '->>',
      party,
      asked,
      `${operationOf(call)}${node.undoes === null ? '' : ` (takes back ${node.undoes})`}`,
    )
    if (wait !== null) this.#note(party, wait.since, waitWords(wait))
    const tries = attempts > 1 ? `, attempt ${attempts}` : ''
    if (ended !== null && failure !== null) this.#arrow(party, '--x', from, ended, `${failureCode(failure)}${tries}`)
    else if (ended !== null) this.#arrow(party, '-->>', from, ended, `${answerType(answer)}${tries}`)
    if (givenUp) this.#note(from, ended ?? asked, `gives ${call} up`)
    for (const child of children) if (child.kind !== 'event' || child.children.length > 0) this.add(child, party)
  }

  #arrow(from: string, arrow: string, to: string, time: string, words: string): void {
    this.#push(time, `${this.#short(from)}${arrow}${this.#short(to)}: ${safe(words)}`)
  }

  #note(party: string, time: string, words: string): void {
    this.#push(time, `Note over ${this.#short(party)}: ${safe(words)}`)
  }

  #push(time: string, text: string): void {
    this.#lines.push({ at: Date.parse(time), text })
  }

  #short(party: string): string {
    const known = this.#parties.get(party)
    if (known !== undefined) return known
    const short = `p${this.#parties.size}`
    this.#parties.set(party, short)
    return short
  }
}

/** The operation in `service.operation`. */
const operationOf = (name: string): string => name.replace(/^[^.]*\./, '')
/** The service in `service.operation` or `service:event.type`. */
const serviceOf = (name: string): string => /^[^.:]+/.exec(name)?.[0] ?? name

function waitWords({ for: what, attempt, until, since, behind, place }: WaitView): string {
  if (behind !== undefined) return `waits behind ${behind}`
  if (place !== undefined) return `waits for ${placeAt(place)}`
  const again = attempt === undefined ? '' : `, attempt ${attempt.number} failed: ${attempt.error.message}`
  const by = until === null ? '' : `, ${showMs(Math.max(0, Date.parse(until) - Date.parse(since)))} at most`
  return `waits for ${what}${by}${again}`
}

const answerType = (answer: unknown): string =>
  isRecord(answer) && typeof answer['type'] === 'string' ? answer['type'] : 'done'
const failureCode = (failure: unknown): string =>
  isRecord(failure) && typeof failure['code'] === 'string' ? failure['code'] : 'failed'

/** Words in which Mermaid finds no syntax of its own. */
function safe(words: string): string {
  const line = words.replace(/\s+/g, ' ').slice(0, 200)
  return line.replace(/[#;<>"%{}]/g, (letter) => `#${letter.charCodeAt(0)};`)
}
