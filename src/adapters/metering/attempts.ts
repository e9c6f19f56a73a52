/** A look at every request that a client of the SDK makes, repeats too: each of them is billed. */

/** A client of the SDK, as far as it is looked at: what stands within its repeats, and around the reading of an answer. */
export interface Watchable<I extends object, O extends object> {
  readonly middlewareStack: {
    add(
      middleware: (next: Next<I, O>, context: { commandName?: string }) => Next<I, O>,
      how: { step: "deserialize"; priority: "high"; name: string },
    ): void;
  };
}
type Next<I extends object, O extends object> = (args: Asked<I>) => Promise<{ response: unknown; output?: O }>;
interface Asked<I extends object> {
  input: I;
  request: unknown;
}

export interface Attempt<I, O> {
  /** As AWS names it: `PutItem`. */
  readonly operation: string;
  readonly input: I;
  /** Null when the request failed. */
  readonly output: O | null;
  /** What it failed with. */
  readonly error: unknown;
}
export type AttemptOf<C> = C extends Watchable<infer I, infer O> ? Attempt<I, O> : never;

/** `see` must not throw. */
export function watchAttempts<I extends object, O extends object>(
  { middlewareStack }: Watchable<I, O>,
  see: (attempt: Attempt<I, O>) => void,
): void {
  middlewareStack.add(
    (next, { commandName = "" }) =>
      async (args) => {
        const operation = commandName.replace(/Command$/, "");
        const { input } = args;
        try {
          const answer = await next(args);
          see({ operation, input, output: answer.output ?? null, error: null });
          return answer;
        } catch (error) {
          see({ operation, input, output: null, error });
          throw error;
        }
      },
    { step: "deserialize", priority: "high", name: "rookeryCostMeter" },
  );
}
