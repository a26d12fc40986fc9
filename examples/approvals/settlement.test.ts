// The settlement as a contract: the reactions of the services take every path of it, with a withdrawal at every moment, and
// nothing else; and the check has no fault to find.
import { checkApplication } from 'ballet'
import { everyPath } from 'ballet/testing'
import { expect, test } from 'vitest'
import { makeApprovals } from './approvals.ts'
import { settlement } from './settlement.ts'

const { definition } = makeApprovals()

test('the parts fit together', () => {
  expect(checkApplication(definition)).toEqual([])
})

test('the services take every path of it', async () => {
  const { paths, untaken, unseen } = await everyPath(definition, settlement)
  expect([untaken, unseen]).toEqual([[], []])
  expect(paths.length).toBeGreaterThan(20)
})
