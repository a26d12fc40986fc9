import { nearest } from './nearest.js'
import { Problem } from './problem.js'
const SHOWN_CHARS = 64
/** @throws Problem 400 for a parameter that is not in `names`, with the nearest one that is, or that comes twice. */
export function checkQuery(query, names) {
  for (const name of new Set(query.keys())) {
    const shown = name.slice(0, SHOWN_CHARS)
    if (!names.includes(name)) {
      const taken = names.length === 0 ? 'This route takes none.' : `This route takes ${names.join(', ')}.`
      const detail = `There is no parameter "${shown}" here.${nearest(name, names)}`
      throw new Problem(400, 'QUERY_INVALID', detail, taken, shown)
    }
    if (query.getAll(name).length > 1) {
      throw new Problem(400, 'QUERY_INVALID', `The parameter "${name}" is given more than once.`, 'Say it once.', name)
    }
  }
}
/** @throws Problem 400 that says what is wrong with the value. */
export function parseQuery(name, value, schema) {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const detail = `The parameter "${name}" is not valid: ${parsed.error.issues[0]?.message}.`
  throw new Problem(400, 'QUERY_INVALID', detail, 'Correct the parameter.', name)
}
