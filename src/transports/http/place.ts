// Reads how a service is to be reached: what is wrong with it is said where the application is put together, and not at
// the first order. Called by the door (src/http.ts).
import type { Clock } from '../../core/clock.ts'
import { fault } from '../../core/errors.ts'
import { isLoopback } from '../../core/loopback.ts'
import type { Transport } from '../../core/transport.ts'
import { Answers } from './answers.ts'
import { httpTransport } from './ask.ts'
import { fetchedTransport } from './desk.ts'
import type { Taking } from './admission.ts'
import { secretsOf } from './signature.ts'

/** Where a service is, and how it is reached. */
export interface ElsewhereOptions {
  /** `https://payment.internal`, with a path if need be: what its operations' names come behind. Without credentials and query. */
  readonly url: string | undefined
  /**
   * What requests are signed with, `whsec_<base64>`; the first is the newest, each signs while they are being changed. What is
   * undefined or empty is none. At least one, unless the url is of this machine.
   */
  readonly secrets?: readonly (string | undefined)[] | undefined
  /** Most connections at once, further attempts wait for one; default 256. As many beside them may say that attempts are given up. */
  readonly connections?: number | undefined
  /** Most bytes of an answer; default 1 MiB, at most 32 MiB. */
  readonly answerLimitBytes?: number | undefined
  /** Where the service may send answers later, made by `laterAnswers`; without it an answer comes with the request. */
  readonly answers?: LaterAnswers | undefined
}

/** How a service that fetches its calls does that. */
export interface FetchedOptions {
  /**
   * What its requests must be signed with, one of several while they are being changed: `whsec_<base64>`. What is undefined or empty
   * is none; at least one.
   */
  readonly secrets: readonly (string | undefined)[]
  /** Requests for its work that may wait at once, at each node; more are refused. Default 100. */
  readonly waiting?: number | undefined
  /** Most bytes of an answer; default 1 MiB, at most 32 MiB. */
  readonly answerLimitBytes?: number | undefined
}

/** A door for answers that come later. */
export interface LaterAnswers {
  /** Takes an answer; undefined for a request that is none. For the application's own routes. */
  readonly take: (request: Request) => Promise<Response | undefined>
}

const MIB = 1_048_576

/** The way to a service. @throws DEFINITION_INVALID, SECRET_INVALID, SECRET_MISSING */
export function transportOf(service: string, options: ElsewhereOptions, clock: Clock): Transport {
  const what = `elsewhere(${service}, ...)`
  const { connections = 256, answerLimitBytes = MIB } = options
  const url = urlOf(what, options.url)
  const secrets = secretsOf(options.secrets)
  if (secrets.length === 0 && !isLoopback(url.hostname)) throw fault('SECRET_MISSING', { what, where: url.hostname })
  if (!Number.isSafeInteger(connections) || connections < 1)
    throw wrong(what, 'connections must be a whole number above 0')
  checkAnswerLimit(what, answerLimitBytes)
  const answers = options.answers === undefined ? null : doors.get(options.answers)
  if (answers === undefined) throw wrong(what, 'answers must be made by laterAnswers(...)')
  return httpTransport({ url, secrets, answerLimitBytes, connections, clock, answers })
}

/** The way to a service that fetches its calls. @throws DEFINITION_INVALID, SECRET_INVALID, SECRET_MISSING */
export function fetchedTransportOf(
  service: string,
  options: FetchedOptions,
  taking: Pick<Taking, 'clock' | 'read'>,
): Transport {
  const what = `fetched(${service}, ...)`
  const { waiting = 100, answerLimitBytes = MIB } = options
  const secrets = secretsOf(options.secrets)
  if (secrets.length === 0) throw fault('SECRET_MISSING', { what, where: 'whoever asks for its work' })
  if (!Number.isSafeInteger(waiting) || waiting < 1) throw wrong(what, 'waiting must be a whole number above 0')
  checkAnswerLimit(what, answerLimitBytes)
  return fetchedTransport({ ...taking, secrets, waiting, answerLimitBytes })
}

function checkAnswerLimit(what: string, bytes: number): void {
  if (!Number.isSafeInteger(bytes) || bytes < 1 || bytes > 32 * MIB)
    throw wrong(what, 'answerLimitBytes must be a whole number from 1 to 33554432')
}

const doors = new WeakMap<LaterAnswers, Answers>()

/** A door for answers. @throws DEFINITION_INVALID */
export function answersAt(url: string | undefined, taking: Omit<Taking, 'bodyLimitBytes'>): LaterAnswers {
  const answers = new Answers(urlOf('laterAnswers(...)', url), taking)
  const door = Object.freeze({ take: (request: Request) => answers.take(request) })
  doors.set(door, answers)
  return door
}

/** What is in it is not repeated: somebody may have put a password there. */
export function urlOf(what: string, given: string | undefined): URL {
  if (given === undefined || given === '') throw wrong(what, 'it has no url; is the variable of the environment set?')
  const url = URL.parse(given)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw wrong(what, 'url must be one of http or https, "https://payment.internal"')
  if (url.username !== '' || url.password !== '')
    throw wrong(what, 'url must not have a user or a password; sign with secrets')
  if (url.search !== '' || url.hash !== '') throw wrong(what, 'url must not have a query or a fragment')
  return url
}

const wrong = (what: string, problem: string): Error => fault('DEFINITION_INVALID', { what, problem })
