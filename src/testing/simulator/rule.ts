/** A predicate that must hold, by its name. */
export interface Invariant<T> {
  readonly name: string;
  /** What is wrong, or null. */
  check(given: T): string | null;
}
export function rule<T>(name: string, check: (given: T) => string | null): Invariant<T> {
  return { name, check };
}
