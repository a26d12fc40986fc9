// `ballet aside`: what came, was acknowledged, and cannot be taken now. Lists it, shows one with all that it says, has one or all that match
// looked at once more, or drops them for good: that is asked for by name or by a filter, with a reason, and can be rehearsed.
import type { AsideAction, AsideItemView, AsideWholeView } from '../core/aside-views.ts'
import { isRecord } from '../core/json.ts'
import { nearest } from '../core/names.ts'
import type { ActAsidesRequest } from '../define/asides.ts'
import {
  asideActedWords,
  asideAgainWords,
  asideCauseWords,
  asideKindWords,
  asidesActedWords,
  lostWords,
} from './aside-words.ts'
import { PLACE_OPTIONS, type Command, type Given } from './command.ts'
import { findReader, findWriter } from './discovery.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { tellUnknown } from './known-names.ts'
import { usage, wholeNumber } from './parse.ts'
import { placeWords } from './place.ts'
import { cut, oneLine, printable, printableView } from './printable.ts'
import { REASON_OPTIONS, reasonOf } from './reasoned.ts'
import { table } from './table.ts'
import { print, type Terminal } from './terminal.ts'
import { shownTime } from './times.ts'
import { shellWord } from './why-waiting.ts'

const WORDS = ['list', 'show', 'retry', 'drop'] as const
type Word = (typeof WORDS)[number]
const KINDS = ['start', 'event', 'fact', 'begin', 'begun', 'signal', 'cancel', 'conduct', 'act'] as const
const ITEM = /^\d+-[0-9a-f]+$/
/** Most of one request, and of a list. */
const [ACT_LIMIT, LIST_LIMIT] = [10_000, 1000] as const
const FILTERS = ['kind', 'name', 'version', 'unread'] as const

export const aside: Command = {
  name: 'aside',
  about: 'List what lies aside (it was acknowledged, and cannot be taken now), show one, try it again, or drop it.',
  words: [
    { name: 'what', about: 'list (default), show, retry or drop.', optional: true, oneOf: () => WORDS },
    { name: 'item', about: 'Its name, as the list has it.', optional: true },
  ],
  options: {
    all: { about: 'Of retry and drop: all that match, instead of one.' },
    kind: { value: '<kind>', about: `Only these: ${KINDS.join(', ')}.`, oneOf: KINDS },
    name: { value: '<name>', about: 'Only what is for this workflow, operation or type of event.' },
    version: { value: '<version>', about: 'Only what this version of the application has said.' },
    unread: { about: 'Only what cannot be read, as without its key.' },
    limit: {
      value: '<count>',
      about: `At most so many; of a list 1 to ${LIST_LIMIT}, default 100; with --all 1 to ${ACT_LIMIT}, default 1000.`,
    },
    rehearse: { about: 'Of retry and drop: say what would be done, and do nothing.' },
    by: REASON_OPTIONS['by'] ?? { about: '' },
    why: { value: '<text>', about: 'Why; drop needs it. It stands in the log, and with what was dropped.' },
    ...PLACE_OPTIONS,
  },
  examples: [
    'ballet aside',
    'ballet aside show 3-9f2c41d0a7b3c5e1',
    'ballet aside retry 3-9f2c41d0a7b3c5e1',
    `ballet aside drop 3-9f2c41d0a7b3c5e1 --why 'ordered anew by hand'`,
    `ballet aside drop --all --name order.created --rehearse`,
  ],
  async run(given, terminal) {
    const [first = 'list', second] = given.words
    // A name alone is one to be shown.
    const [word, item] = ITEM.test(first) && second === undefined ? ['show', first] : [first, second]
    const what = WORDS.find((one) => one === word)
    if (what === undefined)
      throw usage(aside, `There is no "${word}" to do.${nearest(word, WORDS)} It is ${WORDS.join(', ')}.`)
    check(what, item, given)
    if (what === 'list') return list(given, terminal)
    if (what === 'show') return show(item ?? '', given, terminal)
    return item === undefined ? actOnAll(what, given, terminal) : act(what, item, given, terminal)
  },
}

