// The one line that stands first wherever a run is shown: why it waits and what can be done, or how it ended. A pure
// function of the run's view, used by `show`, `why` and `runs`.
import { SCHEDULE } from '../core/names.ts'
import { showMs } from '../core/duration.ts'
import { catalogue, fault, type ErrorCode } from '../core/errors.ts'
import { isRecord } from '../core/json.ts'
import type { ApplicationView, ChoiceView, ErrorView, PlaceView, RunView, WaitView } from '../core/views.ts'
import { preview } from './printable.ts'
import { between, inTime, shownTime } from './times.ts'

/** How a command that is there to be copied stands in a line. */
export const COMMAND = ': ballet '

/** Things that a run waits for, of which one line tells. */
const SHOWN = 4

const REASONS: Readonly<Record<string, string>> = {
  diverged: 'its code does not repeat its journal',
  threw: 'its code threw',
  call: 'a call failed, and is not tried again by itself',
  unreadable: 'what the store has of it cannot be read',
  poisoned: 'the process died of it again and again',
  limit: 'it is longer than it may be',
  conflict: 'another run has the id that it would give',
}

const STUCK_PHASES: Readonly<Record<string, string>> = {
  undoing: ' while it takes back what it did',
  cancelling: ' while it stops',
}

/**
 * Why a run waits and what can be done, or how it ended. One line without a line break. `place` stands behind the
 * commands in it (place.ts).
 */
export function waitingLine(run: RunView, now: number, place = ''): string {
  const length = lengthWords(run, now)
  switch (run.status) {
    case 'completed':
      return `Completed in ${length}.`
    case 'cancelled':
      return cancelledLine(run, length)
    case 'failed':
      return `Failed after ${length}${run.error === undefined ? '' : `: ${errorWords(run.error)}`}.${leftWords(run)}`
    case 'stuck':
      return stuckLine(run)
    case 'running':
      return `${suspectWords(run)}${phaseWords(run, now)}${runningWords(run, length, now, place)}`
  }
}

/** A run that a person let fail looks like one that took everything back. */
function leftWords({ error }: RunView): string {
  const isLeft = isRecord(error?.details) && error.details['takenBack'] === false
  return isLeft ? ' What it had done was not taken back.' : ''
}

function cancelledLine({ error }: RunView, length: string): string {
  const details = isRecord(error?.details) ? error.details : {}
  const { by, why } = details
  const who = typeof by === 'string' ? ` by ${by}` : ''
  return `Cancelled${who} after ${length}${typeof why === 'string' && why !== '' ? `: ${why.replace(/[.]$/, '')}` : ''}.`
}

/** How long a run has taken so far, or took; one that was to begin later counts from then. */
export function lengthWords(run: RunView, now: number): string {
  return showMs(between(run.at ?? run.created, run.ended, now))
}

/** Processes that die of a run before it is left alone. */
const DEATHS = 3

/** Why a run may stand still though nothing seems to be wrong with it. */
function suspectWords({ suspect }: RunView): string {
  if (suspect === undefined) return ''
  const { what, deaths } = suspect
  if (deaths === 0)
    return `It may end the process: one died while it and others were at work (${what}). They are tried again by themselves, with fewer at a time. `
  const died = deaths === 1 ? 'one' : `${deaths}`
  const next = `It is tried again by itself, alone, after a while, and is stuck when ${DEATHS} have died so.`
  return `It may end the process: ${died} died while it alone was at work (${what}). ${next} If it does, mend the code and start it anew. `
}

/** What is special about an open run, before what it waits for. */
function phaseWords({ phase, deadline }: RunView, now: number): string {
  if (phase === 'scheduled') return ''
  if (phase === 'cancelling') return 'Was asked to stop. '
  const until = deadline === undefined ? '' : `It ${deadlineWords(deadline, now)}. `
  return phase === 'undoing' ? `${until}Takes back what it did. ` : until
}

function deadlineWords(deadline: string, now: number): string {
  return `is cancelled at ${shownTime(deadline)} (${inTime(deadline, now)}) if not done`
}

