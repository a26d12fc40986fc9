// The version of this Ballet, from its package: what the command shows, and what a process says of itself.
import { parseText } from '../core/json-text.ts'
import { ownPackage } from '../core/own-files.ts'
import { readFileSync } from 'node:fs'

let known: string | undefined

/** `0.1.0`; read once, since it stays as long as the process does. */
export function balletVersion(): string {
  return (known ??= readVersion())
}

function readVersion(): string {
  const text = readFileSync(new URL('package.json', ownPackage), 'utf8')
  return (parseText(text) as { readonly version: string }).version
}
