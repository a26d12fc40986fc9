// Renders the causal tree of a key: one line for a run, a call, an event or something awaited, with its time since the
// beginning and how long it took. The tree may be as deep as the flow is long, so that it is walked with a list and not
// by recursion.
import { isRecord, type Json } from '../core/json.ts'
import { showMs } from '../core/duration.ts'
import type { RunView, WaitView } from '../core/views.ts'
import { choiceLines } from './choices.ts'
import type { CallNode, CausalNode, EventNode, RunNode, WaitNode } from './causal-tree.ts'
import { answerWords, failureWords } from './journal-words.ts'
import { printableView } from './printable.ts'
import { between, offset } from './times.ts'
import { statusPaint, type TimelineStyle } from './timeline.ts'
import { errorWords, isStuckAt, lengthWords, stuckWords, waitingLine, waitWords } from './why-waiting.ts'

const OFFSET_WIDTH = 9
const DEPTH_LIMIT = 32

/** One line for the whole key: what there is, and for every open run why it waits and what can be done. */
export function summaryLines(
  key: string,
  runs: readonly RunView[],
  eventCount: number,
  { now, paint, place }: TimelineStyle,
): readonly string[] {
  const open = printableView(runs.filter(({ status }) => status === 'running' || status === 'stuck'))
  const counts = new Map<string, number>()
  for (const { status } of runs) counts.set(status, (counts.get(status) ?? 0) + 1)
  const states = [...counts].map(([status, count]) => `${count} ${status}`).join(', ')
  const events = `${eventCount} event${eventCount === 1 ? '' : 's'}`
  const first = `${paint.bold(key)}: ${runs.length === 0 ? 'no run' : states}; ${events}.${open.length === 0 ? ' No run is open.' : ''}`
  return [
    first,
    ...open.flatMap((run) => [
      statusPaint(paint, run.status)(`${run.id}: ${waitingLine(run, now, place).replaceAll('\n', ' ')}`),
      ...choiceLines(run, place),
    ]),
  ]
}

/** The lines of a tree, roots at the margin. */
export function causalLines(roots: readonly CausalNode[], style: TimelineStyle): readonly string[] {
  const origin = roots.length === 0 ? 0 : Math.min(...roots.map(timeOf).filter(Number.isFinite))
  const lines: string[] = []
  const open = roots.map((node) => ({ node, depth: 0, before: '', after: '' })).reverse()
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, depth, before, after } = next
    const when = Number.isFinite(timeOf(node)) ? offset(timeOf(node), origin) : ''
    lines.push(`${style.paint.dim(when.padStart(OFFSET_WIDTH))}  ${before}${words(node, depth === 0, style)}`)
    const children = node.children.filter((child) => !isToldByCall(node, child))
    for (const [index, child] of [...children.entries()].reverse()) {
      open.push({ node: child, depth: depth + 1, ...branch(after, depth, index === children.length - 1) })
    }
  }
  return lines
}

/** What stands before a child and before what is below it. Past the depth limit nothing is indented further. */
function branch(after: string, depth: number, isLast: boolean): { readonly before: string; readonly after: string } {
  if (depth >= DEPTH_LIMIT) return { before: `${after}↳ `, after }
  return { before: `${after}${isLast ? '└─ ' : '├─ '}`, after: `${after}${isLast ? '   ' : '│  '}` }
}

/** The outcome of a workflow's call is told on the line of the call, unless it was published and went on from there. */
function isToldByCall(node: CausalNode, child: CausalNode): boolean {
  return node.kind === 'call' && child.kind === 'event' && !child.event.published && child.children.length === 0
}

function timeOf(node: CausalNode): number {
  switch (node.kind) {
    case 'run':
      return Date.parse(node.run.created)
    case 'event':
      return Date.parse(node.event.time)
    case 'call':
      return Date.parse(node.asked)
    case 'wait':
      return Number.NaN
  }
}

function words(unsafe: CausalNode, isRoot: boolean, style: TimelineStyle): string {
  const node = { ...unsafe, children: [] } as CausalNode
  switch (node.kind) {
    case 'run':
      return runWords({ ...node, run: printableView(node.run) }, isRoot, style)
    case 'event':
      return eventWords({ ...node, event: printableView(node.event) }, isRoot, style)
    case 'call':
      return callWords(printableView(node), style)
    case 'wait':
      return style.paint.yellow(waitLine(printableView(node), style.now))
  }
}

