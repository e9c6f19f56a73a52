import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RecordUndecodableError } from "../../src/domain/errors.ts";
import type { JournalEvent } from "../../src/domain/journal.ts";
import { append, EMPTY_STRAND, type Segment, type Strand, seal, wantsMerge } from "../../src/domain/strand.ts";
import { decodeEvents, encodeEvents, type JournalContext } from "../../src/wire/journal.ts";
import * as any from "../domain/arbitraries.ts";
import { anError, inline, NOW } from "../domain/builders.ts";

const plain = (version: number, over: { atMs?: number; durationMs?: number; step?: string } = {}): JournalEvent => ({
  kind: "step",
  version,
  atMs: NOW + version * 1_000,
  step: "check",
  attempt: 1,
  durationMs: 40,
  state: null,
  ...over,
});

/** Writes as a session does: the context is dropped with the tail that it counts from. */
class Writer {
  strand: Strand = EMPTY_STRAND;
  context: JournalContext | null = null;
  segments: Segment[] = [];

  write(events: readonly JournalEvent[]): void {
    const { lines, context } = encodeEvents(this.context, events);
    this.strand = append(this.strand, lines);
    this.context = context;
  }
  seal(): void {
    const run = wantsMerge(this.strand) ? this.segments.slice(-(this.strand.sealed?.run ?? 0)) : [];
    const { strand, segments } = seal(this.strand, run, "n");
    this.segments = [...this.segments.slice(0, this.segments.length - run.length), ...segments];
    this.strand = strand;
    this.context = null;
  }
  texts(): string[] {
    return [...this.segments.map(({ text }) => text), this.strand.tail].filter((text) => text !== "");
  }
}
const eventsOf = (text: string) => decodeEvents(text, "journal").events;

describe("the journal", () => {
  test("comes back as it was, whatever was written together", () => {
    fc.assert(
      fc.property(fc.array(any.journal, { maxLength: 6 }), (batches) => {
        const writer = new Writer();
        for (const batch of batches) writer.write(batch);
        const { events, context } = decodeEvents(writer.strand.tail, "journal");
        expect(events).toEqual(batches.flat());
        expect(context).toEqual(writer.context);
      }),
    );
  });
  test("comes back from sealed texts one by one, and from all of them together", () => {
    fc.assert(
      fc.property(fc.array(any.journal, { maxLength: 8 }), fc.func(fc.boolean()), (batches, sealsAfter) => {
        const writer = new Writer();
        batches.forEach((batch, i) => {
          writer.write(batch);
          if (sealsAfter(i)) writer.seal();
        });
        expect(writer.texts().flatMap(eventsOf)).toEqual(batches.flat());
        expect(eventsOf(writer.texts().join(""))).toEqual(batches.flat());
      }),
    );
  });
  test("comes back from segments that had to be cut, wherever the cut is", () => {
    fc.assert(
      fc.property(fc.integer({ min: 3_000, max: 6_000 }), fc.integer({ min: 1, max: 40 }), (stateChars, between) => {
        const writer = new Writer();
        const events: JournalEvent[] = [];
        for (let version = 1; version <= 300; version++) {
          const state = version % between === 0 ? inline("s".repeat(stateChars)) : null;
          events.push({ ...plain(version), ...(state === null ? {} : { state }) } as JournalEvent);
          writer.write(events.slice(-1));
          if (writer.strand.tail.length > 1_024) writer.seal();
        }
        expect(writer.texts().flatMap(eventsOf)).toEqual(events);
      }),
      { numRuns: 30 },
    );
  });
  test("takes 8 bytes at most for a plain step, on average", () => {
    const steps = fc.sample(fc.record({ waitMs: fc.nat(3_000), durationMs: fc.nat(999) }), { numRuns: 10_000, seed: 1 });
    const writer = new Writer();
    let bytes = 0;
    let atMs = NOW;
    steps.forEach(({ waitMs, durationMs }, i) => {
      atMs += waitMs + durationMs;
      writer.write([plain(i + 1, { atMs, durationMs })]);
      if (writer.strand.tail.length > 300) {
        bytes += writer.strand.tail.length;
        writer.seal();
      }
    });
    expect((bytes + writer.strand.tail.length) / steps.length).toBeLessThanOrEqual(8);
  });
  test("writes a step at length when it does not simply follow the one before", () => {
    const follows = (second: JournalEvent) => (encodeEvents(null, [plain(1), second]).lines[1] ?? "").length < 15;
    expect(follows(plain(2))).toBe(true);
    expect(follows(plain(2, { step: "pay" }))).toBe(true);
    for (const second of [
      plain(3),
      plain(1),
      plain(2, { atMs: NOW }),
      { ...plain(2), attempt: 2 } as JournalEvent,
      { ...plain(2), state: inline(1) } as JournalEvent,
    ]) {
      expect(follows(second)).toBe(false);
      expect(eventsOf(append(EMPTY_STRAND, encodeEvents(null, [plain(1), second]).lines).tail)).toEqual([plain(1), second]);
    }
  });
  test("brings names and messages back that look like its own marks", () => {
    const names = ["{", "=1", ",", "a,b", "", " ", "\t", "\n", "\u007f", "é", "=", "{}", "\\u007f", "a\u007fb"];
    const events = names.flatMap((name, i): JournalEvent[] => [
      plain(i + 1, { step: name }),
      {
        kind: "failed",
        version: i + 1,
        atMs: NOW,
        step: name,
        attempt: 1,
        durationMs: 1,
        error: anError({ message: name }),
        retryAtMs: null,
      },
    ]);
    const writer = new Writer();
    writer.write(events);
    expect(eventsOf(writer.strand.tail)).toEqual(events);
  });
  test("that is garbage is undecodable, and says which one it is", () => {
    const line = (text: string) => append(EMPTY_STRAND, [text]).tail;
    for (const text of [
      "x",
      ",1,1",
      "a,,",
      "{",
      "{}",
      '{"kind":"unheard of","version":1,"atMs":1}',
      "=,,,",
      "=1,1,a",
      "=1,1,a,!",
    ]) {
      expect(() => decodeEvents(line(text), "journal of x")).toThrow(RecordUndecodableError);
      expect(() => decodeEvents(line(text), "journal of x")).toThrow(/^journal of x cannot be decoded: ./);
    }
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.json(), fc.stringMatching(/^[={,a-z0-9]{0,12}$/))), (lines) => {
        try {
          decodeEvents(append(EMPTY_STRAND, lines).tail, "journal");
        } catch (error) {
          expect(error).toBeInstanceOf(RecordUndecodableError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
