import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineConfig, type RookeryConfig } from "../../src/domain/config.ts";
import { type Contract, defineContract, type NoSignals, type Schema, validate } from "../../src/domain/contract.ts";
import { defineEngine, type EngineCode } from "../../src/domain/engine.ts";
import { InvalidArgumentError, SchemaError } from "../../src/domain/errors.ts";
import { forged } from "./builders.ts";

const Count = defineContract({ id: "count", payload: z.object({ to: z.number() }), result: z.number() });
type Code = EngineCode<{ to: number }, number, NoSignals, number, never>;
const code: Code = { version: 1, state: z.number(), init: 0, step: async (n, ctx) => ctx.next(n + 1) };

describe("a contract", () => {
  test("is data, and frozen", () => {
    expect(Count.id).toBe("count");
    expect(Object.isFrozen(Count)).toBe(true);
  });
  test("needs a usable id", () => {
    expect(() => defineContract({ ...Count, id: "a/b" })).toThrow(InvalidArgumentError);
  });
  test.each<unknown>([undefined, null, 5, {}, { "~standard": 5 }, { "~standard": {} }, { "~standard": { validate: 1 } }])(
    "needs schemas, not %o",
    (payload) => {
      expect(() => defineContract({ ...Count, payload: forged<Schema<number>>(payload) })).toThrow(
        /^contract count: payload: expected a Standard Schema/,
      );
      expect(() => defineContract({ ...Count, result: forged<Schema<number>>(payload) })).toThrow(/^contract count: result: /);
    },
  );
  test("takes a schema that is a function, as some libraries have them", () => {
    const schema = Object.assign(() => undefined, { "~standard": { validate: (value: unknown) => ({ value }) } });
    expect(defineContract({ id: "x", payload: forged<Schema<number>>(schema), result: z.number() }).id).toBe("x");
  });
});

describe("validating", () => {
  test("gives the value as the schema returns it, at once or later", async () => {
    const defaulted = z.object({ n: z.number().default(3) });
    expect(await validate("state", forged<Schema<unknown>>(defaulted), {})).toEqual({ n: 3 });
    const later = z.number().refine(async (n) => n > 1);
    expect(await validate("state", later, 2)).toBe(2);
    await expect(validate("state", later, 1)).rejects.toThrow(SchemaError);
  });
  test("names what it is, and every issue with its path", async () => {
    const schema = z.object({ a: z.array(z.number()), b: z.string() });
    await expect(validate("payload of engine x", schema, { a: [1, "2"] })).rejects.toThrow(
      /^payload of engine x does not match its schema: \$\.a\.1: .*; \$\.b: /,
    );
  });
  test("reads paths of keys and of segments, or none at all", async () => {
    const issues = [{ message: "bad", path: [{ key: "a" }, "b", 1] }, { message: "worse" }];
    const schema = forged<Schema<number>>({ "~standard": { validate: () => ({ issues }) } });
    await expect(validate("x", schema, 1)).rejects.toThrow("x does not match its schema: $.a.b.1: bad; $: worse");
  });
});

describe("an engine", () => {
  test("is its contract with the code behind it, frozen", () => {
    const engine = defineEngine(Count, code);
    expect(engine).toMatchObject({ id: "count", version: 1, payload: Count.payload });
    expect(engine.code).toBe(code);
    expect(Object.isFrozen(engine)).toBe(true);
  });
  test.each<Partial<Code>>([
    { journal: "steps" },
    { journal: "full" },
    { journal: "compact" },
    { journal: { interval: 10 } },
    { limits: {} },
    { limits: { stepMs: 5, totalMs: 5, steps: 1, crashes: 2, meters: { tokens: 0.5 } } },
    { log: forged<Schema<never>>(z.string()) },
  ])("may say %o", (more) => expect(defineEngine(Count, { ...code, ...more }).version).toBe(1));
  test.each<[string, object]>([
    ["version", { version: 0 }],
    ["version", { version: 1.5 }],
    ["version", { version: "1" }],
    ["state", { state: undefined }],
    ["log", { log: {} }],
    ["step", { step: undefined }],
    ["init", { init: undefined }],
    ["journal", { journal: "some" }],
    ["journal", { journal: null }],
    ["journal", { journal: { every: 1 } }],
    ["journal", { journal: { interval: 0 } }],
    ["limits.stepMs", { limits: { stepMs: 0 } }],
    ["limits.crashes", { limits: { crashes: -1 } }],
    ["limits.steps", { limits: { steps: Number.NaN } }],
    ["limits.meters.tokens", { limits: { meters: { tokens: 0 } } }],
  ])("names the field that is not usable: %s of %o", (field, more) => {
    expect(() => defineEngine(Count, forged<Code>({ ...code, ...more }))).toThrow(`engine count: ${field}: expected`);
  });
});

describe("a config", () => {
  const engine = defineEngine(Count, code);
  test("is given back as it is", () => {
    const config: RookeryConfig = { engines: [engine], namespace: "team", home: ".data", stack: "Team" };
    expect(defineConfig(config)).toBe(config);
    expect(defineConfig({ engines: [] })).toEqual({ engines: [] });
  });
  test.each<[string, object]>([
    ["engines", {}],
    ["engines", { engines: engine }],
    ["engines", { engines: [null] }],
    ["engines", { engines: ["counter"] }],
    ["engines", { engines: [forged<Contract<number, number>>(Count)] }],
    ["engines", { engines: [{ code }] }],
    ["namespace", { engines: [], namespace: "A/B" }],
    ["home", { engines: [], home: 5 }],
    ["stack", { engines: [], stack: 5 }],
  ])("names the field that is not usable: %s of %o", (field, config) => {
    expect(() => defineConfig(forged<RookeryConfig>(config))).toThrow(field);
    expect(() => defineConfig(forged<RookeryConfig>(config))).toThrow(InvalidArgumentError);
  });
});

describe("retry", () => {
  const contract = defineContract({ id: "retrying", payload: z.null(), result: z.null() });
  const withRetry = (retry: object) => () =>
    defineEngine(contract, { version: 1, state: z.null(), init: null, retry, step: async (_state, ctx) => ctx.complete(null) });
  test.each([
    [{ unknown: { attempts: 0 } }, /engine retrying: retry.unknown.attempts: expected a whole number from 1, got 0/],
    [{ unknown: { attempts: 2, minMs: 1e17 } }, /retry.unknown.minMs: expected milliseconds, at most a year/],
    [{ transient: { attempts: 2, maxMs: Number.NaN } }, /retry.transient.maxMs/],
    [{ transient: { attempts: 2, minMs: -1 } }, /retry.transient.minMs/],
  ])("%j is refused, since no instant could be made of it", (retry, message) => {
    expect(withRetry(retry)).toThrow(message);
  });
  test("delays of up to a year are taken", () => {
    expect(withRetry({ unknown: { attempts: 3, minMs: 0, maxMs: 365 * 86_400_000 }, bug: { attempts: 1 } })).not.toThrow();
  });
});
