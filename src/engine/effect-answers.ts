// What becomes of an effect, told by effects.ts: an answer is delivered to its run, attempts are kept as notes, and what cannot
// go on by itself parks it. One part of a shard (shard.ts).
import type { Failure } from '../core/failure.ts'
import type { Effect, FailedAttempt } from './effect.ts'
import { Effects, type EffectsOptions, type Watched } from './effects.ts'
import { markStuck, writeNote } from './endings.ts'
import type { LiveRun } from './live-run.ts'
import type { Outages } from './outages.ts'
import type { DeliveryExtras, ShardContext } from './shard-context.ts'

export interface EffectParts extends Pick<EffectsOptions, 'clock' | 'random' | 'onFailure' | 'hold' | 'callLimits'> {
  readonly outages: Outages
}

/** @param context of the shard, which is not there yet when its effects are made. */
export function effectsOf({ outages, ...options }: EffectParts, context: () => ShardContext): Effects {
  return new Effects({ ...options, ...answersOf(context, options.onFailure, outages) })
}

type Answers = Pick<EffectsOptions, 'admit' | 'answered' | 'failed' | 'stuck' | 'attempted'>

function answersOf(context: () => ShardContext, onFailure: EffectsOptions['onFailure'], outages: Outages): Answers {
  /** What the engine does beside a turn: when that fails (the codec, perhaps), the shard does. */
  const safely = (work: () => void): void => {
    try {
      work()
    } catch (error) {
      onFailure(error)
    }
  }
  const live = (effect: Effect): LiveRun | undefined => context().open.use(effect.run)
  /** How far it was goes in the batch in which its answer is written. */
  const settling = ({ run, op, heart }: Effect): DeliveryExtras | undefined =>
    heart === null ? undefined : { settling: () => context().environment.heartbeats.settled(run, op) }
  return {
    admit: ({ run, op }: Effect, begin: (watched?: Watched) => void): void => context().suspects.effect(run, op, begin),
    answered: (effect: Effect, payload: string | undefined, attempt: number, ms: number): void => {
      outages.answered(effect.name)
      context().deliver(effect.run, { kind: 'done', op: effect.op, payload, attempt, ms }, settling(effect))
    },
    failed: (effect: Effect, error: Failure, attempt: number): void =>
      context().deliver(effect.run, { kind: 'failed', op: effect.op, error, attempt }, settling(effect)),
    stuck: (effect: Effect, error: Failure): void => {
      const run = live(effect)
      if (run === undefined) return
      run.stuckOps.add(effect.op)
      safely(() => markStuck(context(), run, effect.op, 'call', error))
    },
    attempted: (effect: Effect, attempt: FailedAttempt): void => {
      if (attempt.next !== null) outages.failed(effect.name, attempt.error)
      const run = live(effect)
      if (run === undefined) return
      safely(() => writeNote(context(), run, { kind: 'attempt', op: effect.op, ...attempt }))
      if (effect.heart !== null) context().environment.heartbeats.save(effect.run)
    },
  }
}
