/** HEAD's short forms: what a list says that was an object before. */
import { describe, expect, test } from "vitest";
import type { Head } from "../../src/domain/head.ts";
import { append, EMPTY_STRAND } from "../../src/domain/strand.ts";
import { NO_UNITS } from "../../src/domain/units.ts";
import { decodeHead, encodeHead } from "../../src/wire/head.ts";
import type { RecordContent } from "../../src/wire/record.ts";
import { aHead, NOW, paused, READY, sleeping, waiting } from "../domain/builders.ts";
import { atRest, codec } from "./formats.ts";

const DIGEST = "00ff".repeat(16);
const REF = { name: "a b.txt", digest: DIGEST, bytes: 7, mediaType: "text/plain; charset=utf-8" };
const TWO_LINES = append(EMPTY_STRAND, ["one", "two"]);
const SEALED = { ...TWO_LINES, lines: 9, sealed: { n: 3, nonce: "x1", run: 2, runBytes: 500 } };

async function bodyOf(over: Partial<Omit<Head, "token">>): Promise<RecordContent["body"]> {
  return (await encodeHead(aHead(over), codec)).body;
}
function decoded(body: RecordContent["body"]): Promise<Head> {
  return decodeHead(atRest({ body, data: null }, "HEAD"), codec);
}

describe("an artifact's reference", () => {
  test("is a list with a short digest", async () => {
    const { artifacts } = await bodyOf({ artifacts: [REF, { ...REF, metadata: { page: "2" } }] });
    const short = ["a b.txt", "AP8A_wD_AP8A_wD_AP8A_wD_AP8A_wD_AP8A_wD_AP8", 7, "text/plain; charset=utf-8"];
    expect(artifacts).toEqual([short, [...short, { page: "2" }]]);
  });
  test.each(["d1", DIGEST.toUpperCase(), `${DIGEST}0`])("keeps a digest that has no short form: %s", async (digest) => {
    const artifacts = [{ ...REF, digest, metadata: { page: "2" } }];
    expect((await decoded(await bodyOf({ artifacts }))).artifacts).toEqual(artifacts);
  });
  test("is read as it was written before, too", async () => {
    const old = [REF, { ...REF, metadata: {} }];
    expect((await decoded({ ...(await bodyOf({})), artifacts: old })).artifacts).toEqual(old);
  });
  test.each([
    ["without its type", ["a", "A".repeat(43), 7]],
    ["with a long digest", ["a", DIGEST, 7, "text/plain"]],
    ["with a digest that is cut", ["a", "A".repeat(42), 7, "text/plain"]],
  ])("%s is undecodable", async (_what, ref) => {
    const body = { ...(await bodyOf({})), artifacts: [ref] };
    await expect(decoded(body)).rejects.toMatchObject({ code: "record_undecodable" });
  });
});

describe("a strand", () => {
  test("is its tail while nothing is sealed, a list from then on, and absent when it is empty", async () => {
    const body = await bodyOf({ journal: TWO_LINES, log: SEALED });
    expect(body).toMatchObject({ journal: TWO_LINES.tail, log: [TWO_LINES.tail, 9, [3, "x1", 2, 500]] });
    expect(body).not.toHaveProperty("more");
  });
  test("is read as it was written before, too", async () => {
    const sealed = { n: 3, nonce: "x1", run: 2, runBytes: 500 };
    const { tail } = TWO_LINES;
    const old = { journal: { tail, lines: 2 }, log: { tail, lines: 9, sealed }, more: { lines: 2, tail, sealed: null } };
    const { journal, log, sealedArtifacts } = await decoded({ ...(await bodyOf({})), ...old });
    expect({ journal, log, sealedArtifacts }).toEqual({ journal: TWO_LINES, log: SEALED, sealedArtifacts: TWO_LINES });
  });
});

describe("a status", () => {
  const asleep = sleeping(NOW + 60_000, { sinceMs: NOW });
  const retrying = sleeping(NOW + 60_000, { sinceMs: NOW, why: "retry" });
  test("leaves out that it began with its commit, and that its sleep is a delay", async () => {
    expect(await bodyOf({ status: asleep, updatedAtMs: NOW })).toMatchObject({
      status: { kind: "sleeping", wakeAtMs: NOW + 60_000 },
    });
    expect((await bodyOf({ status: asleep, updatedAtMs: NOW }))["status"]).not.toHaveProperty("sinceMs");
    expect((await bodyOf({ status: asleep, updatedAtMs: NOW }))["status"]).not.toHaveProperty("why");
    expect((await bodyOf({ status: retrying, updatedAtMs: NOW + 1 }))["status"]).toEqual(retrying);
  });
  test.each([asleep, retrying, waiting({ sinceMs: NOW - 5 }), paused(asleep, NOW - 7), READY])(
    "is read as it was written before, too: %j",
    async (status) => {
      const body = { ...(await bodyOf({ updatedAtMs: NOW })), status: { ...status } };
      expect((await decoded(body)).status).toEqual(status);
    },
  );
  test.each([null, "ready", ["ready"], { kind: "sleeping" }])("that is none is undecodable: %j", async (status) => {
    await expect(decoded({ ...(await bodyOf({})), status })).rejects.toMatchObject({ code: "record_undecodable" });
  });
});

describe("units", () => {
  const used = { ...NO_UNITS, writes: 12, requests: 0.33 };
  test("are a list, without the zeros at its end, and absent when there are none", async () => {
    expect((await bodyOf({ units: used }))["units"]).toEqual([12, 0, 0.33]);
    expect(await bodyOf({})).not.toHaveProperty("units");
  });
  test("are none in a snapshot from before they were counted", async () => {
    expect((await decoded(await bodyOf({}))).units).toEqual(NO_UNITS);
    expect((await decoded({ ...(await bodyOf({})), units: [1, 2, 3, 4, 5] })).units.gets).toBe(5);
  });
  test.each([[[-1]], ["12"], [[1, 2, 3, 4, 5, 6]]])("that are none are undecodable: %j", async (units) => {
    await expect(decoded({ ...(await bodyOf({})), units })).rejects.toMatchObject({ code: "record_undecodable" });
  });
});
