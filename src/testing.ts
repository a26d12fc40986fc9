// The door for tests: the cases that every store must pass, for those who write one.
export { storeConformance } from './testing/store-conformance.ts'
export type { StoreUnderTest, TestHarness } from './testing/store-conformance.ts'
