// What the commands that act on one run print: a sentence that says what is durable now, and on stderr what a person
// may want to know next.
import type { Acted } from '../define/application.ts'
import { actedWords } from './acted-words.ts'
import type { Given } from './command.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { placeWords } from './place.ts'
import { printable } from './printable.ts'
import { print, type Terminal } from './terminal.ts'
import { shellWord } from './why-waiting.ts'

/** Prints what an action came to. */
export function printActed(acted: Acted, given: Given, terminal: Terminal): ExitCode {
  const json = given.flag('json')
  if (!acted.changed) terminal.note('This had been asked for before; nothing new happened.')
  print(terminal, json, acted, () => [printable(actedWords(acted))])
  if (!json) terminal.note(`See it: ballet show ${printable(shellWord(acted.id))}${placeWords(given)}`)
  return EXIT.ok
}
