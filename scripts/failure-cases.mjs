// The failure cases: tests whose titles begin with the code of a kind of failure, `F7: a full disk: refused with 507 ...`,
// read from their sources. The script that writes docs/failures.md and the test that keeps it fresh both ask here.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What each code means; a new kind takes the next number, and none is used again. */
export const KINDS = {
  F1: 'a process dies',
  F3: 'the database dies',
  F4: 'the power fails',
  F5: 'stored bytes are damaged',
  F6: 'the disk fails',
  F7: 'the disk is full',
  F8: 'the network fails',
  F9: 'the reply to a commit is lost',
  F10: 'somebody else has the store',
  F11: 'time passes in jumps',
  F12: 'something comes twice, late or in another order',
  F13: 'a service is slow, broken, or says no',
  F14: 'code of the application is wrong',
  F15: 'code or stored layout has changed',
  F16: 'there is too much of something',
  F17: 'much is due at once',
  F20: 'somebody who operates it is mistaken',
  F21: 'a run is cancelled, or has to be taken back',
  F22: 'something is stuck and a person decides',
  F23: 'the input is hostile',
}

const FOLDERS = ['src', 'test', 'examples']
const TITLE = /^\s*(?:test|it)(?:\.skipIf\([^\n]*?\))?\(\s*'(F\d+): ((?:[^'\\\n]|\\.)+)'/gm

/** Every case of the sources, by kind and then by file: its code, cause and expectation, its file and its title. */
export function failureCases(root) {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .map((path) => join(folder, path).replaceAll('\\', '/'))
      .filter((path) => path.endsWith('.test.ts') && !path.includes('node_modules')),
  )
  const cases = files.toSorted().flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(TITLE)].map(([, code, quoted]) => {
      const words = quoted.replaceAll(/\\(.)/g, '$1')
      const colon = words.indexOf(': ')
      const [cause, expected] = colon === -1 ? [words, ''] : [words.slice(0, colon), words.slice(colon + 2)]
      return { code, cause, expected, file, title: `${code}: ${words}` }
    }),
  )
  return cases.toSorted((left, right) => Number(left.code.slice(1)) - Number(right.code.slice(1)))
}

/** A case as the beginning of its row in the table, without the result. */
export function rowOf({ code, cause, expected, file }) {
  return `| ${[code, cause, expected, `[${file}](../${file})`].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
