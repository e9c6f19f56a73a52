import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DidNotHappen } from "../../src/domain/effect.ts";
import {
  BlobMissingError,
  EffectFailedError,
  EffectInDoubtError,
  NotJsonError,
  SchemaError,
  StepTimeoutError,
} from "../../src/domain/errors.ts";
import { classOf, ERROR_CLASSES, type ErrorClass, policyFor, retryDelayMs } from "../../src/domain/retry.ts";

const withCode = (code: unknown, cause?: unknown) => Object.assign(new Error("no", { cause }), { code });
const withStatus = (status: unknown) => Object.assign(new Error("no"), { status });
const named = (name: string) => Object.assign(new Error("no"), { name });
/** Each is the cause of the other. */
function circle(): Error {
  const one = new Error("one");
  one.cause = new Error("other", { cause: one });
  return one;
}
function selfCaused(): Error {
  const error = new Error("itself");
  error.cause = error;
  return error;
}

describe("the class of an error", () => {
  test.each<[string, unknown, ErrorClass]>([
    ["undici's network error", new TypeError("fetch failed", { cause: withCode("ECONNREFUSED") }), "transient"],
    ["undici's network error without a cause", new TypeError("fetch failed"), "transient"],
    ["a body that broke off", new TypeError("terminated", { cause: withCode("UND_ERR_SOCKET") }), "transient"],
    ["a programmer's TypeError", new TypeError("x is not a function"), "bug"],
    ["an address that is none", new TypeError("Failed to parse URL from x"), "bug"],
    ["a ReferenceError", new ReferenceError("x is not defined"), "bug"],
    ["a RangeError", new RangeError("Invalid array length"), "bug"],
    ["a refused connection", withCode("ECONNREFUSED"), "transient"],
    ["a name that is not resolved", withCode("ENOTFOUND"), "transient"],
    ["a transient cause of a cause", new Error("a", { cause: new Error("b", { cause: withCode("ETIMEDOUT") }) }), "transient"],
    ["another code", withCode("ENOENT"), "unknown"],
    ["a code that is a number", withCode(20), "unknown"],
    ["an error that is its own cause", selfCaused(), "unknown"],
    ["errors that cause each other", circle(), "unknown"],
    ["a cause that is no error", new Error("a", { cause: { code: "ECONNREFUSED" } }), "unknown"],
    ["an abort", named("AbortError"), "transient"],
    ["a timeout", named("TimeoutError"), "transient"],
    ["an abort as Node throws it", new DOMException("stop", "AbortError"), "transient"],
    ["status 500", withStatus(500), "transient"],
    ["status 503 as statusCode", Object.assign(new Error("no"), { statusCode: 503 }), "transient"],
    ["status 429", withStatus(429), "transient"],
    ["status 408", withStatus(408), "transient"],
    ["status 401", withStatus(401), "permission"],
    ["status 403", withStatus(403), "permission"],
    ["status 404", withStatus(404), "validation"],
    ["status 200", withStatus(200), "unknown"],
    ["a status that is a text", withStatus("500"), "unknown"],
    ["a plain error", new Error("no"), "unknown"],
    ["undefined", undefined, "unknown"],
    ["a text", "fetch failed", "unknown"],
    ["a state that fails its schema", new SchemaError("state", "$.n: expected number"), "bug"],
    ["a state that is no JSON", new NotJsonError("$.n", "NaN"), "bug"],
    ["a missing blob", new BlobMissingError("owner", "digest"), "transient"],
    ["an effect that did not happen", new DidNotHappen("no"), "transient"],
    ["an effect that did not happen, and why", new DidNotHappen("no", { cause: withStatus(403) }), "permission"],
    ["an effect that a bug kept from happening", new DidNotHappen("no", { cause: new TypeError("x") }), "bug"],
    ["an effect in doubt", new EffectInDoubtError("id", "pay", "timed out"), "unknown"],
    ["an effect that an operator gave up", new EffectFailedError("id", "pay", "no"), "business"],
    ["a step that took too long", new StepTimeoutError("id", 5), "unknown"],
  ])("of %s is as it should be", (_, thrown, expected) => expect(classOf(thrown)).toBe(expected));
});

describe("a retry policy", () => {
  test("gives transient errors 10 attempts, unknown ones 5, the others 1", () => {
    expect(Object.fromEntries(ERROR_CLASSES.map((one) => [one, policyFor(one, undefined).attempts]))).toEqual({
      transient: 10,
      unknown: 5,
      validation: 1,
      business: 1,
      permission: 1,
      bug: 1,
    });
    expect(policyFor("bug", {})).toEqual({ attempts: 1, minMs: 500, maxMs: 60_000 });
  });
  test("is the engine's own where it has one for the class", () => {
    const own = { transient: { attempts: 3, minMs: 10, maxMs: 20 }, bug: { attempts: 2, minMs: 90_000 } };
    expect(policyFor("transient", own)).toEqual({ attempts: 3, minMs: 10, maxMs: 20 });
    expect(policyFor("bug", own)).toEqual({ attempts: 2, minMs: 90_000, maxMs: 90_000 });
    expect(policyFor("unknown", own).attempts).toBe(5);
  });
});

describe("the delay before a retry", () => {
  const policy = { attempts: 5, minMs: 500, maxMs: 60_000 };
  test("is none once the attempts are used up", () => {
    expect(retryDelayMs(policy, 4, 0)).toBe(500);
    expect(retryDelayMs(policy, 5, 0)).toBeNull();
    expect(retryDelayMs({ ...policy, attempts: 0 }, 1, 0)).toBeNull();
  });
  test("is drawn from minMs to a bound that doubles up to maxMs", () => {
    const upTo = (failures: number) => retryDelayMs({ ...policy, attempts: 2_000 }, failures, 1);
    expect([1, 2, 3, 6, 7, 1_500].map(upTo)).toEqual([1_000, 2_000, 4_000, 32_000, 60_000, 60_000]);
  });
  test("stays within its bounds, a whole number of milliseconds, for any policy", () => {
    const policies = fc.record({ attempts: fc.integer({ min: 1, max: 100 }), minMs: fc.nat(100_000), more: fc.nat(1_000_000) });
    fc.assert(
      fc.property(
        policies,
        fc.nat(120),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (one, failures, fraction) => {
          const delayMs = retryDelayMs(
            { attempts: one.attempts, minMs: one.minMs, maxMs: one.minMs + one.more },
            failures,
            fraction,
          );
          expect(delayMs === null).toBe(failures >= one.attempts);
          if (delayMs === null) return;
          expect(Number.isSafeInteger(delayMs)).toBe(true);
          expect(delayMs).toBeGreaterThanOrEqual(one.minMs);
          expect(delayMs).toBeLessThanOrEqual(Math.min(one.minMs + one.more, one.minMs * 2 ** failures));
        },
      ),
    );
  });
  test("spreads over the whole range", () => {
    const delays = Array.from({ length: 11 }, (_, i) => retryDelayMs(policy, 3, i / 10));
    expect(delays[0]).toBe(500);
    expect(delays[10]).toBe(4_000);
    expect(new Set(delays).size).toBe(11);
  });
});
