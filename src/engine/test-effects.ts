// The effects of a shard for tests of what begins when, and effects that were never tried: nobody hears what comes of them.
import { RETRY } from '../core/retry.ts'
import { Effects, type EffectsOptions } from './effects.ts'

export const effectsFor = (options: Pick<EffectsOptions, 'clock' | 'hold' | 'callLimits' | 'admit'>): Effects =>
  new Effects({
    ...options,
    random: { seed: () => 1, uuid: () => '' },
    answered: () => {},
    failed: () => {},
    stuck: () => {},
    onFailure: (error) => {
      throw error
    },
    attempted: () => {},
  })

export const untried = {
  policy: RETRY,
  heart: null,
  isEndless: false,
  timeoutMs: 60_000,
  failed: 0,
  dueAt: 0,
  mustSucceed: false,
  late: () => undefined,
}
