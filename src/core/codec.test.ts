import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plainCodec, type PayloadPlace } from './codec.ts'

const texts = fc.array(fc.nat(0xffff), { maxLength: 30 }).map((units) => String.fromCharCode(...units))
const place: PayloadPlace = { namespace: '', row: 'turn', id: 'r1' }

describe('the plain codec', () => {
  it('keeps the text, and reads bytes as the text that they are', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(plainCodec.encode(text, place)).toBe(text)
        expect(plainCodec.decode(text, place)).toBe(text)
        expect(plainCodec.decode(new TextEncoder().encode(text), place)).toBe(text.toWellFormed())
      }),
    )
  })

  it('keeps a mark of byte order', () => {
    expect(plainCodec.decode(new TextEncoder().encode('\ufeff{}'), place)).toBe('\ufeff{}')
  })

  it('refuses bytes that are no text', () => {
    expect(() => plainCodec.decode(new Uint8Array([0x7b, 0xff]), place)).toThrow(TypeError)
  })
})
