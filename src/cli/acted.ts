// What the commands that act on one run print: a sentence that says what is durable now, and on stderr what a person
// may want to know next.
import type { Acted, Action } from '../define/application.ts'
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
  print(terminal, json, acted, () => [printable(sentence(acted))])
  if (!json) terminal.note(`See it: ballet show ${printable(shellWord(acted.id))}${placeWords(given)}`)
  return EXIT.ok
}

const OF_RUN: Readonly<Record<Action, string>> = {
  cancel: 'is asked to stop and to take back what it did.',
  retry: 'goes on with the code of today.',
  answer: 'is answered.',
  fail: 'ends as failed.',
}
const OF_CALLS: Readonly<Record<Action, readonly [one: string, several: string]>> = {
  cancel: ['is given up', 'are given up'],
  retry: ['is tried again', 'are tried again'],
  answer: ['is answered', 'are answered'],
  fail: ['fails', 'fail'],
}

function sentence({ id, action, ops, kept, dropped }: Acted): string {
  if (kept === true)
    return `${id} is asked to stop, but its code cannot go on. That is kept: mend the code and retry the run; it stops then, and takes back what it did.`
  if (dropped === 'cancel')
    return `${id} ends as failed. It had been asked to stop: that is dropped, and nothing more is taken back.`
  if (dropped === 'undo')
    return `${id} ends as failed. It was to take back what a late answer had done: that stays done; look at the service.`
  if (ops.length === 0 || action === 'cancel') return `${id} ${OF_RUN[action]}`
  return `${id}: ${ops.join(', ')} ${OF_CALLS[action][ops.length === 1 ? 0 : 1]}.`
}
