import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  isAlive,
  leaveAddress,
  processFilePath,
  readProcessFile,
  removeProcessFile,
  writeProcessFile,
  type ProcessRecord,
} from './process-file.ts'

let folder = ''
const record: ProcessRecord = {
  pid: 4711,
  url: 'http://127.0.0.1:4400',
  token: 'secret',
  store: 'file:/x/app.db',
  storeId: 's-1',
  app: 'app.ts',
  ballet: '0.1.0',
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-process-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('writes the record whole, for its owner alone, and leaves nothing else', () => {
  writeProcessFile(folder, { ...record, pid: 1 })
  writeProcessFile(folder, record)
  expect(readProcessFile(folder)).toEqual({ kind: 'record', record })
  expect(statSync(processFilePath(folder)).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['process.json'])
})

it('makes the folder', () => {
  writeProcessFile(join(folder, 'deep', '.ballet'), record)
  expect(readProcessFile(join(folder, 'deep', '.ballet')).kind).toBe('record')
})

it('removes the file only while it is its own', () => {
  writeProcessFile(folder, record)
  removeProcessFile(folder, 1)
  expect(readProcessFile(folder).kind).toBe('record')
  removeProcessFile(folder, record.pid)
  expect(readProcessFile(folder)).toEqual({ kind: 'absent' })
  removeProcessFile(folder, record.pid)
})

it.each([
  ['cut off', '{"pid":4711,"url":'],
  ['no object', '[]'],
  ['another scheme', JSON.stringify({ ...record, url: 'file:///etc/passwd' })],
  ['no pid', JSON.stringify({ ...record, pid: '4711' })],
  ['a pid that means a group', JSON.stringify({ ...record, pid: -1 })],
  ['a token of another type', JSON.stringify({ ...record, token: 5 })],
])('does not use a file that is %s', (_what, text) => {
  writeFileSync(processFilePath(folder), text)
  expect(readProcessFile(folder).kind).toBe('unusable')
})

it('does not believe the file of another user', () => {
  writeProcessFile(folder, record)
  const owner = statSync(processFilePath(folder)).uid
  expect(readProcessFile(folder, owner).kind).toBe('record')
  expect(readProcessFile(folder, owner + 1)).toEqual({ kind: 'unusable', problem: 'it belongs to another user' })
})

it('tells a process that lives from one that is gone', async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] })
  const pid = child.pid ?? 0
  expect(isAlive(pid)).toBe(true)
  child.stdin.end()
  await once(child, 'exit')
  expect(isAlive(pid)).toBe(false)
})

it('an address that was taken away leaves nothing for the end of the process', () => {
  const before = process.listenerCount('exit')
  const remove = leaveAddress({ store: `file:${join(folder, 'app.db')}`, url: record.url })
  expect([process.listenerCount('exit'), readProcessFile(folder).kind]).toEqual([before + 1, 'record'])
  remove()
  expect([process.listenerCount('exit'), readProcessFile(folder).kind]).toEqual([before, 'absent'])
})

it('an address that cannot be written is no reason not to run: whoever wants to hears why', () => {
  writeFileSync(join(folder, 'no-folder'), '')
  const problems: string[] = []
  const store = `file:${join(folder, 'no-folder', 'app.db')}`
  const remove = leaveAddress({ store, url: record.url, unwritten: (problem) => problems.push(problem) })
  remove()
  leaveAddress({ store, url: record.url })()
  expect(problems).toEqual([expect.stringContaining('no-folder')])
})
