// What the pages keep of the server's answers, and how often they ask again: every two seconds while the page is seen, never
// while it is hidden, and seldom for what has ended. A refusal for want of a token sends everybody to the sign-in page.
import {
  keepPreviousData,
  QueryCache,
  MutationCache,
  QueryClient,
  useInfiniteQuery,
  useQuery,
} from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import { api, isAway, Problem, serverNow, type Scope } from './api.ts'
import { lacking } from './possible.ts'
import { stuckBelow } from './shown.ts'
import type {
  ApplicationView,
  EventView,
  FailingView,
  FlowView,
  JournalView,
  KeyView,
  Page,
  Related,
  RunView,
  UnreadableView,
} from './shown.ts'

/** Milliseconds between two questions about what may change, and about what hardly does. */
const LIVE_MS = 2000
const SELDOM_MS = 15_000

const PAGE = 100
const JOURNAL_PAGE = 500
/** Runs of one causal graph whose journals are read, and questions under way at once. */
const JOURNALS = 150
const AT_ONCE = 6

const refused = (error: unknown): void => {
  if (error instanceof Problem && error.status === 401) void client.invalidateQueries({ queryKey: ['session'] })
}

/** Since when the server has not answered at all, null while it does; and who wants to know. */
let awaySince: number | null = null
const listeners = new Set<() => void>()

function setAway(isSo: boolean): void {
  if (isSo === (awaySince !== null)) return
  awaySince = isSo ? serverNow() : null
  for (const listener of listeners) listener()
}

/** Since when the server does not answer, in milliseconds; null while it does. */
export const useAwaySince = (): number | null =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => awaySince,
  )

export const client: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => {
      refused(error)
      setAway(isAway(error))
    },
    onSuccess: () => setAway(false),
  }),
  mutationCache: new MutationCache({ onError: refused }),
  defaultOptions: {
    queries: {
      refetchInterval: LIVE_MS,
      refetchIntervalInBackground: false,
      // What is asked again in two seconds anyway is not asked three times now.
      retry: false,
      staleTime: 1000,
    },
  },
})

export const useSession = () =>
  useQuery({ queryKey: ['session'], queryFn: () => api.session(), refetchInterval: false })

/** Why this person may not do what needs a scope; undefined: they may. What the server does not say it decides itself, when it is asked. */
export const useNot = (scope: Scope): string | undefined => lacking(useSession().data, scope)

/** Whether this person may change anything. */
export const useMayWrite = (): boolean => useSession().data?.mayWrite !== false

export const useApp = () => useQuery({ queryKey: ['app'], queryFn: api.app, refetchInterval: SELDOM_MS })

/** The application, where a page has nothing to show without it; undefined until it is known. */
export const useKnownApp = (): ApplicationView | undefined => useApp().data

export const useCounts = () => useQuery({ queryKey: ['counts'], queryFn: api.counts })

export const useNodes = () => useQuery({ queryKey: ['nodes'], queryFn: api.nodes })

/** What lies aside, one by one; asked for where there is any. */
export const useAsides = (enabled: boolean) =>
  useQuery({ queryKey: ['asides'], queryFn: api.asides, enabled, refetchInterval: LIVE_MS * 2 })

/** All that one of them says. */
export const useAside = (item: string) =>
  useQuery({ queryKey: ['aside', item], queryFn: () => api.aside(item), refetchInterval: false })

export const useSchedules = () => useQuery({ queryKey: ['schedules'], queryFn: api.schedules })

export type Filter = Readonly<Record<string, string | undefined>>

const isOpen = ({ status }: RunView): boolean => status === 'running' || status === 'stuck'

export const useRun = (id: string) =>
  useQuery({
    queryKey: ['run', id],
    queryFn: () => api.run(id),
    refetchInterval: ({ state }) => (state.data !== undefined && !isOpen(state.data) ? SELDOM_MS : LIVE_MS),
  })

/** The newest few workflows: how each stands is read from its journal, so that no more are asked for. */
export const useNewest = (limit: number) =>
  useQuery({ queryKey: ['newest', limit], queryFn: () => api.runs({ kind: 'workflow', limit }) })

/** The newest few runs of one name that are stuck for one reason. */
export const useStuck = (name: string, reason: string) =>
  useQuery({
    queryKey: ['stuck', name, reason],
    queryFn: () => api.runs({ status: 'stuck', name, reason, limit: 5 }),
    refetchInterval: LIVE_MS * 2,
  })

