// The payloads of a shard go through the codec of its application, which is the user's: it may fail, for a moment or for ever.
// What fails is told apart by what it has left behind. One part of a shard (shard.ts).
import type { Codec } from '../core/codec.ts'
import type { ShardContext } from './shard-context.ts'

export type Coding = Pick<ShardContext, 'encode' | 'encodeAsked' | 'decode'>

/** @param onFailure stops the shard. */
export function codingOf(codec: Codec, namespace: string, onFailure: (error: unknown) => void): Coding {
  const encodeAsked: Coding['encodeAsked'] = (text, row, id) => codec.encode(text, { namespace, row, id })
  return {
    encodeAsked,
    encode: (text, row, id) => {
      try {
        return encodeAsked(text, row, id)
      } catch (error) {
        // Memory is ahead of what can be written: nothing may be answered, or done, by it.
        onFailure(error)
        throw error
      }
    },
    decode: (payload, row, id) => codec.decode(payload, { namespace, row, id }),
  }
}
