// What an action came to, as a sentence: for the commands that act on runs, and for the dashboard.
import type { Acted, ActedAll, Action } from '../define/application.ts'

const OF_RUN: Readonly<Record<Action, string>> = {
  cancel: 'is asked to stop and to take back what it did.',
  retry: 'is tried again with the code of today.',
  answer: 'is answered.',
  fail: 'ends as failed. What it had done stays done.',
}
const OF_CALLS: Readonly<Record<Action, readonly [one: string, several: string]>> = {
  cancel: ['is given up', 'are given up'],
  retry: ['is tried again', 'are tried again'],
  answer: ['is answered', 'are answered'],
  fail: ['fails', 'fail'],
}

/** What is durable now, in one sentence. */
export function actedWords({ id, action, ops, kept, takesBack, dropped }: Acted): string {
  if (kept === true)
    return `${id} is asked to stop, but its code cannot go on. That is kept: mend the code and retry the run; it stops then${takesBack === false ? '. Nothing is taken back by that.' : ', and takes back what it did.'}`
  if (takesBack === false)
    return `${id} is asked to stop: what is under way is too, and no further call is made. Nothing is taken back by that.`
  if (dropped === 'cancel')
    return `${id} ends as failed. It had been asked to stop: that is dropped, and nothing more is taken back.`
  if (dropped === 'undo')
    return `${id} ends as failed. It was to take back what a late answer had done: that stays done; look at the service.`
  if (ops.length === 0 || action === 'cancel') return `${id} ${OF_RUN[action]}`
  return `${id}: ${ops.join(', ')} ${OF_CALLS[action][ops.length === 1 ? 0 : 1]}.`
}

const DONE = { retry: 'tried again', cancel: 'asked to stop' } as const

/** What an action came to for all runs that match. */
export function actedAllWords({ action, matched, changed, kept = 0, refused, rehearsed }: ActedAll): string {
  if (matched === 0) return 'No run matches.'
  if (rehearsed !== undefined)
    return `${matched} run${matched === 1 ? '' : 's'} would be ${DONE[action]}; nothing was done.`
  const more = refused.length >= 100 ? 'at least ' : ''
  const no = refused.length === 0 ? '' : `; ${more}${refused.length} refused`
  return `${changed} of ${matched} run${matched === 1 ? '' : 's'} ${DONE[action]}${no}.${kept === 0 ? '' : ` The code of ${kept} cannot go on: that is kept until ${kept === 1 ? 'it is' : 'they are'} mended and retried.`}`
}
