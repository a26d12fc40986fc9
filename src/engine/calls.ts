// Turns a call or a step into an effect: finds the operation's body, builds its context, checks what it answers and
// brings the answer to its stored form. An operation with outcomes answers with an event value, one with an output
// with that; what it does not declare is a fault in its code and is not retried.
import { fault, isBalletError } from '../core/errors.ts'
import { toWholeText } from '../core/json-losses.ts'
import { fromText, toText, type JsonText } from '../core/json.ts'
import type { Command } from '../core/journal.ts'
import { keyOf, nearest, splitKey } from '../core/names.ts'
import { validate } from '../core/schema.ts'
import type { RunRow } from '../core/store.ts'
import type { CallSettings } from '../core/contracts.ts'
import type { StepWork } from '../core/issue.ts'
import { isEventValue } from '../core/values.ts'
import type { OperationContext, OperationDefinition } from '../define/definition.ts'
import { isRecord } from '../core/json.ts'
import { ATTEMPTS, attemptPolicy, type AttemptPolicy } from '../define/policy.ts'
import { CallContext, type CallEnvironment } from './call-context.ts'
import type { Bound } from './call-limits.ts'
import type { Attempts, Effect } from './effect.ts'

/** An effect, but for what becomes of answers that come too late. */
type Undertaking = Omit<Effect, 'late'>

/**
 * The effect of a `call` command. An operation that is not here (any more) parks the call.
 * @param undone key of the call that it takes back.
 */
export function callEffect(
  environment: CallEnvironment,
  row: RunRow,
  command: Extract<Command, { kind: 'call' }>,
  operation: OperationDefinition | undefined,
  settings: CallSettings | undefined,
  attempts: Attempts,
  undone: string | null,
): Undertaking {
  const { policy, timeoutMs } = policyOf(settings, command.call, operation)
  const origin = operation?.elsewhere?.origin
  const heart = environment.heartbeats.of(row.num, command.op, operation)
  return {
    run: row.num,
    op: command.op,
    name: origin === undefined ? command.call : `${command.call} at ${origin}`,
    counts: environment.counts.attemptsOf('operation', command.call),
    policy,
    timeoutMs,
    heart,
    isEndless: operation?.elsewhere?.isEndless === true,
    ...attempts,
    bounds: boundsOf(operation, command.input),
    mustSucceed: undone !== null,
    attempt: async (attempt, stop) => {
      const run = operation?.elsewhere?.call ?? operation?.run
      if (operation === undefined || run == null)
        throw fault('CODE_MISSING', { run: `The run "${row.id}"`, call: command.call })
      const { round = 0 } = attempts
      const context = new CallContext(environment, {
        row,
        op: command.op,
        undoes: undone,
        attempt,
        round,
        timeoutMs,
        heart,
        stop,
      })
      const { current } = environment
      try {
        const answer = current.body(row.id, command.op, () => run(fromText(command.input), context))
        return answerText(operation, await answer)
      } catch (error) {
        throw ofBody(error)
      }
    },
  }
}

