// The tokens of the environment: BALLET_TOKEN is one, or several with commas, the newest first. A server takes each of them, so that it can
// be changed while nodes and clients have different ones; a command sends the first.
// BALLET_NODE_SECRET is written in the same way (server/node-secrets.ts).

/** @param text of BALLET_TOKEN, or of BALLET_READ_TOKEN */
export function tokensOf(text: string | undefined): readonly string[] {
  return text === undefined || text === '' ? [] : text.split(',')
}
