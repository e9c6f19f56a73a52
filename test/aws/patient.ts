/** A caller that asks again when the store is out of reach: a busy machine's emulator takes longer than AWS does. */
import { RookeryError } from "../../src/domain/errors.ts";

const PATIENCE_MS = 120_000;
const PAUSE_MS = 500;

/** Methods that answer with a promise are repeated; streams are the caller's own to open again. */
export function patientOf<T extends object>(client: T): T {
  return new Proxy(client, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...args: readonly unknown[]) => {
        const answer: unknown = Reflect.apply(member, target, args);
        return answer instanceof Promise ? repeated(answer, () => Reflect.apply(member, target, args)) : answer;
      };
    },
  });
}

async function repeated(first: Promise<unknown>, again: () => Promise<unknown>): Promise<unknown> {
  const untilMs = Date.now() + PATIENCE_MS;
  for (let answer = first; ; answer = again()) {
    try {
      return await answer;
    } catch (error) {
      if (!(error instanceof RookeryError) || !error.retryable || Date.now() > untilMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
