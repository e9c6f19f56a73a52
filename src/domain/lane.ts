/** High goes first, but never so much that low starves. */
export type Lane = "high" | "normal" | "low";
export const LANES: readonly Lane[] = ["high", "normal", "low"];
