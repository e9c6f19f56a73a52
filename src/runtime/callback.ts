import { InvariantError } from "../domain/errors.ts";
import type { AttemptScope } from "./attempt-scope.ts";

export async function callbackToken(_scope: AttemptScope, _signal: string, _options: { expiresMs: number }): Promise<string> {
  throw new InvariantError("not yet");
}
