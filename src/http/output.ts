/** An item's output stream, as server-sent events that a browser goes on with by itself. */
import type { Context } from "hono";
import { messageOf, RookeryError } from "../domain/errors.ts";
import { SECOND_MS } from "../domain/limits.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import { toEventStream } from "../runtime/event-stream.ts";
import type { OutputEvent } from "../runtime/output-reader.ts";
import type { Door, Route } from "./door.ts";
import { itemOf } from "./query.ts";

/** Proxies give up a connection on which nothing comes; and a client that is gone is noticed by writing to it. */
const KEEP_ALIVE_MS = 15 * SECOND_MS;
const COMMENT = new TextEncoder().encode(":\n\n");

export const OUTPUT_ROUTE: Route = { method: "GET", path: "/items/:id/output", answer: output };

async function output(c: Context, door: Door): Promise<Response> {
  const { ref, query } = itemOf(c, ["after"]);
  const last = c.req.header("last-event-id") ?? "";
  const after = last === "" ? (query.text("after") ?? null) : last;
  const events = door.client.output(ref, { after, abortSignal: door.goneSignal(c) });
  // An item that is not there is told by the status.
  await door.client.status(ref);
  if (c.req.method === "HEAD") return new Response(null, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
  const { body, headers } = toEventStream(noted(events, door.logger));
  return new Response(body === null ? null : keptAlive(body, door.clock, door.streamMs), { headers });
}

/** The reader is told little of what is not ours to tell: the log has it. */
function noted(output: AsyncIterable<OutputEvent>, logger: Logger): AsyncIterable<OutputEvent> {
  return {
    [Symbol.asyncIterator]() {
      const events = output[Symbol.asyncIterator]();
      return {
        next: () =>
          events.next().catch((thrown: unknown) => {
            const level = thrown instanceof RookeryError && thrown.retryable ? "warn" : "error";
            logger[level]("an output stream broke off", { error: messageOf(thrown) });
            throw thrown;
          }),
        return: async () => (await events.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}

type Read = { readonly done: boolean; readonly value?: Uint8Array | undefined };

/** Comments in between, where nothing comes for a while, and an end after `endAfterMs`. */
export function keptAlive(body: ReadableStream<Uint8Array>, clock: Clock, endAfterMs: number | null): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const endsAtMs = endAfterMs === null ? Number.POSITIVE_INFINITY : clock.nowMs() + endAfterMs;
  let reading: Promise<Read> | null = null;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      reading ??= reader.read();
      const leftMs = endsAtMs - clock.nowMs();
      const read = await within(reading, clock, Math.min(KEEP_ALIVE_MS, Math.max(0, leftMs)));
      if (read === null) {
        if (clock.nowMs() < endsAtMs) return controller.enqueue(COMMENT);
        await reader.cancel();
        return controller.close();
      }
      reading = null;
      if (read.done || read.value === undefined) controller.close();
      else controller.enqueue(read.value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** Null when it takes longer. */
function within<T>(promise: Promise<T>, clock: Clock, ms: number): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => resolve(null));
    promise.then(resolve, reject).finally(cancel);
  });
}
