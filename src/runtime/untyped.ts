/**
 * A contract for an engine that is not loaded here: any JSON passes, and any signal. Whoever works on the item checks
 * what it was given against the real one.
 */
import { type AnyContract, defineContract, type Schema } from "../domain/contract.ts";
import { decodeJson, encodeJson, type Json } from "../domain/json.ts";
import { SIGNAL_PATTERN } from "../domain/limits.ts";

/** It throws NotJsonError, which says more than an issue would. */
const anyJson: Schema<Json> = {
  "~standard": { version: 1, vendor: "rookery", validate: (value) => ({ value: decodeJson(encodeJson(value)) }) },
};

const anySignal = (name: string | symbol): Schema<Json> | undefined =>
  typeof name === "string" && SIGNAL_PATTERN.test(name) ? anyJson : undefined;

/** As if every name that a signal may have were declared. */
const anySignals: AnyContract["signals"] = new Proxy<Record<string, Schema<Json>>>(
  {},
  {
    get: (_, name) => anySignal(name),
    getOwnPropertyDescriptor: (_, name) => {
      const value = anySignal(name);
      return value === undefined ? undefined : { value, configurable: true, enumerable: true, writable: false };
    },
  },
);

/** @throws InvalidArgumentError when no engine can have that id. */
export function untypedContract(engine: string): AnyContract {
  return Object.freeze({ ...defineContract({ id: engine, payload: anyJson, result: anyJson }), signals: anySignals });
}
