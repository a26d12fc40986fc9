// The door for tests: a clock that the test moves, and what waits for something to hold; an application in stories in which processes die and requests get lost; the
// paths of a choreography, driven through an application or one of its services; and the cases that every store must pass, for
// those who write one.
export { HandClock } from './testing/hand-clock.ts'
export { until } from './testing/until.ts'
export {
  simulate,
  type Dice,
  type SimulateOptions,
  type SimulationReport,
  type Story,
  type StoryApp,
  type StoryFound,
} from './testing/simulation/simulate.ts'
export {
  everyPath,
  type PathOptions,
  type PathsReport,
  type UntakenStep,
  type WalkedPath,
} from './testing/paths/every-path.ts'
export { project, type Projection, type ProjectOptions } from './testing/paths/project.ts'
export type { EventData, Moment } from './testing/paths/event-data.ts'
export { storeConformance } from './testing/store-conformance.ts'
export type { StoreExtras, StoreUnderTest, TestHarness } from './testing/store-conformance.ts'
