// What a reaction calls. The mapping from an event to a call is code, but pure and synchronous, so it can be asked: it is
// given samples of its event's data, and the calls that it makes are facts. That it makes no other call is not: a sample
// has one number of all that there are, and one word, be it only the key, which every event has. The option `calls` of the
// reaction says which calls there are. Where no samples can be made, or where the call is a workflow, which is code as
// well, and nothing is declared, it stays unknown, and no check concludes anything from it.
import { isRecord } from '../../core/json.ts'
import type { EventValue } from '../../core/values.ts'
import type {
  ApplicationDefinition,
  EventDefinition,
  OperationDefinition,
  ReactionDefinition,
  WorkflowDefinition,
} from '../definition.ts'
import { finding, noteOf, type Finding } from './finding.ts'
import { leavesIn, ownSamplesOf, wordsIn } from './own-key.ts'
import { validated } from './samples.ts'

export interface ReactionFacts {
  readonly reaction: ReactionDefinition
  /** Operations that it was seen to call, or that it declares. */
  readonly calls: readonly OperationDefinition[]
  /** Names of the workflows that it was seen to call. */
  readonly workflows: readonly string[]
  /** It was seen, or is free, to call nothing or one of several. */
  readonly conditional: boolean
  /**
   * Whether it may call what is not in `calls`. `declared`: it does not. `sampled`: no sample made it do so, from which a
   * note can follow and never a fault. `unknown`: nothing follows from what is missing.
   */
  readonly known: 'declared' | 'sampled' | 'unknown'
  readonly findings: readonly Finding[]
}

/** What each reaction of an application calls, and what is wrong with its calls. */
export function reactionFacts(definition: ApplicationDefinition): readonly ReactionFacts[] {
  const operations = new Map(definition.services.flatMap((service) => service.operations.map((one) => [one.name, one])))
  return definition.reactions.map((reaction) => factsOf(reaction, operations, definition))
}

interface Seen {
  readonly names: Set<string>
  readonly findings: Finding[]
  readonly workflows: Set<string>
  silent: boolean
  answered: number
}

function factsOf(
  reaction: ReactionDefinition,
  operations: ReadonlyMap<string, OperationDefinition>,
  definition: ApplicationDefinition,
): ReactionFacts {
  const place = `reaction "${reaction.name}"`
  const seen: Seen = { names: new Set(), findings: [], workflows: new Set(), silent: false, answered: 0 }
  const samples = ownSamplesOf(reaction.event)
  for (const data of samples) ask(reaction, data, seen, operations, definition)
  const declared = reaction.calls
  for (const name of declared ?? []) {
    if (operations.has(name)) seen.names.add(name)
    else
      seen.findings.push(
        finding(
          'call-unknown',
          place,
          `it declares to call "${name}", which is no operation here`,
          `{ calls: [${[...operations.keys()]
            .slice(0, 3)
            .map((one) => `'${one}'`)
            .join(', ')}] }`,
        ),
      )
  }
  const known = declared !== null ? 'declared' : seen.answered > 0 && seen.workflows.size === 0 ? 'sampled' : 'unknown'
  if (known === 'unknown') seen.findings.push(unknownFinding(reaction, samples.length > 0, seen.workflows.size > 0))
  return {
    reaction,
    calls: [...seen.names].flatMap((name) => operations.get(name) ?? []),
    workflows: [...seen.workflows],
    conditional: declared !== null || seen.silent || seen.workflows.size > 0 || seen.names.size !== 1,
    known,
    findings: onePerCode(seen.findings),
  }
}

/** What a reaction calls is not known: its call is a workflow, it threw for all samples, or there were none. */
function unknownFinding({ name, event: { type } }: ReactionDefinition, isAsked: boolean, isWorkflow: boolean): Finding {
  const [why, before] = isWorkflow
    ? ['its call is a workflow, which is code', '']
    : isAsked
      ? [`it throws for all data of ${type} that were made up`, 'Let it throw for none, or ']
      : ['no data of its event could be made up', `examples in the schema of ${type}, or `]
  return finding(
    'reaction-unknown',
    `reaction "${name}"`,
    `what it calls is not known: ${why}`,
    `${before}{ calls: ['service.operation'] } as its options`,
  )
}

