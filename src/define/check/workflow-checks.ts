// What can be seen of a workflow, whose body is code: that its key is a field of its input. The compiler says so to those who
// write TypeScript; whoever casts, or writes JavaScript, would learn it from every start being refused.
import { isRecord } from '../../core/json.ts'
import type { ApplicationDefinition, WorkflowDefinition } from '../definition.ts'
import { finding, noteOf, type Finding } from './finding.ts'
import { jsonSchemaOf } from './json-schema.ts'

/** Whether the key of each workflow is a required string of its input, where its schema says. */
export function checkWorkflows({ workflows }: ApplicationDefinition): readonly Finding[] {
  return workflows.flatMap((workflow) => checkKey(workflow))
}

function checkKey({ name, key, input }: WorkflowDefinition): readonly Finding[] {
  const schema = key === null ? null : jsonSchemaOf(input, 'output')
  // What is put together of several schemas is not taken apart here.
  if (key === null || schema === null || !isRecord(schema['properties'])) return []
  const told = (problem: string): Finding =>
    finding(
      'key-unfit',
      `workflow "${name}"`,
      `its key "${key}" ${problem}`,
      `{ key: ... } names a field of its input that is always there, and a string`,
    )
  const field = schema['properties'][key]
  if (field === undefined) {
    return schema['additionalProperties'] === false ? [told('is no field of its input: every start is refused')] : []
  }
  const type = isRecord(field) ? field['type'] : undefined
  if (typeof type === 'string' && type !== 'string')
    return [told(`is of the type ${type} in its input: every start is refused`)]
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  return required.includes(key) ? [] : [noteOf(told('may be absent from its input: such a start is refused'))]
}
