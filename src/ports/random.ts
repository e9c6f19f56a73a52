export interface Random {
  bytes(count: number): Uint8Array;
  /** From 0 (inclusive) to 1 (exclusive). */
  fraction(): number;
}
