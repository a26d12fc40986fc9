import type { z } from 'zod'
/** @throws Problem 400 for a parameter that is not in `names`, with the nearest one that is, or that comes twice. */
export declare function checkQuery(query: URLSearchParams, names: readonly string[]): void
/** @throws Problem 400 that says what is wrong with the value. */
export declare function parseQuery<Output>(name: string, value: string, schema: z.ZodType<Output>): Output