function runningWords(run: RunView, length: string, now: number, place: string): string {
  if (run.phase === 'scheduled' && run.at !== undefined) {
    const until = run.deadline === undefined ? '' : `; ${deadlineWords(run.deadline, now)}`
    return `Begins ${shownTime(run.at)} (${inTime(run.at, now)}), by itself${until}.`
  }
  if (run.unread !== undefined)
    return `Running for ${length}; what it waits for is not known: ${errorWords(run.unread)}.`
  if (run.kind === 'choreography' && run.waits.length === 0 && run.key !== null)
    return `Nothing of it is under way; its flow goes on when what it awaits comes: ballet why ${run.key.field}:${shellWord(run.key.value)}${place}`
  if (run.waits.length === 0) return `Running for ${length}: its code has the word; it waits for nothing.`
  const firing = firingWords(run, now)
  if (firing !== null) return sentence(`${firing}; ${firingAdvice(run, place)}`)
  const told = run.waits.slice(0, SHOWN).map((wait) => ({
    words: waitWords(wait, now),
    what: advice(run, wait, now, place),
  }))
  // A command stands at the end, where it can be copied: the first one. Of others only what is waited for is said.
  const last = told.find(({ what }) => what.includes(COMMAND))
  const sentences = told
    .filter((one) => one !== last)
    .map(({ words, what }) => sentence(what.includes(COMMAND) ? words : `${words}; ${what}`))
  if (run.waits.length > SHOWN) sentences.push(`It waits for ${run.waits.length - SHOWN} more.`)
  if (last !== undefined) sentences.push(sentence(`${last.words}; ${last.what}`))
  return sentences.join(' ')
}

/**
 * When a schedule fires next, in the place of `waitWords`: its run waits for signals of the engine's own, of which nobody outside has to know. Null for any other run, and for a schedule that is at work.
 */
export function firingWords({ name, status, state, waits }: RunView, now: number): string | null {
  const [wait] = waits
  if (name !== SCHEDULE || status !== 'running' || wait?.kind !== 'receive') return null
  const paused = pausedIn(state)
  if (paused !== null) {
    const { by, why } = paused
    return `paused by ${typeof by === 'string' ? by : 'unknown'}${typeof why === 'string' && why !== '' ? ` (${why})` : ''}`
  }
  if (wait.until === null) return 'fires no more, because the application that runs has no such schedule'
  return `fires next at ${shownTime(wait.until)} (${inTime(wait.until, now)}), by itself`
}

function firingAdvice({ state, key }: RunView, place: string): string {
  return pausedIn(state) === null
    ? `see: ballet schedules${place}`
    : `let it go on: ballet resume ${shellWord(key?.value ?? '')}${place}`
}

function pausedIn(state: RunView['state']): Readonly<Record<string, unknown>> | null {
  const paused = isRecord(state) ? state['paused'] : null
  return isRecord(paused) ? paused : null
}

/** Whether a run is stuck at this wait: nothing of it happens until a person does something. */
export function isStuckAt({ status, choices }: Pick<RunView, 'status' | 'choices'>, { op }: WaitView): boolean {
  return status === 'stuck' && choices.some((choice) => choice.op === op)
}

/** A wait at which its run is stuck, in the place of `waitWords`. */
export function stuckWords(wait: WaitView, now: number): string {
  const what =
    wait.kind === 'child'
      ? `the run ${wait.for}`
      : wait.kind === 'step'
        ? `the step ${wait.for}`
        : `${wait.for}${placed(wait)}`
  const undo = wait.undoes === undefined ? '' : `, which takes back ${wait.undoes}`
  return `stuck at ${what}${undo}, asked for ${showMs(between(wait.since, null, now))} ago${heardWords(wait, now)}${failed(wait)}`
}

/** Where a call is carried out, when that is another process. */
const placed = ({ at }: WaitView): string => (at === undefined ? '' : ` at ${at}`)

/** What a wait is for, since when and until when. */
export function waitWords(wait: WaitView, now: number): string {
  const until = wait.until === null ? '' : `, until ${shownTime(wait.until)} (${inTime(wait.until, now)})`
  const soFar = `${showMs(between(wait.since, null, now))} so far`
  switch (wait.kind) {
    case 'timer':
      return wait.until === null
        ? `sleeps, ${soFar}`
        : `sleeps until ${shownTime(wait.until)} (${inTime(wait.until, now)})`
    case 'receive':
      return `waits for ${nouns(wait)}, ${soFar}${until}`
    case 'child':
      return `waits for the run ${wait.for}, ${soFar}${until}`
    case 'step':
      return `waits for the step ${wait.for}, ${soFar}${failed(wait)}`
    case 'call': {
      if (wait.behind !== undefined) return `waits behind the run ${wait.behind}, which comes before it, ${soFar}`
      const undo = wait.undoes === undefined ? '' : `, which takes back ${wait.undoes}`
      if (wait.place !== undefined)
        return `waits for ${placeAt(wait.place)} to call ${wait.for}${placed(wait)}${undo}, ${soFar}${failed(wait)}`
      return `waits for ${wait.for}${placed(wait)}${undo}, ${soFar}${heardWords(wait, now)}${failed(wait)}`
    }
  }
}

