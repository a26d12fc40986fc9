// `ballet check`: whether the parts of an application fit, whether its choreographies can come about as they are written,
// and whether its schemas still are what was agreed. Nothing is started; the file is imported, and its reactions are
// asked with samples. The agreed schemas stand in a snapshot beside the file, which is committed with the code.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fault } from '../core/errors.ts'
import { parseText } from '../core/json-text.ts'
import { checkApplication, showFinding } from '../define/check/check.ts'
import type { Finding } from '../define/check/finding.ts'
import { compareSnapshot, isSnapshot, snapshotOf, type Snapshot } from '../define/check/snapshot.ts'
import type { ApplicationDefinition } from '../define/definition.ts'
import { originOf } from '../define/elsewhere.ts'
import { checkOptions } from '../engine/open.ts'
import type { Command } from './command.ts'
import { shownPath } from './discovery.ts'
import { EXIT } from './exit-code.ts'
import { loadApplication } from './load-application.ts'
import { ownOutputAside } from './own-output.ts'
import { printable } from './printable.ts'
import { print } from './terminal.ts'

const SNAPSHOT = 'ballet.contracts.json'

export const check: Command = {
  name: 'check',
  about: 'Check an application before anything runs: its parts, its choreographies, its schemas.',
  words: [{ name: 'app.ts', about: 'File whose default export is ballet({ ... }).' }],
  options: {
    snapshot: { value: '<file>', about: `The agreed schemas; default: ${SNAPSHOT} beside the file.` },
    strict: { about: 'A note is a fault as well: ends with 1. For CI.' },
    update: { about: 'Write the schemas of today into the snapshot: they are agreed.' },
  },
  examples: [
    'ballet check app.ts',
    'ballet check app.ts --strict',
    'ballet check app.ts --update',
    'ballet check app.ts --json',
  ],
  async run(given, terminal) {
    const [path = ''] = given.words
    const { definition, options } = await ownOutputAside(() => loadApplication(path, terminal.cwd))
    // With what the file says of how it is to run, it could not be opened.
    checkOptions(options)
    const file = resolve(terminal.cwd, given.text('snapshot') ?? join(dirname(resolve(terminal.cwd, path)), SNAPSHOT))
    const shown = printable(shownPath(file, terminal))
    const before = existsSync(file) ? readSnapshot(file) : null
    const findings = await ownOutputAside(async () => checkApplication(definition))
    const changes = before === null || given.flag('update') ? [] : compareSnapshot(before, definition)
    if (given.flag('update')) update(file, definition)
    const all = [...findings, ...changes].toSorted((one, other) => rank(one) - rank(other))
    const faults = all.filter(({ level }) => level === 'fault').length
    const notes = all.length - faults
    if (given.flag('update')) terminal.note(`Wrote ${shown}; commit it with the code.`)
    else if (before === null) terminal.note(`There is no ${shown} yet: --update writes the schemas of today into it.`)
    const elsewhere = definition.services.flatMap((service) => {
      const origin = originOf(service)
      return origin === null ? [] : [{ service: service.name, origin }]
    })
    const value = { application: definition.name, faults, notes, findings: all, elsewhere }
    print(terminal, given.flag('json'), value, () => [
      ...all.flatMap((one) => showFinding(one).split('\n').map(printable)),
      ...elsewhere.map(({ service, origin }) => `${service} is carried out at ${origin}; it was not asked.`),
      `${definition.choreographies.length} ${definition.choreographies.length === 1 ? 'choreography' : 'choreographies'}: ${count(faults, 'fault')}, ${count(notes, 'note')}.`,
    ])
    return faults + (given.flag('strict') ? notes : 0) === 0 ? EXIT.ok : EXIT.failed
  },
}

const rank = ({ level }: Finding): number => (level === 'fault' ? 0 : 1)
const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`

function readSnapshot(file: string): Snapshot {
  let value: unknown
  try {
    value = parseText(readFileSync(file, 'utf8'))
  } catch (error) {
    throw fault(
      'SNAPSHOT_INVALID',
      { path: file, problem: error instanceof Error ? error.message : String(error) },
      error,
    )
  }
  if (!isSnapshot(value))
    throw fault('SNAPSHOT_INVALID', { path: file, problem: 'it has no events and operations of version 1' })
  return value
}

function update(file: string, definition: ApplicationDefinition): void {
  try {
    writeFileSync(file, `${JSON.stringify(snapshotOf(definition), null, 2)}\n`)
  } catch (error) {
    throw fault(
      'SNAPSHOT_INVALID',
      { path: file, problem: error instanceof Error ? error.message : String(error) },
      error,
    )
  }
}
