// How the secrets of the nodes that share a store are written in one text, for the command and for whoever serves an application
// by hand. It has no state, and imports nothing.

/**
 * The secrets of nodes as one text has them, which is how BALLET_NODE_SECRET is written: one is taken as it stands; of several, with
 * commas between them, the blanks around each belong to none. What `serve` and `handler` take as `nodeSecret`.
 */
export function nodeSecretsIn(text: string | undefined): readonly string[] {
  const secrets = text === undefined || text === '' ? [] : text.split(',')
  return secrets.length > 1 ? secrets.map((secret) => secret.trim()) : secrets
}
