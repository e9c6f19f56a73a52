/** The fields of a body, read one by one: what is of another kind, or nobody knows, is refused by name (G8). */
import { InvalidArgumentError } from "../domain/errors.ts";
import type { Json } from "../domain/json.ts";

export interface Fields {
  has(name: string): boolean;
  /** Undefined when it is not there; so are the others. */
  json(name: string): Json | undefined;
  /** An empty object when it is not there, as everywhere where a payload is left out. */
  payload(): Json;
  text(name: string): string | undefined;
  number(name: string): number | undefined;
  flag(name: string): boolean | undefined;
  choice<T extends string>(name: string, options: readonly T[]): T | undefined;
  texts(name: string): Readonly<Record<string, string>> | undefined;
  fields(name: string, known: readonly string[]): Fields | undefined;
}

/** `what` is what it is called in errors. @throws InvalidArgumentError */
export function fieldsOf(what: string, value: Json, known: readonly string[]): Fields {
  if (!isObject(value)) throw new InvalidArgumentError(what, `an object with ${known.join(", ")}`, value);
  const stranger = Object.keys(value).find((name) => !known.includes(name));
  if (stranger !== undefined) throw new InvalidArgumentError(`field of ${what}`, `one of ${known.join(", ")}`, stranger);
  const get = (name: string): Json | undefined => (Object.hasOwn(value, name) ? value[name] : undefined);
  const refuse = (name: string, expected: string): never => {
    throw new InvalidArgumentError(`${what}.${name}`, expected, get(name));
  };
  return {
    has: (name) => Object.hasOwn(value, name),
    json: get,
    payload: () => get("payload") ?? (Object.hasOwn(value, "payload") ? null : {}),
    text: (name) => {
      const found = get(name);
      return found === undefined || typeof found === "string" ? found : refuse(name, "a text");
    },
    number: (name) => {
      const found = get(name);
      return found === undefined || typeof found === "number" ? found : refuse(name, "a number");
    },
    flag: (name) => {
      const found = get(name);
      return found === undefined || typeof found === "boolean" ? found : refuse(name, "true or false");
    },
    choice: (name, options) => {
      const found = get(name);
      return found === undefined ? found : (options.find((one) => one === found) ?? refuse(name, options.join(", ")));
    },
    texts: (name) => {
      const found = get(name);
      if (found === undefined) return found;
      return isObject(found) ? textsOf(`${what}.${name}`, found) : refuse(name, "an object of texts");
    },
    fields: (name, inner) => {
      const found = get(name);
      return found === undefined ? found : fieldsOf(`${what}.${name}`, found, inner);
    },
  };
}

type JsonObject = { readonly [name: string]: Json | undefined };

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
function textsOf(what: string, value: JsonObject): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(value).map(([name, text]): [string, string] => {
      if (typeof text === "string") return [name, text];
      throw new InvalidArgumentError(`${what}.${name}`, "a text", text);
    }),
  );
}