function runWords({ run, call, attempts }: RunNode, isRoot: boolean, { paint, now }: TimelineStyle): string {
  const name = run.kind === 'reaction' ? `${run.name.split(':')[0] ?? run.name} reacts` : `${run.kind} ${run.name}`
  const what = call === null || call === run.name ? '' : `: ${call}`
  const length = lengthWords(run, now)
  const tries = attempts > 1 ? `, ${attempts} attempts` : ''
  const error = run.error === undefined ? '' : ` (${errorWords(run.error)})`
  const state =
    run.status === 'running'
      ? `${run.phase ?? 'running'} for ${length}`
      : run.status === 'stuck'
        ? `stuck${run.phase === undefined ? '' : `, ${run.phase}`}${error}`
        : `${run.status} in ${length}${error}`
  const isSolo = run.kind !== 'workflow' && run.kind !== 'choreography'
  const [wait] = run.waits
  const isStuck = wait !== undefined && isStuckAt(run, wait)
  const solo = !isSolo ? '' : isStuck ? `, ${stuckWords(wait, now)}` : pending(wait, now)
  const id = run.kind === 'reaction' ? '' : ` ${paint.dim(run.id)}`
  return `${paint.bold(`${name}${what}`)}${id}  ${statusPaint(paint, run.status)(`${state}${tries}`)}${solo}${isRoot ? foreign(run.cause, paint.dim) : ''}`
}

function eventWords({ event }: EventNode, isRoot: boolean, { paint }: TimelineStyle): string {
  const quiet = event.published ? '' : paint.dim(' (not published)')
  return `${paint.cyan(event.type)} ${paint.dim(`from ${event.source}`)}${quiet}${isRoot ? foreign(event.causationid ?? null, paint.dim) : ''}`
}

function callWords(call: CallNode, { paint, now, columns }: TimelineStyle): string {
  const name =
    call.undoes === null ? `${call.step ? 'step ' : ''}${call.op}` : `${call.call ?? call.op} takes back ${call.undoes}`
  const tries = call.attempts > 1 ? `, ${call.attempts} attempts` : ''
  if (call.ended === null) {
    if (call.stuck && call.wait !== null)
      return `${name}  ${paint.yellow(stuckWords({ ...call.wait, undoes: undefined }, now))}`
    const open = call.givenUp ? 'given up' : 'not answered'
    // What it takes back is said by its name.
    const waits = call.wait === null ? tries : pending({ ...call.wait, undoes: undefined }, now)
    return `${name}  ${paint.yellow(`${open}${waits}`)}`
  }
  const length = showMs(between(call.asked, call.ended, now))
  const by = call.by === null ? '' : `, by ${call.by}`
  if (call.failure !== null)
    return `${name}  ${paint.red(`failed after ${length}${tries}${by}: ${failureWords(call.failure)}`)}`
  return `${name}  ${answered(call.answer, columns)}${paint.dim(`${length}${tries}${by}`)}`
}

/** The type of an outcome; a value is shown short. */
function answered(answer: Json | null, columns: number): string {
  if (isRecord(answer) && answer['kind'] === 'event' && typeof answer['type'] === 'string') return `${answer['type']}  `
  return answer === null ? '' : `${answerWords(answer, Math.max(20, Math.floor(columns / 3)))}  `
}

function waitLine({ wait, stuck }: WaitNode, now: number): string {
  return stuck ? `✋ ${stuckWords(wait, now)}` : `⌛ ${waitWords(wait, now)}`
}

function pending(wait: WaitView | undefined, now: number): string {
  return wait === undefined
    ? ''
    : `, ${waitWords(wait, now)}${wait.attempt?.next == null || wait.place !== undefined ? '' : `, again in ${showMs(Math.max(0, Date.parse(wait.attempt.next) - now))}`}`
}

/** A root whose cause is not among what was found. */
function foreign(cause: string | null, dim: (text: string) => string): string {
  return cause === null ? '' : dim(` (brought about by ${cause}, which is not of this key)`)
}
