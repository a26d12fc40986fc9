import { Problem } from './problem.ts'
export declare const conflict: (orderId: string, problem: string) => Problem
export declare const unknownOrder: (orderId: string) => Problem
export declare const final: (orderId: string, status: string) => Problem
