// Limits of services that hold nobody: by a field that no input has (service-limits.ts).
import { isRecord } from '../../core/json.ts'
import type { ApplicationDefinition, OperationDefinition } from '../definition.ts'
import type { CallLimit } from '../service-limits.ts'
import { finding, type Finding } from './finding.ts'
import { jsonSchemaOf } from './json-schema.ts'

export function checkLimits({ services }: ApplicationDefinition): readonly Finding[] {
  return services.flatMap(({ name, limit, operations }) => [
    ...(limit === null ? [] : heldNobody(limit, `service "${name}"`, operations)),
    ...operations.flatMap((operation) => {
      const own = operation.limits.find((one) => one.name === operation.name)
      return own === undefined ? [] : heldNobody(own, `operation "${operation.name}"`, [operation])
    }),
  ])
}

function heldNobody({ per }: CallLimit, place: string, operations: readonly OperationDefinition[]): readonly Finding[] {
  if (per === null || operations.some((operation) => mayHave(operation, per))) return []
  const nobody = operations.length === 1 ? 'its input has not' : 'no input of its operations has'
  const problem = `it is limited by the field ${per}, which ${nobody}`
  return [finding('limit-by-nothing', place, problem, 'Name a field that is there, or leave out limits.per')]
}

/** Where its schema does not say, it may. */
function mayHave({ input }: OperationDefinition, field: string): boolean {
  const schema = jsonSchemaOf(input, 'output')
  if (schema === null) return true
  const { type, properties, additionalProperties = false } = schema
  if (type !== 'object') return type === undefined
  return !isRecord(properties) || Object.hasOwn(properties, field) || additionalProperties !== false
}
