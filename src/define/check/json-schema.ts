// The JSON Schema of a schema, where its library can give one: Standard JSON Schema (standardschema.dev), draft 2020-12.
// zod gives it from 4.2 on. Read by the checks that need to know what data look like; nothing at run time rests on it.
import { isRecord } from '../../core/json.ts'
import type { Schema } from '../../core/schema.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

/** Made once for each schema: libraries take long for it. */
const known = { input: new WeakMap<Schema, JsonSchema | null>(), output: new WeakMap<Schema, JsonSchema | null>() }

/** What a schema takes (`input`) or gives (`output`) as JSON Schema, or null when its library does not say. */
export function jsonSchemaOf(schema: Schema, side: 'input' | 'output'): JsonSchema | null {
  const found = known[side].get(schema)
  if (found !== undefined) return found
  const made = makeJsonSchema(schema, side)
  known[side].set(schema, made)
  return made
}

function makeJsonSchema(schema: Schema, side: 'input' | 'output'): JsonSchema | null {
  const standard: unknown = schema['~standard']
  if (!isRecord(standard) || !isRecord(standard['jsonSchema'])) return null
  const make = standard['jsonSchema'][side]
  if (typeof make !== 'function') return null
  try {
    const made = (make as (options: { readonly target: string }) => unknown)({ target: 'draft-2020-12' })
    return isRecord(made) ? made : null
  } catch {
    // A library says so for what JSON Schema cannot express.
    return null
  }
}
