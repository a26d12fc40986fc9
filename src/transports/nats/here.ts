// The application that a transport serves in this process, as far as the other files here know it.

/** What of an event in a message is kept. */
export interface TakenEvent {
  readonly type: string
  readonly data: unknown
  /** By which it is known when it comes twice. Default: the place of the message in its stream. */
  readonly id?: string | undefined
  /** Whose it is. Default: `nats/<stream>`. */
  readonly source?: string | undefined
  /** What brought it about, where that is said. */
  readonly cause?: string | undefined
  readonly traceparent?: string | undefined
}

/** Its doors, and whose its events are. */
export interface Here {
  publishNamed(event: TakenEvent): Promise<unknown>
  startNamed(request: { readonly call: string; readonly input: unknown; readonly id: string }): Promise<unknown>
  /** What a run that is there was begun with. @throws RUN_FORGOTTEN */
  begunWith(run: string): Promise<unknown>
  /** Source and id of an event that is there, of which a reaction knows `event:<source>:<id>`; undefined when it is forgotten. */
  identity(event: {
    readonly cause: string
    readonly type: string
    readonly key: string | null
  }): Promise<{ readonly source: string; readonly id: string } | undefined>
  /** In front of the sources of events that arise here: `<name>/<source>`. */
  readonly source: string
  /** The sources that events have which arise here: the names of the application, of its services and of its workflows. */
  readonly own: ReadonlySet<string>
}
