// The version of a package as it is installed here, read from its own file: not every package lets that be imported.
import { readFileSync } from 'node:fs'

export function installedVersion(name) {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8')).version
}