/** Names of which the newest runs are looked at besides, and how many of each; and groups of which a run is shown. */
const [NAMES, OF_NAME, GROUPS] = [10, 20, 20]

/** A group of calls that keep failing, with a run that waits for one of them; null when that has gone meanwhile. */
export interface FailingGroup extends FailingView {
  readonly run: RunView | null
}

export interface Failing {
  readonly groups: readonly FailingGroup[]
  /** Shards of which no node has answered, and the newest runs under way, which may be of those. */
  readonly unknown: number
  readonly newest: readonly RunView[]
}

/**
 * What keeps failing, as the nodes know it that carry it. Only where some of them do not answer the newest runs under way are looked at, and the
 * newest of each name that is not among them.
 */
export const useFailing = () =>
  useQuery({
    queryKey: ['failing'],
    queryFn: async (): Promise<Failing> => {
      const { failing, shards } = await api.failing()
      const groups = await inTurn(failing.slice(0, GROUPS), async (one) => ({ ...one, run: await runOf(one) }))
      const unknown = shards.of - shards.known
      return { groups, unknown, newest: unknown === 0 ? [] : await newestRunning() }
    },
    refetchInterval: LIVE_MS * 2,
  })

/** One that waits for a call of the group still. */
async function runOf({ runs: [first] }: FailingView): Promise<RunView | null> {
  return first === undefined ? null : api.run(first).catch(() => null)
}

async function newestRunning(): Promise<readonly RunView[]> {
  const { counts } = await api.counts()
  const { items } = await api.runs({ status: 'running', limit: PAGE })
  const runs = [...items]
  const names = new Set(counts.filter(({ status }) => status === 'running').map(({ name }) => name))
  for (const { name } of items) names.delete(name)
  for (const name of [...names].slice(0, NAMES))
    runs.push(...(await api.runs({ status: 'running', name, limit: OF_NAME })).items)
  return runs
}

/** A list, page by page; the pages that are shown are asked for again. */
export const useRuns = (filter: Filter) => useList('runs', filter, (fields) => api.runs(fields))

export const useEvents = (filter: Filter) => useList('events', filter, (fields) => api.events(fields))

export const useFlows = (name: string, filter: Filter) =>
  useList(`flows ${name}`, filter, (fields) => api.flows(name, fields))

function useList<Item>(
  what: string,
  filter: Filter,
  ask: (fields: Readonly<Record<string, string | number | undefined>>) => Promise<Page<Item>>,
) {
  return useInfiniteQuery({
    queryKey: [what, filter],
    queryFn: ({ pageParam }) => ask({ ...filter, cursor: pageParam, limit: PAGE }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.cursor,
    // Many pages are not asked for again and again.
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) > LIVE_PAGES ? false : LIVE_MS),
  })
}

/** Pages of a list that are asked for again by themselves; somebody who goes on reads what was. */
export const LIVE_PAGES = 3

/** How many flows stand so, counted to the limit. */
export const FLOWS_COUNTED = 200

export const useFlowCount = (name: string, state: FlowView['state']) =>
  useQuery({
    queryKey: ['flow count', name, state],
    queryFn: async () => {
      const { items, cursor } = await api.flows(name, { state, limit: FLOWS_COUNTED })
      return { flows: items, more: cursor !== undefined }
    },
    // Those that need nobody may be many, and are counted less often.
    refetchInterval: state === 'overdue' || state === 'broken' ? LIVE_MS * 2 : SELDOM_MS,
  })

export const useFlow = (name: string, key: string) =>
  useQuery({ queryKey: ['flow', name, key], queryFn: () => api.flow(name, key) })

