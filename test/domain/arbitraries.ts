/** Any domain value, for property tests. */
import fc from "fast-check";
import type { Due } from "../../src/domain/alarm.ts";
import type { ArtifactRef } from "../../src/domain/engine.ts";
import type { Until } from "../../src/domain/group.ts";
import type { BadEnd, Head, OpenStatus, PausedStatus, Status, StoredCause } from "../../src/domain/head.ts";
import { generateWorkId, type Namespace, parseNamespace, parseToken, type WorkId } from "../../src/domain/ids.ts";
import type { Command } from "../../src/domain/inbox.ts";
import type { Item, Parent, Stored } from "../../src/domain/item.ts";
import type { JournalEvent } from "../../src/domain/journal.ts";
import type { Json } from "../../src/domain/json.ts";
import type { Lease } from "../../src/domain/lease.ts";
import { DAY_MS } from "../../src/domain/limits.ts";
import { ERROR_CLASSES } from "../../src/domain/retry.ts";
import type { StoredError } from "../../src/domain/stored-error.ts";
import type { Strand } from "../../src/domain/strand.ts";
import type { Units } from "../../src/domain/units.ts";
import type { StoredWake } from "../../src/domain/wake.ts";
import { NOW } from "./builders.ts";

const orNull = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(one);

/** Names of properties that a careless copy would lose or act upon. */
const key = fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "toString", "length", ""));
export const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.string({ unit: "binary" }),
    // JSON has no -0.
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;

export const instant = fc.integer({ min: NOW - 400 * DAY_MS, max: NOW + 400 * DAY_MS });
export const count = fc.oneof(fc.nat(5), fc.nat());
const text = fc.string({ unit: "grapheme", maxLength: 30 });
const name = fc.stringMatching(/^[a-z][a-z0-9_. -]{0,20}$/);
const hex = fc.stringMatching(/^[0-9a-f]{64}$/);
/** Plain records of small texts or numbers: labels, meters, metadata. */
function record<T>(value: fc.Arbitrary<T>): fc.Arbitrary<Readonly<Record<string, T>>> {
  return fc.dictionary(name, value, { maxKeys: 3 }).map((found) => ({ ...found }));
}

export const stored: fc.Arbitrary<Stored> = fc.oneof(
  json.map((value): Stored => ({ kind: "inline", json: JSON.stringify(value) })),
  fc.record({ kind: fc.constant("blob" as const), digest: hex, bytes: count }),
);
export const storedError: fc.Arbitrary<StoredError> = fc.record({
  name: text,
  message: text,
  class: fc.constantFrom(...ERROR_CLASSES),
  code: orNull(text),
  stack: orNull(text),
  cause: orNull(text),
});
const cause: fc.Arbitrary<StoredCause> = fc.oneof(
  fc.record({ kind: fc.constant("exhausted" as const), error: storedError }),
  fc.record({ kind: fc.constant("crashed" as const), attempts: count }),
  fc.record({ kind: fc.constant("cancelled" as const), reason: text }),
  fc.constant<StoredCause>({ kind: "deadline" }),
  fc.record({ kind: fc.constant("limit" as const), name }),
);
const until: fc.Arbitrary<Until> = fc.oneof(
  fc.constantFrom("all" as const, "any" as const),
  fc.record({ succeeded: count, failedAtMost: count }, { requiredKeys: [] }).map((counts) => ({ ...counts })),
);
const openStatus: fc.Arbitrary<OpenStatus> = fc.oneof(
  fc.constant<OpenStatus>({ kind: "ready" }),
  fc.record({
    kind: fc.constant("sleeping" as const),
    sinceMs: instant,
    wakeAtMs: instant,
    why: fc.constantFrom("delay" as const, "retry" as const, "effect" as const),
  }),
  fc.record({
    kind: fc.constant("waiting" as const),
    sinceMs: instant,
    signals: fc.array(name, { maxLength: 3 }),
    group: orNull(fc.record({ name: text, until })),
    timeoutAtMs: orNull(instant),
  }),
);
const wake: fc.Arbitrary<StoredWake> = fc.oneof(
  fc.constant<StoredWake>({ kind: "go" }),
  fc.constant<StoredWake>({ kind: "timeout" }),
  fc.record({ kind: fc.constant("resumed" as const), note: text }),
  fc.record({ kind: fc.constant("signal" as const), sort: text, name }),
  fc.record({ kind: fc.constant("children" as const), group: text, succeeded: count, failed: count }),
);
const pausedStatus: fc.Arbitrary<PausedStatus> = fc.record({
  kind: fc.constant("paused" as const),
  sinceMs: instant,
  reason: text,
  beneath: openStatus,
});
const badEnd: fc.Arbitrary<BadEnd> = fc.record({
  kind: fc.constantFrom("failed" as const, "cancelled" as const, "dead_lettered" as const),
  endedAtMs: instant,
  error: storedError,
  cause: orNull(cause),
});
const status: fc.Arbitrary<Status> = fc.oneof(
  openStatus,
  pausedStatus,
  fc.record({ kind: fc.constant("closing" as const), sinceMs: instant, result: stored }),
  fc.record({ kind: fc.constant("completed" as const), endedAtMs: instant, result: stored }),
  badEnd,
);
const strand: fc.Arbitrary<Strand> = fc.record({
  tail: fc.array(text).map((lines) => lines.map((line) => `${line.replaceAll("\n", "")}\n`).join("")),
  lines: count,
  sealed: orNull(fc.record({ n: count, nonce: name, run: count, runBytes: count })),
});
const metadata = record(text);
const artifactRef: fc.Arbitrary<ArtifactRef> = fc
  .tuple(fc.record({ name: text, digest: hex, bytes: count, mediaType: text }), orNull(metadata))
  .map(([ref, more]) => (more === null ? ref : { ...ref, metadata: more }));
