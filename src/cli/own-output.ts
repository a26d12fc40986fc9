// What the code of an application prints while a command runs it goes to stderr, so that stdout holds the answer of the
// command alone.

/** Runs `work` with the console's output put aside. */
export async function ownOutputAside<Result>(work: () => Promise<Result>): Promise<Result> {
  const { log, info, debug } = console
  const aside = (...words: readonly unknown[]): void => console.error(...words)
  Object.assign(console, { log: aside, info: aside, debug: aside })
  try {
    return await work()
  } finally {
    Object.assign(console, { log, info, debug })
  }
}
