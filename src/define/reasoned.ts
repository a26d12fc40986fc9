// Who asks for something by hand, and why: beside every request for an action (application.ts, asides.ts).

/** Who asks for something to be done to a run, and why: it stands in the journal. Of what lies aside it stands in the log. */
export interface Reasoned {
  /** A name, up to 256 characters; default `unknown`. */
  readonly by?: string | undefined
  /** Up to 4,000 characters. */
  readonly why?: string | undefined
}
