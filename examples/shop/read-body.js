// Reads the body of a request: bounded and guarded by Ballet's own reader, then held against a schema. A word that is
// not known (a field, or one of a few values) is answered with the nearest one that is known in that very place.
import { readJson } from 'ballet/server'
import { z } from 'zod'
import { nearest } from './nearest.js'
import { Problem } from './problem.js'
const LIMIT_BYTES = 65_536
/** @throws Problem 422 with the path of the first field that is wrong, and what `readJson` throws. */
export async function readBody(request, schema) {
  const body = await readJson(request, LIMIT_BYTES)
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
  const path = [...(issue?.path ?? []), ...unknown].join('.') || 'the top'
  const hint = issue === undefined ? '' : nearestWord(issue, schema, body)
  const detail = `The body is not valid at ${path}: ${issue?.message}.${hint}`
  throw new Problem(422, 'BODY_INVALID', detail, 'Correct that field and send again.', path)
}
const Known = z.object({ known: z.array(z.string()) })
function nearestWord(issue, schema, body) {
  switch (issue.code) {
    case 'unrecognized_keys':
      return nearest(issue.keys[0] ?? '', fieldsAt(schema, issue.path))
    case 'invalid_value':
      return nearestOf(valueAt(body, issue.path), issue.values.map(String))
    case 'custom':
      // A rule of a schema's own names the words that it knows.
      return nearestOf(valueAt(body, issue.path), Known.safeParse(issue.params).data?.known ?? [])
    default:
      return ''
  }
}
const nearestOf = (word, known) => (typeof word === 'string' ? nearest(word, known) : '')
/** The fields that the schema has at a path: what stands in an object or a list, optional or not. */
function fieldsAt(schema, path) {
  if (schema instanceof z.ZodOptional) return fieldsAt(schema.unwrap(), path)
  const [first, ...rest] = path
  if (schema instanceof z.ZodArray) return fieldsAt(schema.element, rest)
  if (!(schema instanceof z.ZodObject)) return []
  return first === undefined ? Object.keys(schema.shape) : fieldsAt(schema.shape[String(first)], rest)
}
function valueAt(body, path) {
  return path.reduce(
    (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
    body,
  )
}
