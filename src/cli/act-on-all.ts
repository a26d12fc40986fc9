// One action for all runs that match: the form that `ballet retry --all` and `ballet cancel --all` share. The filters
// are options of both; each run is asked on its own, and one that refuses does not stop the others.
import { STUCK_REASONS } from '../core/journal.ts'
import { nearest } from '../core/names.ts'
import type { RunKind } from '../core/store-queries.ts'
import type { ActAllRequest, ActedAll } from '../define/application.ts'
import { actedAllWords } from './acted-words.ts'
import type { Command, Given, OptionSpec } from './command.ts'
import { findWriter } from './discovery.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { tellUnknown } from './known-names.ts'
import { usage, wholeNumber } from './parse.ts'
import { oneLine, printable } from './printable.ts'
import { reasonOf } from './reasoned.ts'
import { print, type Terminal } from './terminal.ts'

/** Most runs of one request. */
const LIMIT = 10_000
const STATUSES = ['running', 'stuck'] as const
const KINDS = ['workflow', 'operation', 'reaction', 'choreography'] as const satisfies readonly RunKind[]

/** The options of the form for many runs. */
export const ALL_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  all: { about: 'All runs that match, instead of one.' },
  name: { value: '<name>', about: 'With --all: of this workflow, operation or reaction.' },
  reason: {
    value: '<reason>',
    about: `With --all: stuck for this reason: ${STUCK_REASONS.join(', ')}.`,
    oneOf: STUCK_REASONS,
  },
  status: { value: '<status>', about: `With --all: ${STATUSES.join(' or ')}.`, oneOf: STATUSES },
  kind: { value: '<kind>', about: `With --all: ${KINDS.join(', ')}.`, oneOf: KINDS },
  key: { value: '<field:value>', about: 'With --all: of one business key.' },
  root: { value: '<root>', about: 'With --all: of one causal graph, run:<id> or event:<source>:<id>.' },
  limit: { value: '<count>', about: `With --all: the newest so many, 1 to ${LIMIT}; default 1000.` },
  rehearse: { about: 'With --all: say which runs match, and do nothing to them.' },
}
const FILTERS = Object.keys(ALL_OPTIONS).filter((name) => name !== 'all')

type Named = Pick<Command, 'name'>

/** Whether the command line is about all runs that match. @throws USAGE when it says both, or neither. */
export function isForAll(command: Named, given: Given): boolean {
  const filters = FILTERS.filter((name) => given.flag(name))
  if (given.flag('all')) {
    if (given.words.length > 0) throw usage(command, `--all and the run "${given.words[0]}" are both given; give one.`)
    return true
  }
  if (filters.length > 0) throw usage(command, `--${filters[0]} belongs to --all.`)
  if (given.words.length === 0) throw usage(command, `ballet ${command.name} needs <run>, or --all.`)
  return false
}

/** Acts on all runs that match and prints what that came to. The exit code is that of a conflict when some refused. */
export async function actOnAll(
  command: Named,
  action: ActAllRequest['action'],
  given: Given,
  terminal: Terminal,
): Promise<ExitCode> {
  const request: ActAllRequest = {
    action,
    name: given.text('name'),
    reason: given.text('reason'),
    status: statusOf(command, given),
    kind: wordOf(command, given, 'kind', KINDS),
    key: given.text('key'),
    root: given.text('root'),
    limit: wholeNumber(command, given, 'limit', LIMIT),
    ...(given.flag('rehearse') ? { rehearse: true } : {}),
    ...reasonOf(given, terminal),
  }
  const client = await findWriter(given, terminal)
  const acted = await client.actOnAll(request)
  print(terminal, given.flag('json'), acted, () => [actedAllWords(acted), ...rehearsedLines(acted)])
  if (acted.matched === 0) await tellUnknown(client, 'runs', [request.name], terminal)
  for (const { id, code, message } of acted.refused) terminal.note(oneLine(`${id} refused: ${message} (${code})`))
  if (acted.more)
    terminal.note(
      'There are more than --limit. Asked again, it begins with the newest ones that still match; a higher --limit takes all.',
    )
  return acted.refused.length > 0 ? EXIT.conflict : EXIT.ok
}

/** Of a rehearsal: the runs, and how many more there are than are listed. */
function rehearsedLines({ matched, rehearsed = [] }: ActedAll): string[] {
  const others = matched - rehearsed.length
  const rest = others === 0 || rehearsed.length === 0 ? [] : [`  and ${others} more`]
  return [...rehearsed.map((id) => `  ${printable(id)}`), ...rest]
}

function statusOf(command: Named, given: Given): ActAllRequest['status'] {
  const status = wordOf(command, given, 'status', STATUSES)
  return status === undefined ? undefined : [status]
}

function wordOf<Word extends string>(
  command: Named,
  given: Given,
  option: string,
  words: readonly Word[],
): Word | undefined {
  const text = given.text(option)
  const found = words.find((word) => word === text)
  if (text !== undefined && found === undefined)
    throw usage(command, `There is no ${option} "${text}".${nearest(text, words)} They are ${words.join(', ')}.`)
  return found
}
