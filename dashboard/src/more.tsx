// What stands below a list that comes page by page: more of it, or that what is shown is not asked for again by itself.
import type { ReactNode } from 'react'
import { LIVE_PAGES } from './queries.ts'

interface Listed {
  readonly data?: { readonly pages: readonly unknown[] } | undefined
  readonly hasNextPage: boolean
  readonly isFetching: boolean
  readonly fetchNextPage: () => Promise<unknown>
  readonly refetch: () => Promise<unknown>
}

export function More({ of: list }: { readonly of: Listed }): ReactNode {
  const isLive = (list.data?.pages.length ?? 0) <= LIVE_PAGES
  return (
    <div className="buttons more">
      {list.hasNextPage ? (
        <button type="button" onClick={() => void list.fetchNextPage()} disabled={list.isFetching && !isLive}>
          More
        </button>
      ) : null}
      {isLive ? null : (
        <>
          <button type="button" onClick={() => void list.refetch()} disabled={list.isFetching}>
            Ask again
          </button>
          <span className="dim">So long a list is not asked for again by itself.</span>
        </>
      )}
    </div>
  )
}