/** @throws USAGE for what does not belong together */
function check(what: Word, item: string | undefined, given: Given): void {
  const isAct = what === 'retry' || what === 'drop'
  const isAll = given.flag('all')
  if (what === 'list' && item !== undefined)
    throw usage(aside, `list takes no name; ballet aside show ${item} shows one.`)
  if (what === 'show' && item === undefined) throw usage(aside, 'show needs <item>.')
  if (isAct && isAll === (item !== undefined))
    throw usage(aside, isAll ? `--all and "${item}" are both given; give one.` : `${what} needs <item>, or --all.`)
  for (const name of ['all', 'rehearse', 'by', 'why'])
    if (!isAct && given.flag(name)) throw usage(aside, `--${name} belongs to retry and drop.`)
  for (const name of [...FILTERS, 'limit'])
    if (item !== undefined && given.flag(name)) throw usage(aside, `--${name} belongs to a list, and to --all.`)
  // What is gone for good is asked for in so many words.
  if (what !== 'drop') return
  if (isAll && !FILTERS.some((name) => given.flag(name)))
    throw usage(aside, 'drop --all needs a filter: --kind, --name, --version or --unread.')
  if (!given.flag('rehearse') && !given.flag('why'))
    throw usage(aside, 'drop needs --why: it is kept with what was dropped. --rehearse says what would be.')
}

async function list(given: Given, terminal: Terminal): Promise<ExitCode> {
  const request = { ...filterOf(given), limit: wholeNumber(aside, given, 'limit', LIST_LIMIT) }
  const reads = await findReader(given, terminal)
  try {
    const page = await reads.asides(request)
    print(terminal, given.flag('json'), page, () => (page.items.length === 0 ? [] : rows(page.items, terminal)))
    if (page.items.length === 0) {
      terminal.note(FILTERS.some((name) => given.flag(name)) ? 'Nothing that fits lies aside.' : 'Nothing lies aside.')
      await tellUnknown(reads, 'aside', [request.name], terminal)
    }
    if (page.more) terminal.note('There is more; --kind, --name and --version say which, --limit how many.')
  } finally {
    await reads.close()
  }
  return EXIT.ok
}

function rows(items: readonly AsideItemView[], { paint, columns }: Terminal): readonly string[] {
  const cells = items.map((one) => [
    { text: one.item, colour: paint.bold },
    { text: one.kind },
    { text: printable(one.name ?? '-') },
    { text: oneLine(one.id) },
    { text: shownTime(one.since) },
    { text: oneLine(asideCauseWords(one)), colour: paint.red },
  ])
  return table(['ITEM', 'KIND', 'NAME', 'ID', 'SINCE', 'WHY'], cells, Math.max(columns, 140), paint)
}

async function show(item: string, given: Given, terminal: Terminal): Promise<ExitCode> {
  const reads = await findReader(given, terminal)
  try {
    const whole = await reads.aside(item)
    print(terminal, given.flag('json'), whole, () => lines(whole, placeWords(given), terminal))
  } finally {
    await reads.close()
  }
  return EXIT.ok
}

/** One with all that it says, and what can be done. */
function lines(whole: AsideWholeView, place: string, { paint }: Terminal): readonly string[] {
  const one = printableView(whole)
  const facts: readonly (readonly [string, string])[] = [
    ['what', `${one.kind}: ${asideKindWords(one.kind)}`],
    ['name', one.name ?? 'cannot be read here'],
    ['id', one.id],
    ['came', `${shownTime(one.since)}${one.version === null ? '' : `, from version ${one.version}`}`],
    ['shard', String(one.shard)],
    ...(isLying(one)
      ? ([
          ['why', asideCauseWords(one)],
          ['again', asideAgainWords(one.again)],
          ['if dropped', lostWords(one.kind)],
        ] as const)
      : ([['dropped', `${droppedWords(one)} ${lostWords(one.kind)}`]] as const)),
  ]
  return [
    paint.bold(one.item),
    ...facts.map(([name, text]) => `  ${name.padEnd(12)}${text.replaceAll('\n', '\\n')}`),
    ...(one.content === undefined
      ? []
      : [
          '',
          ...JSON.stringify(one.content, null, 2)
            .split('\n')
            .map((line) => `  ${line}`),
        ]),
    '',
    ...(isLying(one)
      ? [`  ballet aside retry ${one.item}${place}`, `  ballet aside drop ${one.item} --why '<text>'${place}`]
      : sentAgainLines(whole, place)),
  ]
}