/** Lets a reaction answer one sample. */
function ask(
  reaction: ReactionDefinition,
  data: unknown,
  seen: Seen,
  operations: ReadonlyMap<string, OperationDefinition>,
  definition: ApplicationDefinition,
): void {
  const place = `reaction "${reaction.name}"`
  const { type, key } = reaction.event
  const value = isRecord(data) ? data[key] : undefined
  // One without its key is told of at the event (key-checks.ts), and is none that could be lost.
  const event: EventValue = { kind: 'event', type, data, key: typeof value === 'string' ? value : '' }
  let call: unknown
  try {
    call = (reaction.react as (data: unknown, event: EventValue) => unknown)(data, event)
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    seen.findings.push(
      finding(
        'reaction-threw',
        place,
        `it throws for data that ${type} can have: ${words}`,
        'Let it give null where there is nothing to call',
      ),
    )
    return
  }
  seen.answered++
  if (call === null) {
    seen.silent = true
    return
  }
  if (!isRecord(call) || call['kind'] !== 'call' || typeof call['name'] !== 'string') {
    // What becomes of a promise is nobody's concern here.
    if (call instanceof Promise) call.catch(() => {})
    const what = call instanceof Promise ? 'a promise' : typeof call
    seen.findings.push(
      finding(
        'reaction-answer',
        place,
        `it gives ${what} in place of a call`,
        `(data) => ${reaction.service}.operation({ ... }), without async`,
      ),
    )
    return
  }
  const name = call['name']
  const input = call['input']
  if (call['target'] === 'workflow') {
    seen.workflows.add(name)
    const workflow = definition.workflows.find((one) => one.name === name)
    if (workflow === undefined) seen.findings.push(foreign(place, `the workflow "${name}"`, `workflows: [${name}]`))
    else if (workflow.key === key) seen.findings.push(...workflowFindings(place, event, { ...workflow, key }, input))
    return
  }
  const operation = operations.get(name)
  if (operation === undefined) {
    const [service = ''] = name.split('.')
    seen.findings.push(foreign(place, `"${name}"`, `services: [${service}]`))
    return
  }
  seen.names.add(name)
  seen.findings.push(...inputFindings(place, event, { ...operation, key }, input))
}

function foreign(place: string, what: string, part: string): Finding {
  return finding('call-unknown', place, `it calls ${what}, which is not part of the application`, `ballet({ ${part} })`)
}

function workflowFindings(
  place: string,
  event: EventValue,
  { name, key, input: schema }: WorkflowDefinition & Pick<EventDefinition, 'key'>,
  input: unknown,
): readonly Finding[] {
  const result = validated(schema, input)
  if (result === null || result.issues !== undefined) return []
  return keyFindings(place, event, { name, key, brings: 'what it calls' }, result.value)
}

function inputFindings(
  place: string,
  event: EventValue,
  operation: OperationDefinition & Pick<EventDefinition, 'key'>,
  input: unknown,
): readonly Finding[] {
  const { name, key, outcomes } = operation
  const result = validated(operation.input, input)
  if (result === null) return []
  if (result.issues !== undefined) {
    const [issue] = result.issues
    const path = (issue?.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return [
      finding(
        'input-unfit',
        place,
        `${name} refuses the input that it makes${path === '' ? '' : `, at ${path}`}: ${issue?.message ?? 'it does not match'}`,
        `Hand on what ${name} takes, or let its input schema take it`,
      ),
    ]
  }
  // What it answers with under another key is of no flow of this one.
  if (outcomes[0]?.key !== key) return []
  return keyFindings(place, event, { name, key, brings: 'its outcome' }, result.value)
}

/** Whether a value may say whose something is: a word, or a number by which a service knows it. */
const tells = (value: unknown): boolean => typeof value === 'string' || typeof value === 'number'

/** What is wrong with an input that does not hold the key of its event. Another word of the event may be the key in truth. */
function keyFindings(
  place: string,
  { data, key: word }: EventValue,
  { name, key, brings }: { readonly name: string; readonly key: string; readonly brings: string },
  input: unknown,
): readonly Finding[] {
  if (word === '' || wordsIn(input).some((one) => one.includes(word))) return []
  const given = isRecord(input) ? input[key] : undefined
  const others = new Set(leavesIn(data).filter((one) => one !== word && tells(one)))
  const stands = leavesIn(tells(given) ? given : input).some((one) => others.has(one))
  const one = finding(
    'key-lost',
    place,
    `the input of ${name} does not hold the key of the event, so that ${brings} cannot have it${stands ? ', unless another field has the same' : ''}`,
    `${name}({ ${key}: data.${key}, ... })`,
  )
  return [stands ? noteOf(one) : one]
}

/** The first of each code: samples repeat each other. */
function onePerCode(findings: readonly Finding[]): readonly Finding[] {
  return findings
    .filter(
      (one, index) => findings.findIndex((other) => other.code === one.code && other.problem === one.problem) === index,
    )
    .filter((one, index, all) => all.findIndex((other) => other.code === one.code) === index)
}