/** Characters that are shown of how far a call is. */
const PROGRESS_SHOWN = 80

/** When a call was heard of last, and how far it was. */
function heardWords({ heartbeat }: WaitView, now: number): string {
  if (heartbeat === undefined) return ''
  const { at, progress } = heartbeat
  const far = progress === undefined ? '' : `, at ${preview(progress, PROGRESS_SHOWN)}`
  return `; heard of ${showMs(between(at, null, now))} ago${far}`
}

/** So far it is counted how many come before a call. */
const COUNTED = 1000

/** `a place at payment (20 at once, 31 before it)`. */
export function placeAt({ at, limit, per, fetched, before }: PlaceView): string {
  const value = per === undefined ? fetchedWords(fetched) : ` for each ${per.field}, here ${per.value}`
  const count = before === 0 ? 'none' : before < COUNTED ? before : `${COUNTED} or more`
  return `a place at ${at} (${limit}${value}, ${count} before it)`
}

/** Of a service: `fetches its calls: 3 wait, 2 are in its hands, nobody has asked for its work since 2026-11-30T02:13:05Z`. */
export function fetchingWords({ waiting, running, unasked }: FetchedService): string {
  const asked = unasked === null ? '' : `, nobody has asked for its work since ${unasked}`
  return `fetches its calls: ${waiting} wait, ${running} are in its hands${asked}`
}

type FetchedService = NonNullable<ApplicationView['services'][number]['fetched']>

function fetchedWords(fetched: PlaceView['fetched']): string {
  if (fetched === undefined) return ''
  const { running, unasked } = fetched
  const asked = unasked === null ? '' : `; nobody has asked for its work since ${unasked}`
  return running === 0 && unasked !== null ? asked : `${asked}, ${running} in its hands`
}

/** The first line of an error, its code before it. */
export function errorWords(error: ErrorView): string {
  const message = (error.message.split('\n')[0] ?? '').replace(/[.:]$/, '')
  return message === '' ? error.code : `${error.code}: ${message}`
}

