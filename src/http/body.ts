/** The body of a request: JSON of a bounded size, whatever its content type says. */
import type { Context } from "hono";
import { InvalidArgumentError, messageOf } from "../domain/errors.ts";
import { decodeJson, encodeJson, type Json } from "../domain/json.ts";
import type { Door } from "./door.ts";
import { DoorError } from "./errors.ts";
import { type Fields, fieldsOf } from "./fields.ts";

/** The fields of a JSON object; of no body, none. @throws InvalidArgumentError, NotJsonError, DoorError */
export async function readFields(c: Context, door: Door, known: readonly string[]): Promise<Fields> {
  return fieldsOf("body", await readJson(c, door), known);
}

/** No body is an empty object. @throws InvalidArgumentError, NotJsonError, DoorError */
export async function readJson(c: Context, { maxBodyBytes }: Door): Promise<Json> {
  const text = textOf(await readBytes(c.req.raw, maxBodyBytes));
  if (text.trim() === "") return {};
  const value = parse(text);
  // What nests too deeply would end a schema's recursion, not a check of ours.
  encodeJson(value, "body");
  return value;
}

async function readBytes(request: Request, maxBytes: number): Promise<readonly Uint8Array[]> {
  const told = Number(request.headers.get("content-length") ?? 0);
  if (told > maxBytes) throw tooLarge(maxBytes);
  const chunks: Uint8Array[] = [];
  if (request.body === null) return chunks;
  let bytes = 0;
  const reader = request.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return chunks;
    bytes += value.byteLength;
    // Not cancelled: that would close the connection before the answer is out.
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(value);
  }
}
function tooLarge(maxBytes: number): DoorError {
  return new DoorError(413, "too_large", `body: expected at most ${maxBytes} bytes, got more`);
}

function textOf(chunks: readonly Uint8Array[]): string {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("") + decoder.decode();
  } catch {
    throw new DoorError(400, "invalid_argument", "body: expected JSON in UTF-8, got bytes that are not UTF-8");
  }
}
function parse(text: string): Json {
  try {
    return decodeJson(text);
  } catch (thrown) {
    throw new InvalidArgumentError("body", `JSON (${messageOf(thrown)})`, text);
  }
}
