/** What callers give: values that are no JSON, texts that are no cursors, deployments that are none. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { createEmbeddedRecordStore } from "../../src/adapters/embedded/record-store.ts";
import { createMemoryRecordStore } from "../../src/adapters/memory/record-store.ts";
import { defineContract } from "../../src/domain/contract.ts";
import { InvalidArgumentError, NotJsonError, SchemaError } from "../../src/domain/errors.ts";
import type { Json } from "../../src/domain/json.ts";
import { parseCursor } from "../../src/domain/output.ts";
import type { RecordStore } from "../../src/ports/record-store.ts";
import { decodeDeployment, deploymentFields } from "../../src/wire/deployment.ts";
import { decodePageCursor, encodePageCursor } from "../../src/wire/page-cursor.ts";
import { createHome } from "../contract/embedded.ts";
import * as any from "../domain/arbitraries.ts";
import { createWorld } from "../support/world.ts";
import { mutate, mutation } from "./mutations.ts";

const RUNS = process.env["ROOKERY_SOAK"] === "1" ? 20_000 : 300;

/** Throws on anything but what a caller is told. @returns whether it was accepted */
async function isAccepted(act: () => unknown): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (error instanceof InvalidArgumentError || error instanceof SchemaError || error instanceof NotJsonError) return false;
    throw error;
  }
}

/** Values of every kind that JavaScript has, made when they are wanted: some of them cannot even be printed. */
const value: fc.Arbitrary<() => unknown> = fc.oneof(
  any.json.map((one) => () => one),
  fc
    .anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withSparseArray: true, withNullPrototype: true })
    .map((one) => () => one),
  fc.constantFrom<() => unknown>(
    () =>
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new RangeError("of the caller");
          },
        },
      ),
    () => Object.defineProperty({}, "a", { enumerable: true, get: () => undefined }),
    () => {
      const cycle: Record<string, unknown> = {};
      cycle["self"] = cycle;
      return cycle;
    },
    () => Symbol("s"),
    () => () => 1,
    () => new (class extends Array<number> {})(3),
    () => ({ toJSON: () => "other" }),
    () => JSON.parse('{"__proto__": {"a": 1}}'),
    () => "\ud800",
    () => -0,
  ),
);
const isOfTheCaller = (error: unknown): boolean => error instanceof RangeError && error.message === "of the caller";

const Open = defineContract<Json, Json, { said: Json; strict: { n: number } }>({
  id: "open",
  payload: z.any(),
  result: z.any(),
  signals: { said: z.any(), strict: z.strictObject({ n: z.number() }) },
});

describe("a value that a caller gives", () => {
  test("as a payload is taken whole, or refused and leaves nothing behind", async () => {
    const { client, deps, broker } = createWorld();
    const untyped: { enqueue(contract: typeof Open, payload: unknown): Promise<{ workId: string }> } = client as never;
    await fc.assert(
      fc.asyncProperty(value, async (make) => {
        const payload = make();
        const before = broker.entries.size;
        let workId: string | null = null;
        try {
          await isAccepted(async () => {
            workId = (await untyped.enqueue(Open, payload)).workId;
          });
        } catch (error) {
          if (!isOfTheCaller(error)) throw error;
        }
        expect(broker.entries.size).toBe(workId === null ? before : before + 1);
        if (workId !== null) expect((await deps.store.read(`test/${workId}`)).length).toBeGreaterThan(0);
      }),
      { numRuns: RUNS },
    );
  });
  test("as a signal is taken whole, or refused and leaves nothing behind", async () => {
    const { client, deps } = createWorld();
    const { workId } = await client.enqueue(Open, null);
    const untyped: { signal(contract: typeof Open, ref: string, name: unknown, payload: unknown): Promise<unknown> } =
      client as never;
    const names = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom("said", "strict").map((name) => (): unknown => name) },
      { weight: 1, arbitrary: value },
    );
    await fc.assert(
      fc.asyncProperty(names, value, async (name, payload) => {
        const before = (await deps.store.read(`test/${workId}`)).length;
        let accepted = false;
        try {
          accepted = await isAccepted(() => untyped.signal(Open, workId, name(), payload()));
        } catch (error) {
          if (!isOfTheCaller(error)) throw error;
        }
        const after = await deps.store.read(`test/${workId}`);
        if (!accepted) expect(after.length).toBe(before);
        for (const record of after) {
          if (record.sort.startsWith("LIVE/inbox/") || record.sort.startsWith("seen/"))
            await deps.store.remove(record, record.revision);
        }
      }),
      { numRuns: RUNS },
    );
  });
});

describe("a cursor", () => {
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    fc.tuple(fc.double(), fc.string(), fc.string()).map((all) => JSON.stringify(all)),
    fc.tuple(fc.maxSafeInteger(), fc.string({ unit: "binary" }), fc.string({ unit: "binary" })).map((all) => JSON.stringify(all)),
  );
  const page = (store: RecordStore, after: string) => store.list({ group: "test/all", limit: 10, after });
  test("of a list is one, or is refused, on the stores that need no network", async () => {
    const home = createHome();
    const stores = [createMemoryRecordStore(), createEmbeddedRecordStore({ database: home.open() })];
    await fc.assert(
      fc.asyncProperty(texts, async (after) => {
        const accepted = await Promise.all(stores.map((store) => isAccepted(() => page(store, after))));
        expect(new Set(accepted).size).toBe(1);
      }),
      { numRuns: RUNS },
    );
    home.close();
  });
  test("of a page comes back as it was, and any other text is none", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" }), (cursor, text) => {
        expect(decodePageCursor(encodePageCursor(cursor))).toBe(cursor === "" ? null : cursor);
        const decoded = decodePageCursor(text);
        if (decoded !== null) expect(encodePageCursor(decoded)).toBe(text);
      }),
      { numRuns: RUNS },
    );
  });
  test("of an output stream is one, or is refused", async () => {
    const near = fc.array(fc.constantFrom("1", "-", "r", "h", "d", "0", "9999999999999999", "\n", "٣"), { maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          value,
          near.map((parts) => () => parts.join("")),
        ),
        async (make) => {
          await isAccepted(() => parseCursor(make()));
        },
      ),
      { numRuns: RUNS },
    );
  });
});

test("a deployment is read, or refused with the name of where it stands", async () => {
  const one = deploymentFields({
    table: "t",
    bucket: "b",
    queues: { normal: "https://sqs.example/1/n", high: "https://sqs.example/1/h" },
    deadLetters: "https://sqs.example/1/d",
    fair: false,
    namespace: "default",
  });
  const whole: Json = JSON.parse(JSON.stringify(one));
  const broken = fc.array(mutation, { minLength: 1, maxLength: 3 }).map((all) => all.reduce(mutate, whole));
  const texts = fc.oneof(
    broken.map((json) => JSON.stringify(json)),
    fc.string(),
    fc.json(),
  );
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      try {
        decodeDeployment(text, "parameter p");
      } catch (error) {
        if (!(error instanceof InvalidArgumentError)) throw error;
        expect(error.message).toMatch(/^parameter p: expected the JSON of a deployment/);
      }
    }),
    { numRuns: 2 * RUNS, examples: [['{"v":1,"table":{"length":[[{"toString":""}]]}}']] },
  );
});
