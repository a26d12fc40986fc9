import { describe, expect, it } from 'vitest'
import { PLACE_OPTIONS, type Command } from './command.ts'
import { parse, wholeNumber } from './parse.ts'

const command: Command = {
  name: 'sample',
  about: 'For this test.',
  words: [
    { name: 'first', about: 'One.' },
    { name: 'second', about: 'Two.', optional: true },
  ],
  options: {
    input: { value: '<json>', about: 'A value.' },
    type: { value: '<type>', about: 'Several.', many: true },
    loud: { about: 'A flag.' },
    wait: { value: '<duration>', about: 'Maybe.', bare: { value: '30s', matches: /^\d+s$/ } },
    limit: { value: '<count>', about: 'A number.' },
    ...PLACE_OPTIONS,
  },
  absent: { all: 'give it for each.' },
  examples: [],
  run: () => Promise.resolve(0),
}

const mistake = (...argv: string[]): string => {
  try {
    parse(command, argv)
  } catch (error) {
    return error instanceof Error ? error.message : ''
  }
  return 'no mistake'
}

it('says what to do instead of an option that similar commands have', () => {
  expect(mistake('one', '--all')).toBe('ballet sample has no option --all: give it for each. See: ballet sample --help')
})

describe('what is understood', () => {
  it('takes words, values in both spellings, and flags', () => {
    const given = parse(command, ['one', '--input', '{"a":1}', '--loud', 'two', '--url=http://x'])
    expect(given.words).toEqual(['one', 'two'])
    expect(given.text('input')).toBe('{"a":1}')
    expect(given.text('url')).toBe('http://x')
    expect(given.flag('loud')).toBe(true)
    expect(given.flag('json')).toBe(false)
    expect(given.text('store')).toBeUndefined()
  })

  it('takes a single dash as a value, and a negative number behind =', () => {
    expect(parse(command, ['one', '--input', '-']).text('input')).toBe('-')
    expect(parse(command, ['one', '--input=-5']).text('input')).toBe('-5')
  })

  it('takes what may be given several times', () => {
    expect(parse(command, ['one', '--type', 'a', '--type=b']).all('type')).toEqual(['a', 'b'])
  })

  it('lets a value be left out where it may be', () => {
    expect(parse(command, ['one', '--wait']).text('wait')).toBe('30s')
    expect(parse(command, ['one', '--wait', '5s']).text('wait')).toBe('5s')
    expect(parse(command, ['--wait', 'one']).text('wait')).toBe('30s')
    expect(parse(command, ['--wait', 'one']).words).toEqual(['one'])
    expect(parse(command, ['one', '--wait=2m']).text('wait')).toBe('2m')
  })

  it('takes everything behind -- as words', () => {
    expect(parse(command, ['--', '--wait', '-h']).words).toEqual(['--wait', '-h'])
  })

  it('asks for no word when help is wanted', () => {
    expect(parse(command, ['--help']).flag('help')).toBe(true)
    expect(parse(command, ['-h']).flag('help')).toBe(true)
  })
})

describe('what is refused', () => {
  it.each([
    [['one', '--imput', '1'], 'no option --imput. Did you mean "--input"?'],
    [['one', '-x'], 'no option -x'],
    [['one', '--input'], '--input needs a value: <json>.'],
    [['one', '--input='], '--input needs a value: <json>.'],
    [['one', '--input', '--loud'], 'write it as --input=--loud.'],
    [['one', '--loud=yes'], '--loud takes no value'],
    [['one', '--input', '1', '--input', '2'], '--input is given twice'],
    [[], 'ballet sample needs <first>'],
    [['one', 'two', 'three'], 'does not take "three"; quote'],
    [['one', 'two', '{"a":1}'], 'does not take "{"a":1}"; if that is a value, write --input in front of it.'],
    [['one', 'two', '@order.json'], 'if that is a value, write --input in front of it.'],
    [['one', '--constructor', 'x'], 'no option --constructor'],
    [['one', '--__proto__=x'], 'no option --__proto__'],
  ])('%j', (argv, words) => {
    expect(mistake(...argv)).toContain(words)
    expect(mistake(...argv)).toContain('See: ballet sample --help')
  })
})

it('takes whole numbers within their limits', () => {
  const number = (text: string): number | undefined =>
    wholeNumber(command, parse(command, ['one', '--limit', text]), 'limit', 100)
  expect(number('100')).toBe(100)
  for (const text of ['0', '101', '1.5', '1e1', 'x', '0x10'])
    expect(() => number(text)).toThrow('--limit must be a whole number from 1 to 100')
  expect(wholeNumber(command, parse(command, ['one']), 'limit', 100)).toBeUndefined()
})
