// The words for what lies aside: why it lies there, what would be lost with it, and what came of what was done about it. For the command
// and for the dashboard.
import type { AsideActed, AsideItemView } from '../core/aside-views.ts'
import type { AsidesActed } from '../define/asides.ts'

type Kind = AsideItemView['kind']

/** What a kind of it would bring about. */
const WHAT: Readonly<Record<Kind, string>> = {
  start: 'a run that is to begin',
  event: 'an event from outside',
  fact: 'an event that a run of another shard has said',
  begin: 'a workflow that a reaction of another shard begins',
  begun: 'the answer to a reaction whether its workflow has begun',
  signal: 'a signal to a run',
  cancel: 'that a run is to stop, since the one that began it does',
  conduct: 'a flow that is to be conducted',
  act: 'what a person has asked of a run at another node',
  acted: 'an answer to another node',
}

/** What is so for ever once it has been dropped. */
const LOST: Readonly<Record<Kind, string>> = {
  start: 'The run never begins, though whoever asked for it was told that it would.',
  event: 'Nothing reacts to the event, though whoever published it was told that it was taken.',
  fact: 'Nothing reacts to the event, though the run that said it goes on as if it did.',
  begin:
    'The reaction that asked for the workflow is stuck, for a person to decide; one that cannot be read waits, and asks again when its shard changes hands.',
  begun: 'The reaction waits on, and asks again when its shard changes hands.',
  signal: 'The run never gets the signal, though whoever sent it was told that it would.',
  cancel: 'The run is not asked to stop: cancel it by hand.',
  conduct: 'The flow never begins, though it may be asked for again.',
  act: 'It is not done; whoever asked has been told that nobody knows, and may ask again.',
  acted: 'Nobody waits for it any more.',
}

export const asideKindWords = (kind: Kind): string => WHAT[kind] ?? kind
export const lostWords = (kind: Kind): string => LOST[kind] ?? 'It is never done.'

/** Why it lies there, and when it is looked at again. */
export function asideCauseWords({ cause, again, kind }: AsideItemView): string {
  const why = cause === null ? whyUnknown(again) : `${cause.code}: ${cause.message.split('\n')[0] ?? ''}`
  return kind === 'acted' ? '' : why
}

/** What the command says of it where no more is known. */
function whyUnknown(again: AsideItemView['again']): string {
  return again === 'owned anew'
    ? 'the version that has the shard refuses it; the log of its owner says why'
    : 'it could not be read, or nobody knows; the log of the owner of the shard says why'
}

/** When it is looked at without anybody asking for it. */
export const asideAgainWords = (again: AsideItemView['again']): string =>
  again === 'owned anew'
    ? 'when another process takes the shard up: start a node of a version that takes it'
    : 'every five minutes at the latest, and when another process takes the shard up: give its node the key'

/** What an action on one came to, as a sentence. */
export function asideActedWords({ item, outcome, changed, cause, dropped }: AsideActed): string {
  const why = cause === undefined ? '' : ` ${cause.message} (${cause.code})`
  switch (outcome) {
    case 'taken':
      return `${item} is taken.`
    case 'refused':
      return `${item} could be read, and is refused for good; it lies there no more.${why}`
    case 'aside':
      return `${item} lies aside again.${why}`
    case 'waits':
      return `${item} lies in the inbox, and is taken when the store answers.${why}`
    case 'dropped':
      return changed || dropped === undefined
        ? `${item} is dropped. It will never be done.`
        : `${item} was dropped before, by ${dropped.by} at ${dropped.at}${dropped.why === '' ? '' : `: ${dropped.why}`}.`
    default:
      return `${item}: ${String(outcome)}.`
  }
}

/** What an action on all that match came to. */
export function asidesActedWords({ action, matched, changed, outcomes, rehearsed }: AsidesActed): string {
  if (matched === 0) return 'Nothing that lies aside matches.'
  const would = action === 'drop' ? 'dropped' : 'looked at once more'
  if (rehearsed !== undefined) return `${matched} would be ${would}; nothing was done.`
  const counts = Object.entries(outcomes).map(([outcome, count]) => `${count} ${outcome}`)
  return `${changed} of ${matched} ${would}${counts.length === 0 ? '' : `: ${counts.join(', ')}`}.`
}
