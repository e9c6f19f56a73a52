/** Why an attempt ends whatever its step makes of it: an effect's outcome is not known, or what it began has failed. */
export type Interruption =
  | {
      readonly kind: "in_doubt";
      readonly key: string;
      readonly why: string;
      /** When to find out; null: a person must say. */
      readonly untilAtMs: number | null;
    }
  | { readonly kind: "threw"; readonly error: unknown };

export interface Interruptions {
  add(one: Interruption): void;
  /** The one that decides: a person's word is needed whatever else happened, then the latest instant, then what was thrown. */
  deciding(): Interruption | null;
}

export function createInterruptions(): Interruptions {
  const all: Interruption[] = [];
  const rank = (one: Interruption): number => {
    if (one.kind === "threw") return 0;
    return one.untilAtMs ?? Number.POSITIVE_INFINITY;
  };
  return {
    add: (one) => {
      all.push(one);
    },
    deciding: () => all.reduce<Interruption | null>((best, one) => (best === null || rank(one) > rank(best) ? one : best), null),
  };
}
