/** A look at every request that a client of the SDK makes, repeats too: each of them is billed. */
import type { MiddlewareStack } from "@smithy/types";

export interface Attempt<I, O> {
  /** As the service names it: `PutItem`. */
  readonly operation: string;
  readonly input: I;
  /** Null when the request failed. */
  readonly output: O | null;
  /** What it failed with. */
  readonly error: unknown;
}

/** Within the SDK's repeats, and around the reading of the answer. `see` must not throw. */
export function watchAttempts<I extends object, O extends object>(
  { middlewareStack }: { readonly middlewareStack: MiddlewareStack<I, O> },
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
