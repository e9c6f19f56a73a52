/** HEAD's short forms: what a list says that was an object before. */
import { describe, expect, test } from "vitest";
import type { Head } from "../../src/domain/head.ts";
import { append, EMPTY_STRAND } from "../../src/domain/strand.ts";
import { decodeHead, encodeHead } from "../../src/wire/head.ts";
import type { RecordContent } from "../../src/wire/record.ts";
import { aHead } from "../domain/builders.ts";
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
