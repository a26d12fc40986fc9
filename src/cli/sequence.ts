// The sequence of one key: who told whom what, in the order in which it came about, over workflows and reactions alike, as
// lines, and as a Mermaid sequence diagram. Made from the tree of causes (causal-tree.ts), so that nothing stands in it but
// what the journals and the log have. An arrow with a full head is a call, a dashed one its answer, an open one an event on
// its way.
import { overdueType } from '../core/names.ts'
import { isRecord } from '../core/json.ts'
import { showMs } from '../core/duration.ts'
import type { WaitView } from '../core/views.ts'
import type { CallNode, CausalNode, EventNode, RunNode } from './causal-tree.ts'
import { placeAt } from './why-waiting.ts'

/** One arrow between two parties, or words over one of them. `at` in milliseconds since the epoch. */
export type SequenceLine =
  | {
      readonly kind: 'arrow'
      readonly at: number
      readonly from: string
      readonly to: string
      /** What goes from one to the other. */
      readonly what: Arrow
      readonly words: string
    }
  | { readonly kind: 'note'; readonly at: number; readonly party: string; readonly words: string }

/** A call, its answer or failure, an event or the start of a workflow on its way. */
export type Arrow = 'call' | 'answer' | 'failure' | 'event'

export interface Sequence {
  /** In the order in which they come in. */
  readonly parties: readonly string[]
  readonly lines: readonly SequenceLine[]
}

const ARROWS: Readonly<Record<Arrow, string>> = { call: '->>', answer: '-->>', failure: '--x', event: '-)' }

/** Who told whom what. @param tree the roots of the causes. */
export function sequenceLines(tree: readonly CausalNode[]): Sequence {
  const diagram = new Diagram(conductorsOf(tree))
  for (const node of tree) diagram.add(node, OUTSIDE)
  return diagram.told()
}

/** Mermaid text of the sequence of a key. @param tree the roots of its causes. */
export function sequence(key: string, tree: readonly CausalNode[]): string {
  const { parties, lines } = sequenceLines(tree)
  const short = (party: string): string => `p${parties.indexOf(party)}`
  return [
    'sequenceDiagram',
    `  accTitle: ${safe(key)}`,
    ...parties.map((name) => `  ${name === OUTSIDE ? 'actor' : 'participant'} ${short(name)} as ${safe(name)}`),
    ...lines.map((line) =>
      line.kind === 'note'
        ? `  Note over ${short(line.party)}: ${safe(line.words)}`
        : `  ${short(line.from)}${ARROWS[line.what]}${short(line.to)}: ${safe(line.words)}`,
    ),
  ].join('\n')
}

/** The party that brings in what no service of the application does. */
export const OUTSIDE = 'outside'

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
  readonly #parties = new Set<string>()
  readonly #lines: SequenceLine[] = []

  constructor(conductors: ReadonlyMap<string, string>) {
    this.#conductors = conductors
  }

  told(): Sequence {
    // Equal times stay as they are: causes stand before what they brought about.
    return { parties: [...this.#parties], lines: this.#lines.toSorted((one, other) => one.at - other.at) }
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
    for (const conductor of conductors) this.#arrow(from, 'event', conductor, event.time, event.type)
    for (const { run, call } of reactions) {
      const conductor = this.#conductors.get(run.parent ?? '')
      if (conductor === undefined) this.#arrow(from, 'event', serviceOf(run.name), event.time, event.type)
      else this.#arrow(conductor, 'call', serviceOf(run.name), run.created, operationOf(run.call ?? call ?? ''))
    }
    if (reactions.length === 0) this.#note(from, event.time, event.type)
    for (const child of children) this.add(child, from)
  }

  #addRun({ run, call, children, attempts }: RunNode, from: string): void {
    const party = run.kind === 'workflow' ? run.name : serviceOf(run.name)
    if (run.kind === 'workflow') this.#arrow(from, 'event', party, run.created, 'starts')
    if (run.kind === 'operation') this.#arrow(from, 'call', party, run.created, operationOf(call ?? run.name))
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
      'call',
      party,
      asked,
      `${operationOf(call)}${node.undoes === null ? '' : ` (takes back ${node.undoes})`}`,
    )
    if (wait !== null) this.#note(party, wait.since, waitWords(wait))
    const tries = attempts > 1 ? `, attempt ${attempts}` : ''
    if (ended !== null && failure !== null)
      this.#arrow(party, 'failure', from, ended, `${failureCode(failure)}${tries}`)
    else if (ended !== null) this.#arrow(party, 'answer', from, ended, `${answerType(answer)}${tries}`)
    if (givenUp) this.#note(from, ended ?? asked, `gives ${call} up`)
    for (const child of children) if (child.kind !== 'event' || child.children.length > 0) this.add(child, party)
  }

  #arrow(from: string, what: Arrow, to: string, time: string, words: string): void {
    this.#parties.add(from).add(to)
    this.#lines.push({ kind: 'arrow', at: Date.parse(time), from, to, what, words })
  }

  #note(party: string, time: string, words: string): void {
    this.#parties.add(party)
    this.#lines.push({ kind: 'note', at: Date.parse(time), party, words })
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
