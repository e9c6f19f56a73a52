/** Answers of any length, in constant memory. Web APIs only. */
import type { Context } from "hono";
import { messageOf } from "../domain/errors.ts";
import type { Door } from "./door.ts";

const encoder = new TextEncoder();
const BATCH_CHARS = 16_384;

/** A line of JSON for each. */
export function ndjson(c: Context, door: Door, values: AsyncIterable<unknown>): Promise<Response> {
  return streamed(c, door, batches(values), { "content-type": "application/x-ndjson; charset=utf-8" });
}
async function* batches(values: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  let batch = "";
  for await (const value of values) {
    batch += `${JSON.stringify(value)}\n`;
    if (batch.length < BATCH_CHARS) continue;
    yield encoder.encode(batch);
    batch = "";
  }
  if (batch !== "") yield encoder.encode(batch);
}

/** It has begun before there is a status: what cannot be read at all is told by one. */
export async function streamed(
  c: Context,
  door: Door,
  content: AsyncIterable<Uint8Array>,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const chunks = content[Symbol.asyncIterator]();
  if (c.req.method === "HEAD") {
    await chunks.return?.();
    return new Response(null, { headers });
  }
  let begun: IteratorResult<Uint8Array> | null = await chunks.next();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = begun ?? (await chunks.next());
        begun = null;
        if (done === true) controller.close();
        else controller.enqueue(value);
      } catch (thrown) {
        door.logger.error("an answer broke off", { path: c.req.path, error: messageOf(thrown) });
        if (door.breakOff(c)) controller.close();
        else controller.error(new Error("the answer broke off"));
      }
    },
    async cancel() {
      await chunks.return?.();
    },
  });
  return new Response(body, { headers });
}
