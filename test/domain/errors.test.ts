import { describe, expect, test } from "vitest";
import * as errors from "../../src/domain/errors.ts";
import { forged } from "./builders.ts";

const { describe: say, messageOf, quote } = errors;

/** Each with what its message must name: what was expected, what came, which id. */
const catalogue: readonly [errors.RookeryError, errors.ErrorCode, boolean, readonly string[]][] = [
  [new errors.NotJsonError("$.a", "NaN"), "not_json", false, ["$.a", "NaN"]],
  [new errors.SchemaError("payload", "$.a: bad"), "schema", false, ["payload", "$.a: bad"]],
  [new errors.UnknownEngineError("x", ["a", "b"]), "unknown_engine", false, ['"x"', "a, b"]],
  [new errors.UnknownEngineError("x", []), "unknown_engine", false, ["(none loaded)"]],
  [new errors.UnknownWorkItemError("ns", "id"), "unknown_work_item", false, ['"ns"', '"id"']],
  [new errors.UnknownArtifactError("id", "x", ["a"]), "unknown_artifact", false, ["id", '"x"', "a"]],
  [new errors.UnknownStackError("acme", "/p", "eu"), "unknown_stack", false, ['"acme"', "/p", "eu"]],
  [new errors.AwsAccessError("acme", "no region", "why"), "aws_access", false, ['"acme"', "no region"]],
  [new errors.UnknownArtifactError("id", "x", []), "unknown_artifact", false, ["(none)"]],
  [new errors.InvalidArgumentError("lane", "high", 5), "invalid_argument", false, ["lane", "high", "5"]],
  [new errors.KeyConflictError("e", "k", "id", "d1", "d2"), "key_conflict", false, ["e", '"k"', "id", "d1", "d2"]],
  [new errors.RefusedError("pause", "id", "queued", "paused"), "refused", false, ["pause", "id", "queued", "paused"]],
  [new errors.SignalConflictError("id", "s1", "d1", "d2"), "signal_conflict", false, ["id", '"s1"', "d1", "d2"]],
  [new errors.SignalInDoubtError("id", "s1", 10_000), "signal_in_doubt", true, ["id", '"s1"', "10000 ms"]],
  [new errors.EffectConflictError("id", "child", "k", "d1", "d2"), "effect_conflict", false, ["id", 'child "k"', "d1", "d2"]],
  [new errors.NestedEffectError("id", "inner", "outer"), "effect_nested", false, ["id", '"inner"', '"outer"']],
  [new errors.EffectFailedError("id", "pay", "refunded"), "effect_failed", false, ["id", '"pay"', "refunded"]],
  [new errors.EffectInDoubtError("id", "pay", "timed out"), "effect_in_doubt", false, ["id", '"pay"', "timed out"]],
  [new errors.UnknownCallbackError(), "unknown_callback", false, ["no callback"]],
  [new errors.UnknownEffectError("id", "pay", ["a"]), "unknown_effect", false, ["id", '"pay"', "a"]],
  [new errors.UnknownEffectError("id", "pay", []), "unknown_effect", false, ["(none)"]],
  [new errors.InboxFullError("id", 1_000), "inbox_full", true, ["id", "1000"]],
  [new errors.CtxRevokedError("id", "once"), "ctx_revoked", false, ["id", "ctx.once"]],
  [new errors.NotAnOutcomeError("id", {}), "not_an_outcome", false, ["id", "an object"]],
  [new errors.StepTimeoutError("id", 5), "step_timeout", true, ["id", "5 ms"]],
  [new errors.StepAbortedError("id", "cancelled"), "step_aborted", true, ["id", "cancelled"]],
  [new errors.BlobMissingError("owner", "d"), "blob_missing", true, ["owner", "d"]],
  [new errors.BlobAlteredError("owner", "d1", "d2"), "blob_altered", true, ["owner", "d1", "d2"]],
  [new errors.RecordTooNewError("HEAD", 1, 2), "record_too_new", true, ["HEAD", "1", "2"]],
  [new errors.RecordUndecodableError("HEAD", "bad"), "record_undecodable", false, ["HEAD", "bad"]],
  [new errors.StoreTooNewError("db", 1, 2), "store_too_new", false, ["db", "1", "2"]],
  [new errors.StoreUnavailableError("store", new Error("full")), "store_unavailable", true, ["store", "full"]],
  [new errors.QueueUnavailableError("queue", "gone"), "queue_unavailable", true, ["queue", "gone"]],
  [new errors.EnqueueTimeoutError("id", 30_000), "enqueue_timeout", true, ["id", "30000"]],
  [new errors.WrongRuntimeError("embedded", "Node 24", "20"), "wrong_runtime", false, ["embedded", "Node 24", "20"]],
];

