/** An output stream for browsers, as server-sent events. Web APIs only: it runs wherever a `Response` does. */
import { RookeryError } from "../domain/errors.ts";
import type { OutputEvent } from "./output-reader.ts";

/**
 * Answers with a stream of server-sent events: `event` is the kind, `id` the cursor, `data` the rest as JSON. A browser
 * that reconnects sends the last id; pass it on, and the stream goes on where it broke off:
 *
 *     toEventStream(client.output(ref, { after: request.headers.get("last-event-id") }))
 *
 * An `EventSource` reconnects after every end: close it at `end`, and at an `error` that has data (`code`, `message`;
 * the stream ends with it). Cancelling the response stops reading.
 */
export function toEventStream(output: AsyncIterable<OutputEvent>): Response {
  const encoder = new TextEncoder();
  const events = output[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await events.next();
        if (done === true) return controller.close();
        const { cursor, kind, ...rest } = value;
        controller.enqueue(encoder.encode(`id: ${cursor}\n${frame(kind, rest)}`));
      } catch (thrown) {
        controller.enqueue(encoder.encode(frame("error", failureOf(thrown))));
        controller.close();
      }
    },
    async cancel() {
      await events.return?.();
    },
  });
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      // Proxies would gather it.
      "x-accel-buffering": "no",
    },
  });
}

/** JSON has no line ends of its own, so it is one line of data. */
function frame(kind: string, data: object): string {
  return `event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
}
/** What is not ours to tell stays on the server. */
function failureOf(thrown: unknown): { code: string; message: string } {
  if (thrown instanceof RookeryError) return { code: thrown.code, message: thrown.message };
  return { code: "internal", message: "the stream broke off" };
}