const meters = record(fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }));
const token = fc.integer({ min: 1, max: 1_000_000 }).map(parseToken);

const hundredths = fc.nat(10_000_000).map((n) => n / 100);
const units: fc.Arbitrary<Units> = fc.record({
  writes: hundredths,
  reads: hundredths,
  requests: hundredths,
  puts: hundredths,
  gets: hundredths,
});

export const head: fc.Arbitrary<Head> = fc.record({
  version: count,
  token,
  released: fc.boolean(),
  status,
  step: name,
  state: orNull(stored),
  engineVersion: count,
  payload: orNull(stored),
  wake,
  attempt: count,
  failures: count,
  crashes: count,
  lastError: orNull(storedError),
  meters,
  units,
  artifacts: fc.array(artifactRef, { maxLength: 4 }),
  sealedArtifacts: strand,
  journal: strand,
  log: strand,
  leftTraces: fc.boolean(),
  consumed: fc.array(text, { maxLength: 16 }),
  budget: fc.record({ sinceVersion: count, sinceMs: instant, meters }),
  recovery: orNull(fc.record({ cause, sinceVersion: count, sinceMs: instant })),
  recovered: fc.boolean(),
  deadlineAtMs: orNull(instant),
  updatedAtMs: instant,
  rememberedUntilAtMs: orNull(instant),
});

export const workId: fc.Arbitrary<WorkId> = fc.uint8Array({ minLength: 20, maxLength: 20 }).map(generateWorkId);
export const namespace: fc.Arbitrary<Namespace> = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,62}$/).map(parseNamespace);
const parent: fc.Arbitrary<Parent> = fc.record({
  workId,
  key: text,
  group: orNull(fc.record({ name, slot: fc.record({ leaf: name, index: fc.nat(99) }), limited: fc.boolean() })),
});
export const item: fc.Arbitrary<Item> = fc.record({
  namespace,
  workId,
  engine: name,
  payload: stored,
  payloadDigest: hex,
  lane: fc.constantFrom("high" as const, "normal" as const, "low" as const),
  tenant: text,
  labels: record(text),
  createdAtMs: instant,
  startAtMs: instant,
  deadlineMs: orNull(fc.integer({ min: 1, max: 400 * DAY_MS })),
  key: orNull(fc.string({ minLength: 1 })),
  parent: orNull(parent),
});

export const lease: fc.Arbitrary<Lease> = fc.record({
  holder: name,
  messageId: name,
  token,
  expiresAtMs: instant,
  version: count,
  attempt: orNull(fc.integer({ min: 1, max: 1_000 })),
  wake: orNull(wake),
  alone: fc.boolean(),
});
export const due: fc.Arbitrary<Due> = fc.record({
  why: fc.constantFrom("enqueue", "inbox", "ready", "sleep", "waiting", "paused", "end", "retention", "collect"),
  atMs: orNull(instant),
  version: count,
  rings: count,
});
export const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constant("cancel" as const), reason: text }),
  fc.record({ kind: fc.constant("pause" as const), reason: text }),
  fc.constant<Command>({ kind: "resume" }),
  fc.record({ kind: fc.constant("redrive" as const), note: text }),
  fc.record({ kind: fc.constant("children" as const), group: text, version: count, succeeded: count, failed: count }),
);

const at = { version: count, atMs: instant };
const attempt = { step: name, attempt: fc.integer({ min: 1, max: 50 }) };
const is = <K extends JournalEvent["kind"]>(kind: K): fc.Arbitrary<K> => fc.constant(kind);
/** A step that committed at once, the common line. */
const plainStep = fc
  .record({ ...at, step: name, durationMs: fc.nat(100_000) })
  .map((fields): JournalEvent => ({ kind: "step", attempt: 1, state: null, ...fields }));
const anyEvent: readonly fc.Arbitrary<JournalEvent>[] = [
  fc.record({ kind: is("step"), ...at, ...attempt, durationMs: count, state: orNull(stored) }),
  fc.record({ kind: is("failed"), ...at, ...attempt, durationMs: count, error: storedError, retryAtMs: orNull(instant) }),
  fc.record({ kind: is("taken_over"), ...at, ...attempt, alone: fc.boolean() }),
  fc.record({ kind: is("given_back"), ...at, ...attempt }),
  fc.record({ kind: is("woken"), ...at, step: name, wake }),
  fc.record({ kind: is("in_doubt"), ...at, step: name, key: text, why: text, untilAtMs: orNull(instant) }),
  fc.record({ kind: is("paused"), ...at, reason: text }),
  fc.record({ kind: is("resumed"), ...at }),
  fc.record({ kind: is("cancel_requested"), ...at, reason: text }),
  fc.record({ kind: is("redriven"), ...at, note: text }),
  fc.record({ kind: is("migrated"), ...at, from: count, to: count }),
  fc.record({ kind: is("recovering"), ...at, cause }),
  fc.record({ kind: is("refused"), ...at, command: name, status: name }),
  fc.record({ kind: is("ended"), ...at, status: name, cause: orNull(cause) }),
];
export const journalEvent: fc.Arbitrary<JournalEvent> = fc.oneof(...anyEvent);
/** Mostly plain steps that follow each other, with other events among them. */
export const journal: fc.Arbitrary<JournalEvent[]> = fc
  .array(fc.oneof({ weight: 4, arbitrary: plainStep }, { weight: 1, arbitrary: journalEvent }), { maxLength: 40 })
  .map((events) => {
    let version = 0;
    let atMs = NOW;
    return events.map((one) => {
      if (one.kind !== "step" || one.attempt !== 1) return one;
      version += 1;
      atMs += one.durationMs;
      return { ...one, version, atMs };
    });
  });
