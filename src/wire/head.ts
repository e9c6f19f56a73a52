/** HEAD: readable fields in the body, the state as one encoded value. Small, since it is written at every step. */
import { z } from "zod";
import { assertNever } from "../domain/errors.ts";
import type { Head, Status } from "../domain/head.ts";
import { parseToken } from "../domain/ids.ts";
import type { Stored } from "../domain/item.ts";
import type { Json } from "../domain/json.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import type { Codec } from "./codec.ts";
import {
  encodeHeadArtifact,
  encodeHeadStrand,
  encodeHeadUnits,
  headArtifact,
  headStrand,
  headUnits,
  shortStatus,
  withWholeStatus,
} from "./head-parts.ts";
import { count, encodeCause, encodeError, encodeStored, instant, stored, storedCause, storedError, storedWake } from "./parts.ts";
import { checkedOnce, decodeBody, nameOf, type RecordContent, sparse } from "./record.ts";

export const HEAD_VERSION = 1;

const until = z.union([
  z.enum(["all", "any"]),
  z.object({ succeeded: count.exactOptional(), failedAtMost: count.exactOptional() }),
]);
const open = [
  z.object({ kind: z.literal("ready") }),
  z.object({ kind: z.literal("sleeping"), sinceMs: instant, wakeAtMs: instant, why: z.enum(["delay", "retry", "effect"]) }),
  z.object({
    kind: z.literal("waiting"),
    sinceMs: instant,
    signals: z.array(z.string()),
    group: z.object({ name: z.string(), until }).nullable(),
    timeoutAtMs: instant.nullable(),
  }),
] as const;
const badEnd = { endedAtMs: instant, error: storedError, cause: storedCause.nullable() };
const status: z.ZodType<Status> = z.discriminatedUnion("kind", [
  ...open,
  z.object({ kind: z.literal("paused"), sinceMs: instant, reason: z.string(), beneath: z.discriminatedUnion("kind", open) }),
  z.object({ kind: z.literal("closing"), sinceMs: instant, result: stored }),
  z.object({ kind: z.literal("completed"), endedAtMs: instant, result: stored }),
  z.object({ kind: z.enum(["failed", "cancelled", "dead_lettered"]), ...badEnd }),
]);
const meters = z.record(z.string(), z.number()).default({});
const stateAt = z.union([z.enum(["utf8", "deflate"]), z.object({ blob: z.string(), bytes: count })]);

const schema = z.object({
  v: z.literal(HEAD_VERSION),
  version: count.default(0),
  token: count,
  released: z.boolean().default(false),
  status,
  step: z.string(),
  state: stateAt.nullable().default(null),
  engine: count.default(0),
  payload: stored.nullable().default(null),
  wake: storedWake.default({ kind: "go" }),
  attempt: count.default(0),
  failures: count.default(0),
  crashes: count.default(0),
  error: storedError.nullable().default(null),
  meters,
  units: headUnits,
  artifacts: z.array(headArtifact).default([]),
  more: headStrand,
  journal: headStrand,
  log: headStrand,
  leftOutput: z.boolean().default(false),
  consumed: z.array(z.string()).default([]),
  budget: z.object({ sinceVersion: count.default(0), sinceMs: instant.default(0), meters }).prefault({}),
  recovery: z.object({ cause: storedCause, sinceVersion: count, sinceMs: instant }).nullable().default(null),
  recovered: z.boolean().default(false),
  deadline: instant.nullable().default(null),
  updated: instant.default(0),
  remembered: instant.nullable().default(null),
});
const shape = checkedOnce(schema, withWholeStatus);

export async function encodeHead(head: Head, codec: Codec): Promise<RecordContent> {
  const packed = head.state?.kind === "inline" ? await codec.encode(head.state.json) : null;
  const body = sparse({
    v: HEAD_VERSION,
    version: head.version,
    token: head.token,
    released: head.released,
    status: shortStatus(encodeStatus(head.status), head.updatedAtMs),
    step: head.step,
    state: packed === null ? encodeStateAt(head.state) : packed.encoding,
    engine: head.engineVersion,
    payload: head.payload === null ? null : encodeStored(head.payload),
    wake: head.wake.kind === "go" ? null : head.wake,
    attempt: head.attempt,
    failures: head.failures,
    crashes: head.crashes,
    error: head.lastError === null ? null : encodeError(head.lastError),
    meters: head.meters,
    units: encodeHeadUnits(head.units),
    artifacts: head.artifacts.map(encodeHeadArtifact),
    more: encodeHeadStrand(head.sealedArtifacts),
    journal: encodeHeadStrand(head.journal),
    log: encodeHeadStrand(head.log),
    leftOutput: head.leftTraces,
    consumed: head.consumed,
    budget: sparse({ ...head.budget }),
    recovery: head.recovery === null ? null : { ...head.recovery, cause: encodeCause(head.recovery.cause) },
    recovered: head.recovered,
    deadline: head.deadlineAtMs,
    updated: head.updatedAtMs,
    remembered: head.rememberedUntilAtMs,
  });
  return { body, data: packed?.data ?? null };
}

/** @throws RecordTooNewError, RecordUndecodableError */
export async function decodeHead(record: StoredRecord, codec: Codec): Promise<Head> {
  const body = decodeBody(record, HEAD_VERSION, shape);
  return {
    version: body.version,
    token: parseToken(body.token),
    released: body.released,
    status: body.status,
    step: body.step,
    state: await decodeState(body.state, record, codec),
    engineVersion: body.engine,
    payload: body.payload,
    wake: body.wake,
    attempt: body.attempt,
    failures: body.failures,
    crashes: body.crashes,
    lastError: body.error,
    meters: body.meters,
    units: body.units,
    artifacts: body.artifacts,
    sealedArtifacts: body.more,
    journal: body.journal,
    log: body.log,
    leftTraces: body.leftOutput,
    consumed: body.consumed,
    budget: body.budget,
    recovery: body.recovery,
    recovered: body.recovered,
    deadlineAtMs: body.deadline,
    updatedAtMs: body.updated,
    rememberedUntilAtMs: body.remembered,
  };
}

function encodeStateAt(state: Stored | null): Json {
  return state?.kind === "blob" ? { blob: state.digest, bytes: state.bytes } : null;
}
async function decodeState(at: z.infer<typeof stateAt> | null, record: StoredRecord, codec: Codec): Promise<Stored | null> {
  if (at === null) return null;
  if (typeof at === "object") return { kind: "blob", digest: at.blob, bytes: at.bytes };
  return { kind: "inline", json: await codec.decode(at, record.data ?? new Uint8Array(), nameOf(record)) };
}
function encodeStatus(value: Status): { readonly [field: string]: Json } {
  switch (value.kind) {
    case "closing":
    case "completed":
      return { ...value, result: encodeStored(value.result) };
    case "failed":
    case "cancelled":
    case "dead_lettered":
      return { ...value, error: encodeError(value.error), cause: value.cause === null ? null : encodeCause(value.cause) };
    case "ready":
    case "sleeping":
    case "waiting":
    case "paused":
      return value;
    default:
      return assertNever(value);
  }
}
