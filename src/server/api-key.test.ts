// The form of keys and of the lines by which a server knows them.
import { describe, expect, it } from 'vitest'
import { allows, digestOf, isKeyForm, isOver, lineOf, newKey, readKeys, SCOPES } from './api-key.ts'

const HASH = digestOf('x').toString('hex')
const OTHER = digestOf('y').toString('hex')
const MESSAGE = {
  name: 'it must begin with a name, up to 40 small letters, digits and dashes, none at either end',
  scopes: 'behind the name stand scopes as start+read, and the scopes are read, start, signal, act, all',
  hash: 'behind the scopes stands the SHA-256 of the key, 64 digits of 0-9 and a-f',
  until: 'behind the SHA-256 stands when it is over, as 2027-02-28T12:00:00Z, or nothing',
  key: 'it has the key itself: only its SHA-256 belongs here (make a new key)',
}

describe('a new key', () => {
  it('has a form that scanners find, the name, and a secret that is another each time', () => {
    const keys = Array.from({ length: 100 }, () => newKey('night-watch'))
    for (const key of keys) expect(key).toMatch(/^ballet_night-watch\.[A-Za-z0-9]{43}$/)
    expect(new Set(keys).size).toBe(100)
    // 62^43 is more than 2^256, and every character is one that may come.
    expect(new Set(keys.flatMap((key) => key.slice(-43).split(''))).size).toBe(62)
    expect(keys.every(isKeyForm)).toBe(true)
    // As the production guide tells a scanner.
    expect(`token: "${keys[0]}"`).toMatch(/ballet_[a-z0-9-]{1,40}\.[A-Za-z0-9]{43}/)
  })

  it('is known by its line, in which it does not stand', () => {
    const key = newKey('ci')
    const made = { name: 'ci', scopes: ['read', 'start'], digest: digestOf(key), until: Date.UTC(2027, 1, 28) } as const
    expect(lineOf(made)).toBe(`ci read+start ${digestOf(key).toString('hex')} 2027-02-28T00:00:00Z`)
    expect(readKeys(lineOf(made))).toEqual({ keys: [made], problems: [] })
    expect(lineOf(made)).not.toContain(key.slice(10, 30))
  })

  it('does what its scopes say, until it is over', () => {
    const key = { name: 'ci', scopes: ['start'], digest: digestOf('x'), until: 1000 } as const
    expect(SCOPES.filter((scope) => allows(key, scope))).toEqual(['start'])
    expect(SCOPES.filter((scope) => allows({ ...key, scopes: ['all'] }, scope))).toEqual([...SCOPES])
    expect([isOver(key, 999), isOver(key, 1000), isOver({ ...key, until: null }, 1e15)]).toEqual([false, true, false])
  })
})

describe('lines of keys', () => {
  it('stand one below the other or between commas, with what is said to people', () => {
    const text = `\uFEFF# the build\r\nci  start+read\t${HASH}   # until it moves\r\n\r\n look read ${OTHER} 2027-02-28T12:00Z ,\n`
    const { keys, problems } = readKeys(text)
    expect(problems).toEqual([])
    expect(keys.map(({ name, scopes, until }) => [name, scopes, until])).toEqual([
      ['ci', ['read', 'start'], null],
      ['look', ['read'], Date.UTC(2027, 1, 28, 12)],
    ])
    expect(readKeys('')).toEqual({ keys: [], problems: [] })
  })

  it('may have two of one name, and each key once', () => {
    expect(readKeys(`ci start ${HASH}, ci start ${OTHER}`)).toMatchObject({ keys: [{}, {}], problems: [] })
    expect(readKeys(`ci start ${HASH}\nbig all ${HASH}`)).toMatchObject({
      keys: [{ name: 'ci' }],
      problems: ['line 2: its key stands there twice'],
    })
    const many = Array.from({ length: 1001 }, (_, at) => `ci read ${digestOf(String(at)).toString('hex')}`)
    expect(readKeys(many.join('\n')).problems).toEqual(['line 1001: there are more than 1000 keys'])
  })

  it.each([
    [`CI start ${HASH}`, MESSAGE.name],
    [`-ci start ${HASH}`, MESSAGE.name],
    [`${'c'.repeat(41)} start ${HASH}`, MESSAGE.name],
    [`ci\u0000 start ${HASH}`, MESSAGE.name],
    [`ci ${HASH}`, MESSAGE.scopes],
    [`ci Start ${HASH}`, MESSAGE.scopes],
    [`ci start+ ${HASH}`, MESSAGE.scopes],
    [`ci admin ${HASH}`, MESSAGE.scopes],
    [`ci constructor ${HASH}`, MESSAGE.scopes],
    ['ci start', MESSAGE.hash],
    [`ci start ${HASH.toUpperCase()}`, MESSAGE.hash],
    [`ci start ${HASH.slice(1)}`, MESSAGE.hash],
    ['ci start correct-horse-battery-staple', MESSAGE.hash],
    [`ci start ${HASH} 2027-02-28`, MESSAGE.until],
    [`ci start ${HASH} 90d`, MESSAGE.until],
    [`ci start ${HASH} 2027-13-28T12:00:00Z`, MESSAGE.until],
    [`ci start ${HASH} 2027-02-28T12:00:00+01:00`, MESSAGE.until],
    [`ci start ${HASH} 2027-02-28T12:00:00Z ${OTHER}`, 'it has more than a name, scopes, a SHA-256 and a time'],
    [`ci start ballet_ci.${'x'.repeat(43)}`, MESSAGE.key],
    [`ballet_ci.${'x'.repeat(43)}`, MESSAGE.key],
  ])('%j is none, and nothing of it is said again', (line, problem) => {
    expect(readKeys(`# first\n${line}\nlook read ${OTHER}`)).toMatchObject({
      keys: [{ name: 'look' }],
      problems: [`line 2: ${problem}`],
    })
  })
})
