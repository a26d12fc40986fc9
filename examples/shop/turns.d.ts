export declare class Turns {
  #private
  /** Does `work` when all that came before under this name is done, however that ended. */
  take<Result>(name: string, work: () => Promise<Result>): Promise<Result>
}
