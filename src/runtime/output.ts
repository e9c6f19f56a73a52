/**
 * What a step streams while it runs. It is no part of the snapshot: chunks are on record at once, and count once the
 * attempt's commit does (the rule for readers is in domain/output.ts).
 *
 * It owns the chunks of one attempt: written if absent, in order, one write at a time, never changed. The first goes out
 * at once, later ones are gathered for a moment, and `flush` ends the stream before the outcome is looked at.
 */
import { CtxRevokedError, InvalidArgumentError, invariant } from "../domain/errors.ts";
import { outputKey } from "../domain/keys.ts";
import { encodeOutput } from "../wire/output.ts";
import type { Part } from "./attempt-scope.ts";
import { put } from "./records.ts";

export interface Output {
  write(chunk: string): void;
  /** Resolves once all that was written is on record; never rejects (what fails becomes an interruption). Ends the stream. */
  flush(): Promise<void>;
  /** Before the commit: text that a lost attempt of this step left behind is superseded, if by nothing. */
  supersede(): Promise<void>;
  wrote(): boolean;
}

/** How long text is gathered for one record, unless there is much of it. */
const GATHER_MS = 60;
const MUCH_CHARS = 8_192;
const RECORD_CHARS = 65_536;

export function createOutput({ scope, guard, interruptions }: Part): Output {
  const { deps, partition, head, attempt, token } = scope;
  let pending = "";
  let n = 0;
  let wrote = false;
  let ended = false;
  let broken = false;
  let writing: Promise<void> | null = null;
  let cancelTimer: (() => void) | null = null;

  async function record(text: string): Promise<void> {
    const sort = outputKey(head.version, token, attempt, n, head.recovery === null ? "step" : "recover");
    const content = await encodeOutput(text, deps.codec);
    // The attempt may have ended meanwhile: what is not on record by then is nobody's.
    guard("write");
    const written = await put(deps, { partition, sort, ...content }, "absent", token);
    invariant(written.ok, `output chunk ${sort} of ${partition} has a name of its own`);
    n += 1;
  }
  async function drain(): Promise<void> {
    cancelTimer?.();
    cancelTimer = null;
    try {
      do {
        const { text, rest } = ended ? { text: pending, rest: "" } : wholePairs(pending);
        pending = rest;
        for (const piece of pieces(text)) await record(piece);
      } while (pending.length >= MUCH_CHARS || (ended && pending !== ""));
    } catch (error) {
      broken = true;
      interruptions.add({ kind: "threw", error });
    }
  }
  /** Then rests for a moment, in which more is gathered. */
  function begin(): void {
    writing = Promise.resolve()
      .then(drain)
      .then(() => {
        writing = null;
        if (!ended && !broken) cancelTimer = deps.clock.after(GATHER_MS, onRested);
      });
  }
  function onRested(): void {
    cancelTimer = null;
    if (pending !== "") begin();
  }
  return {
    write(chunk) {
      if (typeof chunk !== "string") throw new InvalidArgumentError("ctx.write: chunk", "a text", chunk);
      if (ended) throw new CtxRevokedError(scope.item.workId, "write");
      if (chunk === "") return;
      wrote = true;
      if (broken) return;
      pending += chunk;
      if (writing === null && (cancelTimer === null || pending.length >= MUCH_CHARS)) begin();
    },
    async flush() {
      ended = true;
      await writing;
      if (!broken && pending !== "") await drain();
      cancelTimer?.();
    },
    async supersede() {
      if (!wrote && head.leftTraces) await record("");
    },
    wrote: () => wrote,
  };
}

/** Half a surrogate pair at the end waits for its other half. */
function wholePairs(text: string): { text: string; rest: string } {
  const end = isFirstHalf(text, text.length - 1) ? text.length - 1 : text.length;
  return { text: text.slice(0, end), rest: text.slice(end) };
}
function* pieces(text: string): Generator<string> {
  for (let from = 0; from < text.length; ) {
    const to = Math.min(text.length, from + RECORD_CHARS);
    const end = to < text.length && isFirstHalf(text, to - 1) ? to - 1 : to;
    yield text.slice(from, end);
    from = end;
  }
}
function isFirstHalf(text: string, i: number): boolean {
  const unit = text.charCodeAt(i);
  return unit >= 0xd800 && unit <= 0xdbff;
}
