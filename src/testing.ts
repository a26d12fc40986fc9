// The door for tests: the paths of a choreography, driven through an application or one of its services; and the cases that
// every store must pass, for those who write one.
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
export type { StoreUnderTest, TestHarness } from './testing/store-conformance.ts'
