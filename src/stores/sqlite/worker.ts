// A thread of a SQLite store: holds one connection and answers requests in order, each write at once, reads together.
// After a failure that leaves the file in doubt it answers nothing but that failure; a read that fails leaves nothing in
// doubt. Started by StoreThread.
import { parentPort, workerData } from 'node:worker_threads'
import type { DatabaseSync } from 'node:sqlite'
import { assertNever, fault, invariant } from '../../core/errors.ts'
import type { Value } from '../sql/tables.ts'
import { CameAhead } from './ahead.ts'
import { closeWriter, openReader, openWriter } from './database.ts'
import { failureOf, isDiskFull, type Failure } from './failure.ts'
import type { Answer, Request, ThreadSettings } from './messages.ts'
import { ReceivedTexts, type Packed, type Sent } from './packed.ts'
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
let ahead: CameAhead | undefined
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
      take(request)
      continue
    }
    answers.push(answer(request))
    // A commit that is durable is not held back by what comes after it.
    if (request.kind === 'write' || request.kind === 'rest') send()
  }
  send()
})

type Part = Extract<Request, { kind: 'ahead' }>
type Asked = Exclude<Request, Part>

/** It has no answer: what leaves the file in doubt is told when something is asked for. */
function take({ batch, part, rows, statements }: Part): void {
  const received = receive(statements)
  if (dead !== undefined) return
  try {
    opened(ahead).take(batch, part, rows, received)
  } catch (error) {
    dead = { ...failureOf(error), fatal: true }
  }
}

/** Whatever becomes of a request: those after it name the texts that came with it. */
const receive = (statements: readonly Sent[]): readonly Packed[] => statements.map((one) => texts.receive(one))

function answer(request: Asked): Answer {
  const { id } = request
  const statements = 'statements' in request ? receive(request.statements) : []
  if (dead !== undefined && request.kind !== 'close') return { id, kind: 'failed', failure: dead }
  try {
    return { id, kind: 'done', values: work(request, statements) }
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

function work(request: Asked, statements: readonly Packed[]): Value[] {
  if (request.kind !== 'rest' && request.kind !== 'close') ahead?.undo()
  switch (request.kind) {
    case 'open':
      open()
      return []
    case 'read':
      presence?.checkNowAndThen()
      return opened(session).read(statements)
    case 'write': {
      const values = opened(room).write(statements, request.urgent)
      opened(presence).check()
      return values
    }
    case 'rest':
      opened(ahead).write(request.came, statements, request.urgent)
      opened(presence).check()
      return []
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
  ahead = new CameAhead(session, room)
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
  const isTrusted = dead === undefined && isUndone() && isStillThere()
  db = undefined
  session = undefined
  room = undefined
  ahead = undefined
  presence = undefined
  if (closing === undefined) return
  if (role === 'reader') closing.close()
  else closeWriter(path, closing, !isTrusted)
}

/** Whether nothing of a batch that did not come is left. */
function isUndone(): boolean {
  try {
    ahead?.undo()
    return true
  } catch {
    return false
  }
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
