// A thread of a SQLite store: holds one connection and answers requests in order, each write at once, reads together.
// After a failure that leaves the file in doubt it answers nothing but that failure; a read that fails leaves nothing in
// doubt. Started by StoreThread.
import { parentPort, workerData } from 'node:worker_threads'
import type { DatabaseSync } from 'node:sqlite'
import { assertNever, fault, invariant } from '../../core/errors.ts'
import type { Value } from '../sql/tables.ts'
import { closeWriter, openReader, openWriter } from './database.ts'
import { failureOf, isDiskFull, type Failure } from './failure.ts'
import type { Answer, Request, ThreadSettings } from './messages.ts'
import { ReceivedTexts } from './packed.ts'
import { Presence } from './presence.ts'
import { Reserve } from './reserve.ts'
import { Room } from './room.ts'
import { Session } from './session.ts'

const { role, path, isOwn } = workerData as ThreadSettings
const port = parentPort
invariant(port !== null, 'this file runs in a thread')

const texts = new ReceivedTexts()
let db: DatabaseSync | undefined
let session: Session | undefined
let room: Room | undefined
let presence: Presence | undefined
let dead: Failure | undefined

port.on('message', (requests: readonly Request[]) => {
  let answers: Answer[] = []
  const send = (): void => {
    if (answers.length > 0) port.postMessage(answers)
    answers = []
  }
  for (const request of requests) {
    if (request.kind === 'ahead') {
      takeAhead(request)
      continue
    }
    answers.push(answer(request))
    // A commit that is durable is not held back by what comes after it.
    if (request.kind === 'write' || request.kind === 'rest') send()
  }
  send()
})

type Ahead = Extract<Request, { kind: 'ahead' }>
type Asked = Exclude<Request, Ahead>

/** What is wrong with the file is told when something is asked for. */
function takeAhead({ batch, part, statements }: Ahead): void {
  // Received all the same: other texts are known by those that have come.
  const received = statements.map((one) => texts.receive(one))
  if (dead !== undefined) return
  try {
    opened(session).ahead(batch, part, received)
  } catch (error) {
    dead = failureOf(error)
  }
}

function answer(request: Asked): Answer {
  const { id } = request
  if (dead !== undefined && request.kind !== 'close') return { id, kind: 'failed', failure: dead }
  try {
    return { id, kind: 'done', values: work(request) }
  } catch (error) {
    const failure = failureOf(error)
    // A read has changed nothing, whatever it met: a damaged page is the fault of the rows in it, and others are well.
    // One that has found the file gone is another matter.
    if (request.kind === 'read' && failure.code !== 'STORE_REMOVED')
      return { id, kind: 'failed', failure: { ...failure, fatal: false } }
    if (failure.fatal) dead = failure
    return { id, kind: 'failed', failure }
  }
}

function work(request: Asked): Value[] {
  if (request.kind !== 'rest') session?.dropAhead()
  switch (request.kind) {
    case 'open':
      open()
      return []
    case 'read':
      presence?.checkNowAndThen()
      return opened(session).read(request.statements.map((one) => texts.receive(one)))
    case 'write': {
      const statements = request.statements.map((one) => texts.receive(one))
      const values = opened(room).write(statements, request.urgent)
      opened(presence).check()
      return values
    }
    case 'rest': {
      const statements = request.statements.map((one) => texts.receive(one))
      const isWritten = opened(room).rest(request.batch, request.parts, statements)
      opened(presence).check()
      return [isWritten ? 1 : 0]
    }
    case 'room':
      return [opened(room).isAmple() ? 1 : 0]
    case 'close':
      close()
      return []
    default:
      return assertNever(request)
  }
}

function open(): void {
  if (role === 'reader') {
    db = openReader(path)
    session = new Session(db)
    if (isOwn) presence = new Presence(path, null)
    return
  }
  const reserve = new Reserve(path)
  db = openInReserve(reserve)
  session = new Session(db)
  room = new Room(path, db, session, reserve)
  presence = new Presence(path, db)
}

/** Opening needs a little space itself. */
function openInReserve(reserve: Reserve): DatabaseSync {
  try {
    return openWriter(path)
  } catch (error) {
    if (!isDiskFull(error) || !reserve.release()) throw error
    return openWriter(path)
  }
}

function close(): void {
  const closing = db
  const isTrusted = dead === undefined && isStillThere()
  db = undefined
  session = undefined
  room = undefined
  presence = undefined
  if (closing === undefined) return
  if (role === 'reader') closing.close()
  else closeWriter(path, closing, !isTrusted)
}

/** Whether the log may be moved into the file that has the path: nothing was committed since somebody has replaced that, perhaps. */
function isStillThere(): boolean {
  try {
    presence?.check()
    return true
  } catch {
    return false
  }
}

function opened<T>(part: T | undefined): T {
  if (part === undefined) throw fault('STORE_FAILED', { problem: 'it is not open' })
  return part
}
