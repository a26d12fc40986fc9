// The comparison that the file of an application exports.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { fault } from '../../core/errors.ts'
import { isRecord } from '../../core/json.ts'
import type { Comparison } from '../../define/comparison.ts'
import { loadApplication, type LoadedApplication } from '../load-application.ts'

/** @throws APP_INVALID, also when the file says nothing of a comparison. */
export async function loadComparison(
  path: string,
  cwd: string,
): Promise<LoadedApplication & { readonly comparison: Comparison }> {
  const loaded = await loadApplication(path, cwd)
  const file = resolve(cwd, path)
  // It is loaded already: this is the same module.
  const module: unknown = await import(pathToFileURL(file).href)
  const comparison = isRecord(module) ? module['comparison'] : undefined
  if (isComparison(comparison)) return { ...loaded, comparison }
  const problem =
    'it has no "export const comparison" with styles, kept, last, gate and make, which says how an order is placed in each style'
  throw fault('APP_INVALID', { path: file, problem })
}

function isComparison(value: unknown): value is Comparison {
  return (
    isRecord(value) &&
    [value['styles'], value['kept'], value['last']].every(
      (list) => Array.isArray(list) && list.every((item) => typeof item === 'string'),
    ) &&
    typeof value['gate'] === 'string' &&
    typeof value['make'] === 'function'
  )
}
