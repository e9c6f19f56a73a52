/** Stored records with something wrong in them: a value, or an error that names the record, and never anything else. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RecordTooNewError, RecordUndecodableError } from "../../src/domain/errors.ts";
import { EMPTY_LEAF } from "../../src/domain/group.ts";
import { parseToken } from "../../src/domain/ids.ts";
import type { Body, StoredRecord } from "../../src/ports/record-store.ts";
import { decodeBuried, encodeBuried } from "../../src/wire/buried.ts";
import { decodeCallback, encodeCallback } from "../../src/wire/callback.ts";
import { decodeChild, encodeChild } from "../../src/wire/child.ts";
import { decodeEffect, encodeEffect } from "../../src/wire/effect.ts";
import { decodeHint, encodeHint } from "../../src/wire/hint.ts";
import { decodeGroupLimit, decodeLeaf, decodeMembers, encodeGroupLimit, encodeLeaf, encodeMembers } from "../../src/wire/leaf.ts";
import { decodeOutput, encodeOutput } from "../../src/wire/output.ts";
import type { RecordContent } from "../../src/wire/record.ts";
import * as any from "../domain/arbitraries.ts";
import { atRest, codec, FORMATS, partition } from "../wire/formats.ts";
import { damage, type Mutation, mutate, mutation } from "./mutations.ts";

const RUNS = process.env["ROOKERY_SOAK"] === "1" ? 20_000 : 150;

interface Fuzzed {
  readonly name: string;
  readonly content: fc.Arbitrary<Promise<RecordContent> | RecordContent>;
  readonly decode: (record: StoredRecord) => unknown;
}
const text = fc.string({ minLength: 1, maxLength: 12 });
const slot = fc.record({ leaf: text, index: fc.nat(9) });
const child = fc.record({
  key: text,
  engine: text,
  payloadDigest: text,
  workId: any.workId,
  group: fc.option(fc.record({ name: text, slot, limited: fc.boolean() })),
  ifParentEnds: fc.constantFrom("cancel" as const, "leave" as const),
});
const limit = fc.record({
  limit: fc.integer({ min: 1 }),
  fromLeaf: fc.string(),
  hinted: fc.option(slot),
  placed: fc.array(slot),
});
const callback = fc.record({ signal: text, secret: text, expiresAtMs: any.instant });
const buried = fc.record({ id: text, body: fc.string(), reason: text, atMs: any.instant });
const effect = fc.record({
  key: text,
  scope: fc.constantFrom("step" as const, "item" as const),
  step: text,
  version: any.count,
  inputDigest: text,
  token: fc.constant(parseToken(1)),
  attempt: any.count,
  holder: text,
  state: fc.oneof(
    fc.record({ kind: fc.constant("reserved" as const), untilAtMs: any.instant, sinceMs: fc.option(any.instant) }),
    fc.record({ kind: fc.constant("confirmed" as const), result: any.stored, byOperator: fc.boolean() }),
  ),
});

/** Those that the tests of the formats themselves alter one field of, and those that they do not. */
const ALL: readonly Fuzzed[] = [
  ...FORMATS,
  { name: "CHILD", content: child.map(encodeChild), decode: decodeChild },
  { name: "LEAF", content: text.map((name) => encodeLeaf({ name, marks: EMPTY_LEAF })), decode: decodeLeaf },
  { name: "MEMBERS", content: any.workId.map((id) => encodeMembers(new Map([[1, id]]))), decode: decodeMembers },
  { name: "LIMIT", content: limit.map(encodeGroupLimit), decode: decodeGroupLimit },
  { name: "EFFECT", content: effect.map(encodeEffect), decode: decodeEffect },
  { name: "CALLBACK", content: callback.map(encodeCallback), decode: decodeCallback },
  {
    name: "OUTPUT",
    content: fc.string().map((one) => encodeOutput(one, codec)),
    decode: (record) => decodeOutput(record, codec),
  },
  { name: "BURIED", content: buried.map(encodeBuried), decode: decodeBuried },
];

async function expectNamed(name: string, act: () => unknown): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof RecordTooNewError) && !(error instanceof RecordUndecodableError)) throw error;
    expect(error.message).toContain(name);
  }
}
function mutated(body: Body, mutations: readonly Mutation[]): Body {
  const after = mutations.reduce<Body>((before, one) => {
    const next = mutate(before, one);
    return typeof next === "object" && next !== null && !Array.isArray(next)
      ? (Object.fromEntries(Object.entries(next)) as Body)
      : before;
  }, body);
  return after;
}

describe.each(ALL)("a record $name", ({ name, content, decode }) => {
  test("is read or refused by its name, whatever is wrong in it at whatever depth", async () => {
    const wrong = fc.array(mutation, { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(content, wrong, fc.option(damage), async (encoded, mutations, damaged) => {
        const { body, data } = atRest(await encoded, name);
        const record = atRest({ body: mutated(body, mutations), data: damaged === null ? data : damaged(data) }, name);
        await expectNamed(`record ${name} of ${partition}`, () => decode(record));
      }),
      { numRuns: RUNS },
    );
  });
  test("is refused by its name when it is any JSON with any bytes", async () => {
    const bodies = fc.dictionary(fc.oneof(fc.constantFrom("v", "kind", "state", "token"), fc.string()), any.json);
    await fc.assert(
      fc.asyncProperty(bodies, fc.option(fc.uint8Array()), async (body, data) => {
        await expectNamed(`record ${name} of ${partition}`, () => decode(atRest({ body, data }, name)));
      }),
      { numRuns: RUNS },
    );
  });
});

test("a hint that is any text, or only a part of one, is refused by its name", async () => {
  const whole = fc.record({
    workId: any.workId,
    namespace: any.namespace,
    version: fc.nat(),
    at: fc.double({ min: 0, max: 0.99 }),
  });
  const part = whole.map(({ at, ...one }) => {
    const body = encodeHint({ ...one, token: 1, hops: 0 });
    return body.slice(0, Math.floor(at * body.length));
  });
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), part), async (body) => {
      await expectNamed("hint", () => decodeHint(body));
    }),
    { numRuns: 5 * RUNS },
  );
});

test("a hint is read or refused, whatever is wrong in it", async () => {
  const hint = fc.record({
    namespace: any.namespace,
    workId: any.workId,
    version: fc.option(fc.nat()),
    token: fc.option(fc.nat()),
    hops: fc.nat(20),
  });
  await fc.assert(
    fc.asyncProperty(hint, fc.array(mutation, { minLength: 1, maxLength: 3 }), async (one, mutations) => {
      const body = mutations.reduce((before, what) => mutate(before, what), JSON.parse(encodeHint(one)));
      await expectNamed("hint", () => decodeHint(JSON.stringify(body)));
    }),
    { numRuns: 5 * RUNS },
  );
});