const isLying = (one: AsideWholeView): one is AsideWholeView & AsideItemView => one.again !== 'never'

/** Characters of a value that stand in a command to be copied. */
const COPIED = 2000

/** The command that asks for what was dropped once more, where there is one. */
function sentAgainLines({ kind, content }: AsideWholeView, place: string): readonly string[] {
  if (!isRecord(content)) return []
  const { call, input, type, data, id, source } = content
  const valueOf = (value: unknown): string => {
    const text = JSON.stringify(value) ?? 'null'
    return shellWord(text.length <= COPIED && printable(text) === text ? text : '@<file>')
  }
  const word = (option: string, text: unknown): string =>
    typeof text === 'string' ? ` ${option}${printable(shellWord(text))}` : ''
  if (kind === 'start' && typeof call === 'string')
    return [
      `  ballet start${word('', call)} --input ${valueOf(input)}${word('--id ', id)}${place}   # asks for it anew`,
    ]
  if (kind === 'event' && typeof type === 'string')
    return [
      `  ballet publish${word('', type)} --data ${valueOf(data)}${word('--id ', id)}${word('--source ', source)}${place}   # says it anew`,
    ]
  return []
}

function droppedWords({ dropped }: AsideWholeView): string {
  if (dropped === undefined) return 'It was dropped.'
  return `by ${dropped.by} at ${shownTime(dropped.at)}${dropped.why === '' ? '' : `: ${dropped.why}`}.`
}

async function act(action: AsideAction, item: string, given: Given, terminal: Terminal): Promise<ExitCode> {
  const client = await findWriter(given, terminal)
  const json = given.flag('json')
  if (given.flag('rehearse')) {
    const one = await client.aside(item)
    const would = action === 'drop' ? `would be dropped. ${lostWords(one.kind)}` : 'would be looked at once more.'
    print(terminal, json, { ...one, rehearsed: action }, () => [
      `${item} ${would} Nothing was done.`,
      ...lines(one, placeWords(given), terminal),
    ])
    return EXIT.ok
  }
  const acted = await client.actOnAside(action, item, reasonOf(given, terminal))
  if (!acted.changed) terminal.note('This had been asked for before; nothing new happened.')
  print(terminal, json, acted, () => [oneLine(asideActedWords(acted))])
  return isDone(acted.outcome) ? EXIT.ok : EXIT.conflict
}

/** What was to come of it has. */
const isDone = (outcome: string): boolean => outcome === 'taken' || outcome === 'dropped'

async function actOnAll(action: AsideAction, given: Given, terminal: Terminal): Promise<ExitCode> {
  const request: ActAsidesRequest = {
    action,
    ...filterOf(given),
    limit: wholeNumber(aside, given, 'limit', ACT_LIMIT),
    ...(given.flag('rehearse') ? { rehearse: true } : {}),
    ...reasonOf(given, terminal),
  }
  const client = await findWriter(given, terminal)
  const acted = await client.actOnAsides(request)
  const { matched, rehearsed = [], refused, outcomes, more } = acted
  const others = matched - rehearsed.length
  print(terminal, given.flag('json'), acted, () => [
    asidesActedWords(acted),
    ...rehearsed.map((item) => `  ${printable(item)}`),
    ...(rehearsed.length > 0 && others > 0 ? [`  and ${others} more`] : []),
  ])
  if (matched === 0) await tellUnknown(client, 'aside', [request.name], terminal)
  for (const { item, code, message } of refused) terminal.note(oneLine(`${item} refused: ${message} (${code})`))
  if (more) terminal.note('There are more than --limit.')
  const left = Object.entries(outcomes).some(([outcome, count]) => count > 0 && !isDone(outcome))
  return left || refused.length > 0 ? EXIT.conflict : EXIT.ok
}

function filterOf(given: Given): Pick<ActAsidesRequest, 'kind' | 'name' | 'version' | 'unread'> {
  const text = given.text('kind')
  const kind = KINDS.find((one) => one === text)
  if (text !== undefined && kind === undefined)
    throw usage(aside, `There is no kind "${cut(text, 80)}".${nearest(text, KINDS)} They are ${KINDS.join(', ')}.`)
  return {
    kind,
    name: given.text('name'),
    version: given.text('version'),
    ...(given.flag('unread') ? { unread: true } : {}),
  }
}
