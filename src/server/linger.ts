// How a connection ends that the client is still sending on. Closed at once, the system would answer what still comes
// with a reset, and the client would lose the answer that is on its way to it: of all answers the one that says why. So
// our side is ended, what comes is thrown away for a moment, and then the connection is cut. Used by serve.ts for every
// connection.
import type { Duplex } from 'node:stream'
import type { Socket } from 'node:net'
import type { Clock } from '../core/clock.ts'
import type { Unanswered } from './unanswered.ts'

/** A client that sends for longer has to do without the answer. */
const LINGER_MS = 1000

const lingering = new WeakSet<Duplex>()

/** Ends our side, and cuts the connection when the client has ended its own, or after a moment. */
export function linger(socket: Duplex, clock: Clock): void {
  if (socket.destroyed || lingering.has(socket)) return
  lingering.add(socket)
  const cut = (): void => void socket.destroy()
  const cancel = clock.after(LINGER_MS, cut)
  socket.once('end', cut)
  socket.once('close', cancel)
  socket.end()
  // A request whose body nobody reads any more stops the connection with every piece that comes.
  socket.on('pause', () => socket.resume())
  socket.resume()
}

/** Lets a connection that the server means to close after an answer linger, when a request has not come in whole. */
export function lingerAfterAnswers(socket: Socket, unanswered: Unanswered, clock: Clock): void {
  const soon = socket.destroySoon.bind(socket)
  socket.destroySoon = (): void => {
    if (unanswered.of(socket).some(({ req }) => !req.complete)) linger(socket, clock)
    else soon()
  }
}
