import { describe, test } from 'vitest'
import { newPlace } from '../../../test/postgres/subject.ts'
import { systemClock } from '../../engine/clock.ts'
import { storeConformance } from '../../testing/store-conformance.ts'
import { postgres } from './postgres-store.ts'

describe.each([
  ['prepared statements', ''],
  ['without prepared statements, as behind a pooler', '&prepare=false'],
])('postgres store: %s', (_, options) => {
  storeConformance(
    async () => {
      const place = await newPlace()
      const make = () => postgres({ url: place.url(options), clock: systemClock })
      return { store: make(), reopen: async () => make(), dispose: () => place.drop() }
    },
    { describe, test },
  )
})
