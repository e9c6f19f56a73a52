/** What clients of one partition asked, were told, and when: the history that a checker goes through. */
import { RookeryError } from "../../src/domain/errors.ts";
import type { RecordDraft, RecordStore, Removed, Revision, StoredRecord, Written } from "../../src/ports/record-store.ts";

/** A record as a client sees it: which write it is of. Null where there is none. */
export type Seen = { readonly revision: Revision; readonly writeId: string } | null;

export type Ask =
  | { readonly kind: "read" }
  | { readonly kind: "write"; readonly writeId: string; readonly expected: Revision | "absent" }
  | { readonly kind: "remove"; readonly expected: Revision };
export type Answer =
  | { readonly kind: "saw"; readonly record: Seen }
  | { readonly kind: "done"; readonly revision: Revision | null }
  | { readonly kind: "missed"; readonly current: Seen };

/** `answer` is null where nobody knows: it happened after its start and before its end, where that is known, or never. */
export interface Operation {
  readonly client: string;
  readonly key: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly ask: Ask;
  readonly answer: Answer | null;
}

export interface Recorder {
  readonly now: () => number;
  /** Called as an operation begins; what it returns, as it ends. */
  begin(operation: Pick<Operation, "client" | "key" | "ask" | "startedAt">): (end: Pick<Operation, "endedAt" | "answer">) => void;
}

/** In memory, by a count that rises with everything that is noted. */
export function createRecorder(): Recorder & { operations(): Operation[] } {
  const open = new Set<Operation>();
  const ended: Operation[] = [];
  let count = 0;
  return {
    now: () => ++count,
    begin: (begun) => {
      const operation: Operation = { ...begun, endedAt: null, answer: null };
      open.add(operation);
      return (end) => {
        open.delete(operation);
        ended.push({ ...begun, ...end });
      };
    },
    operations: () => [...ended, ...open],
  };
}

function seenOf(record: StoredRecord | null | undefined): Seen {
  return record === null || record === undefined ? null : { revision: record.revision, writeId: record.writeId };
}
function answerOf(told: Written | Removed): Answer {
  if (!told.ok) return { kind: "missed", current: seenOf(told.current) };
  return { kind: "done", revision: "revision" in told ? told.revision : null };
}

/**
 * For those who ask again when an answer is lost: that their write missed says what stands now, and not that it never
 * stood before that. So it is a look at the record, and beside it a write of which nobody knows.
 */
export function askedAgain(history: readonly Operation[]): Operation[] {
  return history.flatMap((operation): Operation[] => {
    const { ask, answer } = operation;
    if (ask.kind !== "write" || answer?.kind !== "missed") return [operation];
    // To have missed because of itself is a lie, which no order explains.
    if (answer.current?.writeId === ask.writeId) return [operation];
    const look: Operation = { ...operation, ask: { kind: "read" }, answer: { kind: "saw", record: answer.current } };
    return [{ ...operation, answer: null }, look];
  });
}

/** How a write is made: `write` of the store, or the runtime's `put`; it answers under which write id. */
export type Put = (draft: Omit<RecordDraft, "writeId">, expected: Revision | "absent", writeId: string) => Promise<Written>;

export interface ClientOptions {
  readonly name: string;
  readonly store: RecordStore;
  readonly recorder: Recorder;
  readonly partition: string;
  readonly keys: readonly string[];
  readonly operations: number;
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly put: Put;
  /** Default true. */
  readonly removes?: boolean;
}

/** Asks for whatever comes to its mind, most often with what it has seen last. An answer that is an error is none. */
export async function runClient(options: ClientOptions): Promise<void> {
  const { name, store, recorder, partition, keys, operations, random, put, removes = true } = options;
  const last = new Map<string, Seen>();
  const expectedOf = (key: string): Revision | "absent" => {
    const seen = last.get(key) ?? null;
    if (random() < 0.1) return 1 + Math.floor(random() * 4);
    return seen === null ? "absent" : seen.revision;
  };
  async function note<T>(ask: Ask, touched: readonly string[], act: () => Promise<T>, tell: (told: T, key: string) => Answer) {
    const startedAt = recorder.now();
    const ends = touched.map((key) => ({ key, end: recorder.begin({ client: name, key, ask, startedAt }) }));
    try {
      const told = await act();
      const endedAt = recorder.now();
      for (const { key, end } of ends) {
        const answer = tell(told, key);
        end({ endedAt, answer });
        last.set(key, knownFrom(ask, answer));
      }
    } catch (error) {
      if (!(error instanceof RookeryError)) throw error;
    }
  }
  for (let n = 0; n < operations; n++) {
    const key = keys[Math.floor(random() * keys.length)] ?? "";
    const roll = random();
    const expected = expectedOf(key);
    if (roll < 0.45) {
      await note(
        { kind: "read" },
        keys,
        () => store.read(partition),
        (records, one) => ({
          kind: "saw",
          record: seenOf(records.find(({ sort }) => sort === one)),
        }),
      );
    } else if (removes && roll < 0.55 && expected !== "absent") {
      await note({ kind: "remove", expected }, [key], () => store.remove({ partition, sort: key }, expected), answerOf);
    } else {
      const writeId = `${name}.${n}`;
      const draft = { partition, sort: key, body: { by: writeId }, data: null, due: null, listed: null };
      await note({ kind: "write", writeId, expected }, [key], () => put(draft, expected, writeId), answerOf);
    }
  }
}
function knownFrom(ask: Ask, answer: Answer): Seen {
  if (answer.kind === "saw") return answer.record;
  if (answer.kind === "missed") return answer.current;
  return ask.kind === "write" && answer.revision !== null ? { revision: answer.revision, writeId: ask.writeId } : null;
}