/** A word as a shell takes it. */
export function shellWord(word: string): string {
  return /^[\w.:@+=/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

function stuckLine(run: RunView): string {
  const stopped = run.waits.filter((wait) => wait.attempt?.next === null)
  const error = run.error ?? stopped[0]?.attempt?.error
  const why = error === undefined ? '' : ` (${errorWords(error)})`
  // Code that cannot go on cannot stop either.
  const isKept = run.phase === 'cancelling' && run.reason !== 'call'
  const phase = run.phase === undefined || isKept ? '' : (STUCK_PHASES[run.phase] ?? ` (${run.phase})`)
  const asked = isKept ? ' It was asked to stop, and does so once it is retried with code that can go on.' : ''
  const hint = error === undefined ? '' : hintOf(error)
  const isTold = run.choices.length === 0 || isOfCode(run, error)
  const choices = run.choices.length > 0 ? ` You can: ${choiceWords(run.choices)}.` : ''
  return `Stuck${phase}: ${stuckReason(run, stopped, why)}.${asked}${isTold && hint !== '' ? ` ${hint}` : ''}${choices}`
}

/** Errors of Ballet whose words have all that their hint could say to the author of a workflow. */
const TOLD_WHOLE: ReadonlySet<string> = new Set(['INPUT_INVALID', 'DEFINITION_INVALID'])

/** The code that says what to do: of what the code of a run threw it is that, where Ballet refused something that it asked for. */
function tellingCode({ code, message }: ErrorView): string {
  if (code !== 'RUN_THREW') return code
  const thrown = / threw ([A-Z_]+): /.exec(message)?.[1] ?? code
  return Object.hasOwn(catalogue, thrown) && !TOLD_WHOLE.has(thrown) ? thrown : code
}

function hintOf(error: ErrorView): string {
  const code = tellingCode(error)
  return Object.hasOwn(catalogue, code) ? fault(code as ErrorCode).hint : ''
}

/** Whether the error says how the code is to be mended; of what it threw by itself nobody but its author knows. */
function isOfCode({ reason }: RunView, error: ErrorView | undefined): boolean {
  return (reason === 'threw' || reason === 'diverged') && (error === undefined || tellingCode(error) !== 'RUN_THREW')
}

/** The cause stands first: a list shows no more of the line than fits. */
function stuckReason({ reason, unread }: RunView, [first, ...others]: readonly WaitView[], why: string): string {
  // Its code was not asked: what it would have to repeat is not known.
  const known = unread !== undefined && reason === 'diverged' ? 'unreadable' : reason
  const words = known === undefined ? 'it needs a person' : (REASONS[known] ?? known)
  if (reason !== 'call' || first === undefined) return `${words}${why}`
  const tries = first.attempt?.number ?? 0
  const where = `${first.op} failed after ${tries} attempt${tries === 1 ? '' : 's'}${why}`
  const more = others.length === 0 ? '' : `, and ${others.length} more`
  // It is no failure of the service, and nobody has to do anything about the call itself.
  const isGone = first.attempt?.error.code === 'CODE_MISSING'
  return `${where}${more}; ${isGone ? 'it goes on by itself when the application that runs has that again' : 'not tried again by itself'}`
}

function failed({ attempt, asked, kind, from }: WaitView): string {
  const what = kind === 'step' ? 'have done a part of it' : `have reached ${from}`
  if (asked === 'before') return `; an attempt of a process before this one may ${what}`
  return attempt === undefined
    ? ''
    : `; attempt ${attempt.number} failed (${errorWords(attempt.error)})${placeWords(attempt.error)}`
}

/** Where in the author's code an error was thrown, the innermost place first. */
export function placesOf(error: Partial<ErrorView> | undefined): readonly string[] {
  const at = isRecord(error?.details) ? error.details['at'] : undefined
  return Array.isArray(at) ? at.map(String) : []
}

/** ` at charge (/shop/payment.ts:31:9)`; nothing when no place is known. */
export function placeWords(error: Partial<ErrorView> | undefined): string {
  const [place] = placesOf(error)
  return place === undefined ? '' : ` at ${place}`
}

/** `retry, answer, fail payment.charge#0; cancel the run`. */
function choiceWords(choices: readonly ChoiceView[]): string {
  const actions = new Map<string, string[]>()
  for (const { action, op, after } of choices) {
    const target = op ?? (action === 'fail' ? 'the run, which leaves what it did as it is' : 'the run')
    const words = actions.get(target) ?? []
    words.push(after === undefined ? action : `${after} and ${action}`)
    actions.set(target, words)
  }
  return [...actions].map(([target, words]) => `${words.join(', ')} ${target}`).join('; ')
}

/** What moves the run on. */
function advice(run: RunView, wait: WaitView, now: number, place: string): string {
  const { attempt } = wait
  if (wait.givenUp === true) return 'it was given up, and its answer tells what there is to take back'
  if (wait.place !== undefined) return 'it is made when there is one'
  if (wait.behind !== undefined) return `see: ballet show ${shellWord(wait.behind)}${place}`
  switch (wait.kind) {
    case 'timer':
      return 'it goes on by itself'
    case 'child':
      return `see: ballet show ${shellWord(wait.for)}${place}`
    case 'step':
    case 'call':
      // Nobody may have been asked in this process: it is not the service that is waited for.
      if (attempt === undefined && run.suspect !== undefined) return 'it is made again when the run is tried'
      if (attempt === undefined) return wait.kind === 'step' ? 'it runs now' : `it goes on when ${wait.from} answers`
      return attempt.next === null
        ? 'it is not tried again by itself'
        : `it is tried again ${inTime(attempt.next, now)}`
    case 'receive':
      if (wait.from !== 'signal')
        return `it goes on when ${wait.for.includes(' | ') ? 'one of them comes' : 'that is published'}`
      return `send it: ballet signal ${shellWord(run.id)} ${shellWord(wait.for.split(' | ')[0] ?? '')} --data '<json>'${place}`
  }
}

/** `the signal approve`, `the event order.shipped or order.lost`, `the event or signal a or b`. */
function nouns({ from, for: names }: WaitView): string {
  return `the ${from.replaceAll(' | ', ' or ')} ${names.replaceAll(' | ', ' or ')}`
}

/** With a capital and a full stop, but none behind a command that is there to be copied. */
function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.includes(COMMAND) ? '' : '.'}`
}
