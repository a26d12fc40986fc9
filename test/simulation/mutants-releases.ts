// What can be broken in the way from one release to the next: what a newer one has said, and what old runs are spared. Played on
// stories in which the application is released anew.
import type { Mutant } from './mutants.ts'

export const RELEASE_MUTANTS: readonly Mutant[] = [
  {
    name: 'takes-newer-events',
    breaks: 'an event of a newer release, whose reactions this one does not have, waits for that one',
    file: 'engine/between-shards.ts',
    changes: [['if (ageOf(context, version) >= 0) context.directory.event(fact.type)', '']],
    within: 500,
  },
  {
    name: 'refuses-newer-workflows',
    breaks: 'a workflow of a newer release that a reaction asks for waits for that one',
    file: 'engine/between-shards.ts',
    changes: [['if (isForAnother(context, version, error)) throw error', '']],
    within: 500,
  },
  {
    name: 'leaves-aside',
    breaks: 'what a release could not take is taken by the next',
    file: 'engine/shard.ts',
    changes: [['await this.aside.bringBack()', '']],
    within: 500,
  },
  {
    name: 'patches-old-runs',
    breaks: 'a run that has passed a place goes the old way there for ever',
    file: 'core/surface.ts',
    changes: [
      ["recorded === null || recorded.some((command) => command.kind === 'patch' && command['id'] === id)", 'true'],
    ],
    within: 500,
  },
]

/** Played on stories in which the choreography is another one in each release. */
export const CHANGE_MUTANTS: readonly Mutant[] = [
  {
    name: 'misses-what-came-meanwhile',
    breaks: 'a choreography that was away takes the events that came meanwhile when it is back',
    file: 'engine/monitor.ts',
    changes: [['followed.met = place?.pos ?? head', 'followed.met = head']],
    within: 500,
  },
  {
    name: 'takes-states-of-another-flow',
    breaks: 'a state that another contract has left is not read as one of this',
    file: 'core/flow.ts',
    changes: [['if (hash !== this.hash) return null', '']],
    within: 1500,
  },
]
