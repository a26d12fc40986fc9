// The version of this Ballet, from its package: what the command shows, and what a process says of itself.
import { parseText } from '../core/json-text.ts'
import { ownPackage } from '../core/own-files.ts'
import { readFileSync } from 'node:fs'

/** `0.1.0` */
export function balletVersion(): string {
  const text = readFileSync(new URL('package.json', ownPackage), 'utf8')
  return (parseText(text) as { readonly version: string }).version
}
