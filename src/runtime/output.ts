import type { Part } from "./attempt-scope.ts";

export interface Output {
  write(chunk: string): void;
  /** Resolves once all that was written is on record; never rejects (what fails becomes an interruption). */
  flush(): Promise<void>;
  /** Before the commit: text that a lost attempt of this step left behind is superseded, if by nothing. */
  supersede(): Promise<void>;
  wrote(): boolean;
}
export function createOutput(_part: Part): Output {
  return { write: () => undefined, flush: async () => undefined, supersede: async () => undefined, wrote: () => false };
}
