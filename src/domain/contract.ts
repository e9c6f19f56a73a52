/** A contract is data only: safe in a browser bundle; it types the client and refuses bad input at the door (G8). */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidArgumentError, SchemaError } from "./errors.ts";
import { parseEngineId } from "./ids.ts";
import type { Json } from "./json.ts";
import { SIGNAL_PATTERN } from "./limits.ts";

/** Anything that speaks Standard Schema (zod, valibot, arktype …) and keeps the type as it is. */
export type Schema<T> = StandardSchemaV1<T, T>;
/** The payload of every signal, by name. */
export type Signals = { readonly [name: string]: Json };
export type NoSignals = Record<never, never>;

export interface Contract<P extends Json, R extends Json, G extends Signals = NoSignals> {
  /** 1 to 63 letters, digits, `.`, `-` and `_`; unique among the engines of a worker. */
  readonly id: string;
  readonly payload: Schema<P>;
  readonly result: Schema<R>;
  /** What may be sent to an item, and the schema of each. */
  readonly signals: { readonly [K in keyof G]: Schema<G[K]> };
}
export type AnyContract = Contract<Json, Json, Signals>;

/**
 * Declares what an engine takes and gives.
 *
 * @throws InvalidArgumentError when the id, a schema or a signal's name is not usable.
 */
export function defineContract<P extends Json, R extends Json, G extends Signals = NoSignals>(contract: {
  id: string;
  payload: Schema<P>;
  result: Schema<R>;
  /** Names: 1 to 63 letters, digits, `.`, `-` and `_`. Default none. */
  signals?: { [K in keyof G]: Schema<G[K]> };
}): Contract<P, R, G> {
  const id = parseEngineId(contract.id);
  for (const name of ["payload", "result"] as const) requireSchema(`contract ${id}: ${name}`, contract[name]);
  // Without signals there is nothing in G, which only the default of the type says.
  const signals = Object.freeze({ ...contract.signals }) as Contract<P, R, G>["signals"];
  for (const [name, schema] of Object.entries(signals)) {
    if (!SIGNAL_PATTERN.test(name))
      throw new InvalidArgumentError(`contract ${id}: signals`, "names of 1 to 63 letters, digits, ., - and _", name);
    requireSchema(`contract ${id}: signals.${name}`, schema);
  }
  return Object.freeze({ id, payload: contract.payload, result: contract.result, signals });
}

export function requireSchema(what: string, schema: unknown): void {
  const standard = isObject(schema) ? Reflect.get(schema, "~standard") : undefined;
  if (!isObject(standard) || typeof Reflect.get(standard, "validate") !== "function") {
    throw new InvalidArgumentError(what, "a Standard Schema (zod, valibot, arktype …)", schema);
  }
}
/** For callers without types. @throws InvalidArgumentError */
export function requireContract(contract: unknown): void {
  const usable =
    isObject(contract) && typeof Reflect.get(contract, "id") === "string" && isObject(Reflect.get(contract, "payload"));
  if (!usable) throw new InvalidArgumentError("contract", "what defineContract or defineEngine returns", contract);
}
/** @throws InvalidArgumentError when the contract has no such signal. */
export function signalSchema(contract: AnyContract, name: unknown): Schema<Json> {
  const schema = typeof name === "string" && Object.hasOwn(contract.signals, name) ? contract.signals[name] : undefined;
  if (schema !== undefined) return schema;
  const known = Object.keys(contract.signals).join(", ") || "(none)";
  throw new InvalidArgumentError(`signal of engine ${contract.id}`, `one of: ${known}`, name);
}
function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/**
 * The value as the schema returns it.
 *
 * @throws SchemaError with every issue and its path.
 */
export async function validate<T>(what: string, schema: Schema<T>, value: unknown): Promise<T> {
  const answer = schema["~standard"].validate(value);
  const result = answer instanceof Promise ? await answer : answer;
  if (result.issues === undefined) return result.value;
  throw new SchemaError(what, result.issues.map(issueText).join("; "));
}

function issueText(issue: StandardSchemaV1.Issue): string {
  const path = (issue.path ?? []).map((part) => `.${String(typeof part === "object" ? part.key : part)}`).join("");
  return `$${path}: ${issue.message}`;
}
