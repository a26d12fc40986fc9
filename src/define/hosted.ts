// The other side of elsewhere.ts: operations that are carried out here for an application in another process. The input
// is judged by the schema that this side has, `run` is handed the context that it would have there, and what it answers
// becomes JSON as it is; whether that is what the operation declares is judged where it is kept. Nothing is kept here:
// a repeated attempt is told by its key, by whoever wrote `run`. Used by the doors of transports.
import { fault } from '../core/errors.ts'
import { toWholeText } from '../core/json-losses.ts'
import type { JsonText } from '../core/json.ts'
import { undeclaredHeartbeat } from '../core/progress.ts'
import { validate } from '../core/schema.ts'
import type { Asked, Heard } from '../core/transport.ts'
import { isEventValue } from '../core/values.ts'
import type { Defined } from './definition-symbol.ts'
import type { Log, OperationDefinition, ServiceDefinition } from './definition.ts'
import { serviceDefinitionOf } from './elsewhere.ts'
import { refuse } from './refusal.ts'

/** Carries out one attempt; the JSON text of its answer, undefined for none. @throws what `run` throws, INPUT_INVALID, VALUE_NOT_JSON */
export type Carry = (asked: Asked, signal: AbortSignal, heard: Heard) => Promise<JsonText | undefined>

/**
 * The operations of services that are carried out here, by their names.
 * @param log of one call, by the ids of its run and operation.
 * @throws DEFINITION_INVALID when one of them has no `run`.
 */
export function hosted(
  services: readonly Defined<ServiceDefinition>[],
  log: (run: string, op: string) => Log,
): ReadonlyMap<string, Carry> {
  const carried = new Map<string, Carry>()
  for (const service of services) {
    for (const operation of serviceDefinitionOf(service, 'serviceHandler(...)').operations) {
      const { name, run } = operation
      if (run === null) refuse(`operation "${name}"`, 'it has no run(input, context), and is to be carried out here')
      if (carried.has(name)) refuse(`operation "${name}"`, 'there are two of this name to be carried out here')
      const { heartbeatMs } = operation
      carried.set(name, async (asked, signal, heard) => {
        const input = validate(operation.input, asked.input, `the input of ${name}`)
        const { operation: _operation, input: _input, heartbeatMs: _heartbeatMs, ...attempt } = asked
        const heartbeat = heartbeatMs === null ? undeclaredHeartbeat : heard
        const answer = await run(input, { ...attempt, signal, log: log(asked.run, asked.op), heartbeat })
        return answerText(operation, answer)
      })
    }
  }
  return carried
}

function answerText({ name, outcomes, output }: OperationDefinition, answer: unknown): JsonText | undefined {
  const what = `what ${name} answered`
  if (output !== null) return toWholeText(answer, what)
  if (outcomes.length === 0) return undefined
  if (!isEventValue(answer) || !outcomes.some(({ type }) => type === answer.type)) {
    const got = isEventValue(answer) ? answer.type : answer === undefined ? 'nothing' : `a ${typeof answer}`
    throw fault('OUTCOME_UNDECLARED', { call: name, got, nearest: '' })
  }
  return toWholeText({ type: answer.type, data: answer.data }, what)
}
