// The words for what stands in a journal: what was delivered to a run, what the run did about it, and the notes between.
// The rows come from a store or over the wire, perhaps written by a newer version: a kind that is not known here is
// shown as it is, never dropped.
import { showMs } from '../core/duration.ts'
import { isRecord, type Json } from '../core/json.ts'
import { preview } from './printable.ts'
import { shownTime } from './times.ts'
import { placeWords } from './why-waiting.ts'

/** A row's part with its fields to read. */
export type Part = Readonly<Record<string, unknown>>

/** The part as an object; an empty one when it is none. */
export function part(value: Json | undefined): Part {
  return isRecord(value) ? value : {}
}

/** A field as text; empty when it is absent. */
export function word(from: Part, name: string): string {
  const value = from[name]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/** What an operation answered: the type of its outcome with the data, or the value. */
export function answerWords(payload: unknown, limit: number): string {
  if (isRecord(payload) && payload['kind'] === 'event' && typeof payload['type'] === 'string')
    return `${payload['type']} ${preview(payload['data'] as Json, limit)}`.trim()
  return payload === undefined ? '' : preview(payload as Json, limit)
}

/** The words for a stored error. */
export function failureWords(value: unknown): string {
  const failure = part(value as Json)
  const message = (word(failure, 'message').split('\n')[0] ?? '').trim().replace(/[.:]$/, '')
  return [word(failure, 'code'), message].filter((text) => text !== '').join(': ') || 'unknown'
}

/** What was delivered. `sinceMs` is how long ago the run asked for it. */
export function deliveredWords(delivered: Part, sinceMs: number | undefined, limit: number): string {
  const op = word(delivered, 'op')
  const took = sinceMs === undefined ? '' : ` after ${showMs(sinceMs)}`
  const attempt = Number(word(delivered, 'attempt')) > 1 ? `, attempt ${word(delivered, 'attempt')}` : ''
  switch (word(delivered, 'kind')) {
    case 'start':
      return 'starts'
    case 'done': {
      // Of a run that conducts.
      if (op === 'flow') return 'its flow goes no further'
      const answer = answerWords(delivered['payload'], limit)
      const by = delivered['by'] === undefined ? 'answered' : `was answered by ${whoWords(delivered)}`
      return `${op} ${by}${took}${attempt}${answer === '' ? '' : `: ${answer}`}`
    }
    case 'failed': {
      const by = delivered['by'] === undefined ? 'failed' : `was failed by ${whoWords(delivered)}`
      return `${op} ${by}${took}${attempt}: ${failureWords(delivered['error'])}`
    }
    case 'timer':
      return `the time of ${op} has come${took}`
    case 'signal':
      return `signal ${word(delivered, 'name')} ${preview(delivered['payload'] as Json, limit)}`.trim()
    case 'event':
      return `event ${word(delivered, 'type')} from ${word(delivered, 'source')} ${preview(delivered['payload'] as Json, limit)}`.trim()
    case 'cancel':
      return `cancelled by ${whoWords(delivered)}${forcedWords(delivered)}`
    case 'resume':
      return `resumed: turn ${word(delivered, 'of')} is made again with the mended code`
    default:
      return preview(delivered as Json, limit)
  }
}

const DROPPED: Readonly<Record<string, string>> = {
  cancel: '; that it was asked to stop is dropped, and nothing more is taken back',
  undo: '; what it was to take back stays done',
}

function forcedWords({ forced, of }: Part): string {
  if (forced !== true) return ''
  return `; its code is run no more${typeof of === 'number' ? `, and what it was given in turn ${of} is known` : ''}`
}

/** Under which name an event is said; none where the engine gives it one. */
function nameWords(command: Part): string {
  const [id, source] = [word(command, 'id'), word(command, 'source')]
  return `${id === '' ? '' : ` as ${id}`}${source === '' ? '' : ` of ${source}`}`
}

/** What the run did: one command. */
export function commandWords(command: Part, limit: number): string {
  const op = word(command, 'op')
  const input = preview((command['raw'] ?? command['input']) as Json, limit)
  const due = command['due'] === undefined ? '' : ` until ${shownTime(Number(command['due']))}`
  switch (word(command, 'kind')) {
    case 'call':
      return `${command['undoes'] === undefined ? `calls ${op}` : `takes back ${word(command, 'undoes')} with ${word(command, 'call')}`} ${input}`.trim()
    case 'step':
      return `runs the step ${op}`
    case 'sleep':
      return `sleeps${due}`
    case 'wait':
      return `waits for ${names(command['names'])}${due}`
    case 'child':
      // Of a run that conducts: the call of a reaction, whose run has the input.
      if (op.startsWith('on:')) return `calls ${word(command, 'call') || 'nothing yet'} as ${word(command, 'run')}`
      return `starts ${word(command, 'run')}${command['wait'] === false ? '' : ' and waits for it'} ${input}`.trim()
    case 'join':
      return `waits for the run ${word(command, 'run')}`
    case 'emit':
      return `emits ${word(command, 'type')}${nameWords(command)} ${input}`.trim()
    case 'send':
      return `sends the signal ${word(command, 'name')} to ${word(command, 'run')} ${input}`.trim()
    case 'set':
      return `sets its state to ${preview(command['state'] as Json, limit)}`
    case 'patch':
      return `takes the way of patch ${word(command, 'id')}`
    case 'drop':
      return `gives up ${op}${command['settles'] === true ? ', and waits to know what there is to take back' : ''}`
    case 'stop':
      return `asks the run ${word(command, 'run')} to stop`
    case 'phase':
      return command['phase'] === null ? 'has taken back what it did' : 'begins to take back what it did'
    case 'end': {
      const as = command['cancelled'] === undefined ? '' : ' as cancelled'
      return `ends${as}${command['output'] === undefined ? '' : ` with ${answerWords(command['output'], limit)}`}`
    }
    case 'fail':
      return `fails: ${failureWords(command['error'])}`
    case 'threw':
      return `threw: ${failureWords(command['error'])}`
    case 'continue':
      return `goes on as a new generation with ${input}`
    default:
      return preview(command as Json, limit)
  }
}

/** What happened around the run: an attempt that failed, a standstill, a person's action. */
export function noteWords(note: Part, at: string, limit: number): string {
  const op = word(note, 'op')
  switch (word(note, 'kind')) {
    case 'attempt': {
      const next = note['next']
      const again =
        typeof next === 'number' ? `again in ${showMs(Math.max(0, next - Date.parse(at)))}` : 'not tried again'
      return `attempt ${word(note, 'attempt')} of ${op} failed after ${showMs(Number(note['ms'] ?? 0))}: ${failureWords(note['error'])}${placeWords(part(note['error'] as Json))}; ${again}`
    }
    case 'stuck':
      return `stuck (${word(note, 'reason')})${op === '' ? '' : ` at ${op}`}: ${failureWords(note['error'])}`
    case 'freed':
      return `free again (${word(note, 'reason')})`
    case 'late': {
      const by = word(note, 'run')
      const [how, again] =
        note['nothing'] === true ? ['there had been nothing to take back', ''] : ['it had been taken back', ' again']
      const next = by === '' ? `it stays done: ${failureWords(note['error'])}` : `the run ${by} takes it back${again}`
      return `${op} answered after ${how}; ${next}`
    }
    case 'action':
      return `${word(note, 'action')} ${op === '' ? 'the run' : op}, asked for by ${whoWords(note)}${DROPPED[word(note, 'drops')] ?? ''}${note['tooLate'] === true ? '; that came too late: it had failed, and ends so' : ''}`
    default:
      return preview(note as Json, limit)
  }
}

/** `ann (the bank is back)`: who did something, and why if that was said. It stands before payloads, which may be cut. */
function whoWords(from: Part): string {
  const why = word(from, 'why')
  return `${word(from, 'by')}${why === '' ? '' : ` (${why})`}`
}

function names(value: unknown): string {
  if (!Array.isArray(value)) return 'something'
  return value.map((name) => `the ${String(name).replace(':', ' ')}`).join(' or ')
}
