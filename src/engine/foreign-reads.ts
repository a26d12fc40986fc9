// Tells what a workflow reads that a replay reads otherwise: in development, the clock and the dice of JavaScript notice that a run asks them
// in its turn. What a package asks for its own sake (a logger, the time) is nobody's decision, so that only the author's own lines are told,
// each once. Off in production: there nobody's globals are touched.
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import type { Log } from '../define/definition.ts'
import { placeOfCaller } from './author-place.ts'

/** What is read, and what a run takes in its place. */
type Read = readonly [what: string, instead: string]

interface Watcher {
  /** The run whose code runs now, if any. */
  readonly inTurn: () => { readonly row: { readonly id: string; readonly name: string } } | null
  readonly log: Log
}

const watchers = new Set<Watcher>()
/** Lines of code that were told. */
const told = new Set<string>()
let undo: (() => void) | null = null

/** Watches until it is told to stop. */
export function watchForeignReads(watcher: Watcher): () => void {
  watchers.add(watcher)
  undo ??= replaceGlobals()
  return () => {
    watchers.delete(watcher)
    if (watchers.size > 0) return
    undo?.()
    undo = null
  }
}

/** @param callee what the author has called, and nobody else if it is to be told */
function notice([what, instead]: Read, callee: (...given: never[]) => unknown): void {
  for (const { inTurn, log } of watchers) {
    const run = inTurn()
    if (run === null) continue
    const place = placeOfCaller(callee)
    if (place === null || told.has(place)) return
    told.add(place)
    const { id, name } = run.row
    const message = `The workflow ${name} asks ${what} (${place}), which answers otherwise when the run is replayed. Take ${instead}`
    return log.warn(message, undefined, { run: id })
  }
}

/** Returns what puts them back, where nobody else has replaced them since. */
function replaceGlobals(): () => void {
  const undone = [
    // In its place, and not by the new Date: somebody else may wrap it, and puts back what stood there.
    replaced(Date, 'now', ['Date.now()', 'run.now()']),
    replaceDate(),
    replaced(Math, 'random', ['Math.random()', 'run.random()']),
    replaced(globalThis.crypto, 'randomUUID', ['crypto.randomUUID()', 'run.uuid()']),
    replaced(crypto, 'randomUUID', ['randomUUID()', 'run.uuid()']),
  ]
  syncBuiltinESMExports()
  return () => {
    for (const one of undone) one()
    syncBuiltinESMExports()
  }
}

function replaced<Name extends string>(
  owner: Record<Name, (...given: never[]) => unknown>,
  name: Name,
  read: Read,
): () => void {
  const own = Object.getOwnPropertyDescriptor(owner, name)
  const before = owner[name]
  const replacement = function (this: unknown, ...given: never[]): unknown {
    notice(read, replacement)
    return Reflect.apply(before, this, given)
  }
  const enumerable = own?.enumerable ?? true
  Object.defineProperty(owner, name, { value: replacement, writable: true, configurable: true, enumerable })
  return () => {
    if (owner[name] !== replacement) return
    if (own === undefined) Reflect.deleteProperty(owner, name)
    else Object.defineProperty(owner, name, own)
  }
}

/** `new Date(0)` is the same every time. */
function replaceDate(): () => void {
  const before = Date
  const { prototype } = before
  const replacement: DateConstructor = new Proxy(before, {
    construct: function construct(date, given, newTarget): Date {
      if (given.length === 0) notice(['new Date()', 'run.now()'], construct)
      return Reflect.construct(date, given, newTarget === replacement ? date : newTarget) as Date
    },
  })
  const set = (date: DateConstructor): void => {
    globalThis.Date = date
    Object.defineProperty(prototype, 'constructor', { value: date, writable: true, configurable: true })
  }
  set(replacement)
  return () => {
    if (globalThis.Date === replacement) set(before)
  }
}