/** Rows from the first on; a long journal is read in parts, and no further than was asked for. */
export const useJournal = (id: string, isLive: boolean) =>
  useInfiniteQuery({
    queryKey: ['journal', id],
    queryFn: ({ pageParam }) => api.journal(id, { cursor: pageParam, limit: JOURNAL_PAGE }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.cursor,
    refetchInterval: ({ state }) => (isLive && (state.data?.pages.length ?? 0) <= 2 ? LIVE_MS : false),
  })

export interface Whole {
  readonly runs: readonly RunView[]
  readonly events: readonly EventView[]
  readonly journals: ReadonlyMap<string, readonly JournalView[]>
  readonly unreadable: readonly UnreadableView[]
  /** There is more than is read for a picture. */
  readonly isPart: boolean
}

/** What belongs to one causal graph, with the journals of its runs. */
export const useGraph = (root: string | undefined) =>
  useQuery({
    queryKey: ['graph', root],
    enabled: root !== undefined,
    queryFn: () => whole(api.graph(root ?? '')),
    refetchInterval: wholeInterval,
  })

/** The stuck runs that hold up one which waits for others: they are of its graph. */
export function useStuckBelow(run: RunView): readonly RunView[] {
  const { data, dataUpdatedAt } = useGraph(run.root)
  const below = useQuery({
    queryKey: ['below', run.id, dataUpdatedAt],
    enabled: data !== undefined,
    queryFn: () => stuckBelow({ run: async (id) => data?.runs.find((one) => one.id === id) ?? null }, run),
    placeholderData: keepPreviousData,
    refetchInterval: false,
  })
  return below.data ?? []
}

/** Everything of a key, with its flows. */
export const useKey = (field: string, value: string) =>
  useQuery({
    queryKey: ['key', field, value],
    queryFn: async () => {
      const first = await api.key(field, value)
      return { ...(await whole(Promise.resolve(first), await rootsOf(first))), flows: first.flows }
    },
    refetchInterval: wholeInterval,
  })

/** A graph of many runs is asked for less often: all of it is read each time. */
const wholeInterval = ({ state }: { readonly state: { readonly data?: Whole | undefined } }): number => {
  const runs = state.data?.runs ?? []
  return runs.length > 0 && !runs.some(isOpen) ? SELDOM_MS : Math.min(SELDOM_MS, LIVE_MS + runs.length * 100)
}

/** The causal graphs that a key is part of: what brought it about may be of no key. */
async function rootsOf({ runs, events }: KeyView): Promise<readonly Related[]> {
  const roots = new Set([...runs.map(({ root }) => root), ...events.map(({ correlationid }) => correlationid)])
  return inTurn([...roots].slice(0, JOURNALS), (root) => api.graph(root))
}

async function whole(first: Promise<Related>, others: readonly Related[] = []): Promise<Whole> {
  const parts = [await first, ...others]
  const runs = new Map(parts.flatMap((part) => part.runs.map((run) => [run.id, run] as const)))
  const events = new Map(parts.flatMap((part) => part.events.map((event) => [`${event.source} ${event.id}`, event])))
  const read = [...runs.values()].slice(0, JOURNALS)
  const rows = await inTurn(read, journalOf)
  const all = [...parts, ...rows].flatMap((one) => one.unreadable ?? [])
  return {
    runs: [...runs.values()],
    events: [...events.values()],
    journals: new Map(rows.map(({ id, items }) => [id, items])),
    unreadable: [...new Map(all.map((one) => [one.error.message, one])).values()],
    isPart:
      parts.some(({ cursor }) => cursor !== undefined) || runs.size > read.length || rows.some(({ isPart }) => isPart),
  }
}

interface KnownJournal {
  readonly id: string
  readonly items: readonly JournalView[]
  readonly isPart: boolean
  readonly unreadable?: readonly UnreadableView[]
}

/** Journals of runs that have ended: there is hardly ever a row more. */
const ended = new Map<string, KnownJournal>()
const ENDED_KEPT = 1000

async function journalOf({ id, ended: at }: RunView): Promise<KnownJournal> {
  const name = `${id} ${at}`
  const known = ended.get(name)
  if (known !== undefined) return known
  const page = await api.journal(id, { limit: JOURNAL_PAGE }).catch((error: unknown) => {
    // Encoded with a key that is gone, at this node perhaps: the others are shown.
    if (error instanceof Problem && error.code === 'RUN_UNREADABLE') return error
    throw error
  })
  if (page instanceof Problem)
    return { id, items: [], isPart: false, unreadable: [{ id, error: { code: page.code, message: page.message } }] }
  const { items, cursor } = page
  const journal = { id, items, isPart: cursor !== undefined }
  if (ended.size >= ENDED_KEPT) ended.clear()
  if (at !== null) ended.set(name, journal)
  return journal
}

/** All answers in the order of the questions, a few of which are under way at once. */
async function inTurn<Item, Answer>(
  items: readonly Item[],
  ask: (item: Item) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  for (let next = 0; next < items.length; next += AT_ONCE)
    answers.push(...(await Promise.all(items.slice(next, next + AT_ONCE).map(ask))))
  return answers
}
