/** Thrown by the shop's routes; becomes the answer. */
export declare class Problem extends Error {
  #private
  readonly name: string
  readonly status: number
  readonly code: string
  readonly hint: string
  /** Where the fault is in what was sent: `items.0.sku`. */
  readonly path: string | undefined
  constructor(status: number, code: string, detail: string, hint: string, path?: string)
  response(headers?: Readonly<Record<string, string>>): Response
}
