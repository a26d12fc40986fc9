// Two nodes on one store: one owns all shards, and one of an older version owns none and answers all the same.
import { afterEach } from 'vitest'
import type { Application, ApplicationDefinition, OpenOptions } from '../../src/index.ts'
import { openForTest } from '../support/applications.ts'
import { newPlace, type Place } from './subject.ts'

const dropping: (() => unknown)[] = []
afterEach(async () => {
  for (const drop of dropping.splice(0).reverse()) await drop()
})

export interface Nodes {
  /** Owns no shard, since it is of an older version. */
  readonly old: Application
  /** Owns all of them. */
  readonly owner: Application
  readonly schema: string
}

/** A schema that is dropped behind the test. */
export async function placeForTest(): Promise<Place> {
  const place = await newPlace()
  dropping.push(() => place.drop())
  return place
}

/** @param options of the one that owns the shards; `ofOld` of the other. */
export async function nodesOf(
  definition: (version: string) => ApplicationDefinition,
  options: OpenOptions = {},
  ofOld: OpenOptions = {},
): Promise<Nodes> {
  const place = await placeForTest()
  const store = place.url('&shards=8&lease=2&pool=4')
  const owner = await openForTest(definition('2'), { store, ...options })
  const old = await openForTest(definition('1'), { store, ...ofOld })
  return { old, owner, schema: place.schema }
}
