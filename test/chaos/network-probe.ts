// What arrives over a network of the campaign's own, as a program for the test of it: datagrams to an echo beside the database,
// which counts them. For each cut one before, one while it lasts, and one after it; a datagram that is lost is not sent again.
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isInside, Network, runInside } from './network.ts'

/** Answers `<how many have come>:<text>`. */
const ECHO = `
  const socket = require('node:dgram').createSocket('udp4')
  let count = 0
  socket.on('message', (text, { port, address }) => socket.send(++count + ':' + text, port, address))
  socket.bind(4000, () => console.log('ready'))
`

async function probe(): Promise<void> {
  const network = await Network.make(1)
  const [enter, ...args] = network.inside
  const echo = spawn(enter, [...args, process.execPath, '-e', ECHO], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(echo.stdout, 'data')
  const socket = createSocket('udp4')
  const heard: string[] = []
  const send = (text: string): Promise<unknown> =>
    new Promise((resolve) => socket.send(text, 4000, network.host(0), resolve))
  const answered = async (text: string): Promise<void> => {
    for (; !heard.some((one) => one.endsWith(`:${text}`)); await once(socket, 'message'));
  }
  socket.on('message', (text) => heard.push(text.toString()))
  const cuts: string[] = []
  for (let round = 0; round < 3; round += 1) {
    await send(`before ${round}`)
    await answered(`before ${round}`)
    cuts.push(network.cut(0))
    await send(`lost ${round}`)
    network.heal(0)
    await send(`after ${round}`)
    await answered(`after ${round}`)
  }
  console.log(JSON.stringify({ cuts, heard }))
  socket.close()
  echo.kill()
  network.close()
}

if (isInside()) await probe()
else process.exitCode = await runInside()
