// The network by which the campaign parts nodes from their database: what is sent while a way is cut is lost, in that direction
// alone, and the way carries again afterwards.
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { whyNoNetwork } from './network.ts'

const probe = fileURLToPath(new URL('network-probe.ts', import.meta.url))

test('what is sent while a way is cut is lost, in that direction alone', async (context) => {
  const why = whyNoNetwork()
  if (why !== null) context.skip(`left out: ${why}`)
  const child = spawn(process.execPath, [probe], { stdio: ['ignore', 'pipe', 'inherit'] })
  expect(JSON.parse(await text(child.stdout))).toEqual({
    cuts: ['both', 'to', 'from'],
    // The echo counts what reached it: one of the third round did, and only its answer was lost.
    heard: ['1:before 0', '2:after 0', '3:before 1', '4:after 1', '5:before 2', '7:after 2'],
  })
})
