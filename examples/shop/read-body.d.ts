import { z } from 'zod'
/** @throws Problem 422 with the path of the first field that is wrong, and what `readJson` throws. */
export declare function readBody<Output>(request: Request, schema: z.ZodType<Output>): Promise<Output>