/** The effect of a `step` command. */
export function stepEffect(
  environment: CallEnvironment,
  row: RunRow,
  op: string,
  work: StepWork,
  attempts: Attempts,
): Undertaking {
  const name = op.replace(/[#/].*$/, '')
  const { policy, timeoutMs } = policyOf(work.settings, name, undefined)
  return {
    run: row.num,
    op,
    name,
    counts: environment.counts.attemptsOf('step', row.name),
    policy,
    timeoutMs,
    heart: null,
    isEndless: false,
    ...attempts,
    bounds: null,
    mustSucceed: false,
    attempt: async (attempt, stop) => {
      const body = work.body as (context: OperationContext) => unknown
      const { round = 0 } = attempts
      const called = { row, op, undoes: null, attempt, round, timeoutMs, heart: null, stop }
      const context = new CallContext(environment, called)
      try {
        const answer = await environment.current.body(row.id, op, () => body(context))
        return toWholeText(answer, `what step "${name}" returned`)
      } catch (error) {
        throw ofBody(error)
      }
    },
  }
}

/** A run that a body has asked for something needs code that is not there. That of the body is, so this is a failure like any other. */
class GoneThere extends Error {
  constructor({ message, stack }: Error) {
    super(message)
    if (stack !== undefined) this.stack = stack
  }
}

const ofBody = (error: unknown): unknown =>
  isBalletError(error) && error.code === 'CODE_MISSING' ? new GoneThere(error) : error

/** What a call waits for: a limit by a field is none for an input that has no such field. Null for nothing. */
function boundsOf(operation: OperationDefinition | undefined, text: JsonText): readonly Bound[] | null {
  if (operation === undefined) return null
  const { limits, elsewhere } = operation
  if (limits.length === 0 && elsewhere?.work == null) return null
  const input = limits.some(({ per }) => per !== null) ? fromText(text) : undefined
  const bounds: Bound[] = []
  for (const limit of limits) {
    const value = limit.per === null ? '' : isRecord(input) ? input[limit.per] : undefined
    if (typeof value === 'string' || typeof value === 'number') bounds.push({ limit, value: String(value) })
  }
  // The last: whoever fetches it has room only for what may be made now.
  if (elsewhere?.work != null) bounds.push({ limit: elsewhere.work.line, value: '' })
  return bounds.length === 0 ? null : bounds
}

function policyOf(
  settings: CallSettings | undefined,
  name: string,
  base: AttemptPolicy = ATTEMPTS,
): Pick<Effect, 'policy' | 'timeoutMs'> {
  // Most calls say nothing of their own.
  const isOwn = settings?.retry !== undefined || settings?.timeout !== undefined
  const { retry, timeoutMs } = isOwn ? attemptPolicy(settings, name, base) : base
  return { policy: retry, timeoutMs }
}

/** The outcome event in the stored answer of an operation, with its key; null when the operation has an output. */
export function outcomeOf(
  operation: OperationDefinition,
  payload: JsonText | undefined,
): { readonly type: string; readonly key: string; readonly data: JsonText } | null {
  const value = operation.outcomes.length === 0 ? undefined : fromText(payload)
  if (!isEventValue(value)) return null
  const event = operation.outcomes.find((outcome) => outcome.type === value.type)
  if (event === undefined) return null
  return { type: value.type, key: `${event.key}:${value.key}`, data: toText(value.data, 'an outcome') ?? 'null' }
}

/**
 * The stored form of what a person answers in the place of an operation: `{ type, data }` of an outcome, or its output.
 * @throws REQUEST_INVALID, INPUT_INVALID, VALUE_NOT_JSON, KEY_INVALID
 */
export function givenAnswerText(operation: OperationDefinition, value: unknown): JsonText | undefined {
  const types = operation.outcomes.map(({ type }) => type)
  if (types.length === 0) return answerText(operation, value)
  if (!isRecord(value) || typeof value['type'] !== 'string' || !types.includes(value['type'])) {
    const problem = `${operation.name} answers {"type": ..., "data": ...} with the type ${types.join(' or ')}`
    throw fault('REQUEST_INVALID', { what: 'The answer', path: 'value', problem })
  }
  return answerText(operation, { kind: 'event', type: value['type'], data: value['data'] })
}

/**
 * Refuses what a person answers when it is about another thing than the call: an outcome whose key has a field that the
 * input of the call has too, or that is the key of its run, with another value. @throws REQUEST_INVALID
 */
export function checkAnswerKey(
  operation: OperationDefinition,
  answer: JsonText | undefined,
  { input, key }: { readonly input: JsonText; readonly key: string | null },
): void {
  const outcome: unknown = fromText(answer)
  if (operation.outcomes.length === 0 || !isRecord(outcome)) return
  const field = operation.outcomes.find(({ type }) => type === outcome['type'])?.key
  if (field === undefined) return
  const given: unknown = fromText(input)
  const run = key === null ? null : splitKey(key)
  const asked =
    isRecord(given) && given[field] !== undefined ? given[field] : run?.field === field ? run.value : undefined
  if (typeof asked !== 'string' && typeof asked !== 'number') return
  if (keyOf(field, asked) === keyOf(field, outcome['key'])) return
  const problem = `it is ${JSON.stringify(outcome['key'])}, and the call was made for ${JSON.stringify(asked)}`
  throw fault('REQUEST_INVALID', { what: 'The answer', path: `value.data.${field}`, problem })
}

/** The stored form of what an operation returned. @throws OUTCOME_UNDECLARED, INPUT_INVALID, VALUE_NOT_JSON, KEY_INVALID */
function answerText(operation: OperationDefinition, answer: unknown): JsonText | undefined {
  const what = `what ${operation.name} answered`
  if (operation.output !== null) return toWholeText(validate(operation.output, answer, what), what)
  if (operation.outcomes.length === 0) return undefined
  const declared = isEventValue(answer) ? operation.outcomes.find((event) => event.type === answer.type) : undefined
  if (declared === undefined || !isEventValue(answer)) {
    const got = isEventValue(answer) ? answer.type : describe(answer)
    const near = nearest(
      got,
      operation.outcomes.map((event) => event.type),
    )
    throw fault('OUTCOME_UNDECLARED', { call: operation.name, got, nearest: near })
  }
  const data = validate(declared.schema, answer.data, `the data of ${answer.type}`)
  const key = isRecord(data) ? data[declared.key] : undefined
  keyOf(declared.key, key)
  return toWholeText({ kind: 'event', type: answer.type, data, key }, what)
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  return isRecord(value) ? 'an object that is no event' : `a ${typeof value}`
}
