// The comparison that the file of an application exports.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { fault } from '../../core/errors.ts'
import { isRecord } from '../../core/json.ts'
import { nearest } from '../../core/names.ts'
import type { Comparison } from '../../define/comparison.ts'
import type { ApplicationDefinition } from '../../define/definition.ts'
import { loadApplication, type LoadedApplication } from '../load-application.ts'

/** @throws APP_INVALID, and COMPARISON_INVALID when the file says nothing of a comparison, or something that cannot be. */
export async function loadComparison(
  path: string,
  cwd: string,
): Promise<LoadedApplication & { readonly comparison: Comparison }> {
  const loaded = await loadApplication(path, cwd)
  const file = resolve(cwd, path)
  // It is loaded already: this is the same module.
  const module: unknown = await import(pathToFileURL(file).href)
  const comparison = isRecord(module) ? module['comparison'] : undefined
  const problem = problemOf(comparison, loaded.definition)
  if (problem !== null) throw fault('COMPARISON_INVALID', { path: file, problem })
  return { ...loaded, comparison: comparison as Comparison }
}

/** What keeps it from being a comparison; null when nothing does. */
function problemOf(comparison: unknown, definition: ApplicationDefinition): string | null {
  if (comparison === undefined) return 'it has no "export const comparison"'
  if (!isRecord(comparison)) return 'its "comparison" is no object'
  const { styles, kept, last, gate, make } = comparison
  if (!isTexts(styles) || styles.length === 0) return 'comparison.styles is no list of the names of styles'
  if (!isTexts(kept)) return 'comparison.kept is no list of endings'
  if (!isTexts(last) || last.length === 0) return 'comparison.last is no list of types of events'
  if (typeof gate !== 'string') return 'comparison.gate is no name of an operation'
  if (typeof make !== 'function') return 'comparison.make is no function'
  const types = definition.events.map(({ type }) => type)
  const strange = last.find((type) => !types.includes(type))
  if (strange !== undefined)
    return `comparison.last has "${strange}", and no event here has that type${near(strange, types)}`
  const operations = definition.services.flatMap((service) => service.operations.map(({ name }) => name))
  if (!operations.includes(gate))
    return `comparison.gate is "${gate}", and no operation here has that name${near(gate, operations)}`
  return null
}

/** `; the nearest is "x"`, or nothing. */
function near(name: string, names: readonly string[]): string {
  const [, found] = /"(.*)"/.exec(nearest(name, names)) ?? []
  return found === undefined ? '' : `; "${found}" is near`
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