describe("the catalogue of errors", () => {
  test.each(catalogue)(
    "%s has its code, says whether to call again, and names what it is about",
    (error, code, retryable, parts) => {
      expect(error).toMatchObject({ code, retryable });
      expect(error.name).toBe(error.constructor.name);
      for (const part of parts) expect(error.message).toContain(part);
    },
  );
  test("is complete: every class of errors.ts is in it", () => {
    const classes = Object.values(errors).filter(
      (one) => typeof one === "function" && one.prototype instanceof errors.RookeryError,
    );
    expect(new Set(catalogue.map(([error]) => error.constructor))).toEqual(new Set(classes));
  });
  test("keeps a cause where there is one", () => {
    const cause = new Error("full");
    expect(new errors.StoreUnavailableError("store", cause).cause).toBe(cause);
    expect("cause" in new errors.SchemaError("a", "b")).toBe(false);
  });
});

describe("an invariant", () => {
  test("throws when it is broken, and only then", () => {
    expect(() => errors.invariant(true, "fine")).not.toThrow();
    expect(() => errors.invariant(false, "broken")).toThrow(new errors.InvariantError("broken"));
    expect(new errors.InvariantError("x").name).toBe("InvariantError");
  });
  test("is that a union has no other member", () => {
    expect(() => errors.assertNever(forged<never>("x"))).toThrow('unexpected "x"');
  });
});

describe("a message", () => {
  test("quotes short texts, and the beginning of long ones", () => {
    expect(quote('a "b"')).toBe('"a \\"b\\""');
    expect(quote("x".repeat(120))).toBe(`"${"x".repeat(120)}"`);
    expect(quote("x".repeat(10_000))).toBe(`"${"x".repeat(120)}"… (10000 characters)`);
  });
  test.each<[unknown, string]>([
    [null, "null"],
    [undefined, "undefined"],
    ["a", '"a"'],
    [1.5, "1.5"],
    [true, "true"],
    [5n, "5n (a BigInt)"],
    [Symbol("s"), "Symbol(s)"],
    [() => 1, "a function"],
    [function go() {}, "a function (go)"],
    [[1, 2], "an array of 2"],
    [{}, "an object"],
    [Object.create(null), "an object"],
    [new (class {})(), "an object"],
    [{ constructor: 5 }, "an object"],
    [Object.create({ constructor: { name: 5 } }), "an object"],
    [new Map(), "an instance of Map"],
  ])("describes %o briefly", (value, text) => expect(say(value)).toBe(text));
  test("is that of an error, a text itself, or says what was thrown", () => {
    expect(messageOf(new Error("no"))).toBe("no");
    expect(messageOf("no")).toBe("no");
    expect(messageOf(undefined)).toBe("undefined");
  });
  test("is said also of what throws when it is read, or has no text for its message", () => {
    const trap = {
      getPrototypeOf: () => {
        throw new Error("of the caller");
      },
    };
    expect(messageOf(new Proxy({}, trap))).toBe("something that cannot be read");
    expect(messageOf(Object.assign(new Error(), { message: 5 }))).toBe("5");
    expect(messageOf(Object.create(null))).toBe("an object");
  });
});
