/** What is sent to a work item: signals, callbacks, commands, a word on an effect in doubt. Each is safe to repeat with its id. */
import type { Context } from "hono";
import { InvalidArgumentError, UnknownCallbackError, UnknownWorkItemError } from "../domain/errors.ts";
import { SIGNAL_PATTERN } from "../domain/limits.ts";
import type { Resolution } from "../domain/resolution.ts";
import { parseCallbackToken } from "../runtime/callback.ts";
import type { Client, CommandOptions, Ref } from "../runtime/client.ts";
import { readFields, readJson } from "./body.ts";
import type { Door, Route } from "./door.ts";
import type { Fields } from "./fields.ts";
import { itemOf, queryOf } from "./query.ts";

export const CALLBACK_ROUTE: Route = { method: "POST", path: "/callback/:token", answer: callback };

export const CHANGE_ROUTES: readonly Route[] = [
  { method: "POST", path: "/items/:id/signals/:name", answer: signal },
  CALLBACK_ROUTE,
  { method: "POST", path: "/items/:id/cancel", answer: command("reason", (client, ...said) => client.cancel(...said)) },
  { method: "POST", path: "/items/:id/pause", answer: command("reason", (client, ...said) => client.pause(...said)) },
  { method: "POST", path: "/items/:id/resume", answer: command(null, (client, ref, _, how) => client.resume(ref, how)) },
  { method: "POST", path: "/items/:id/redrive", answer: command("note", (client, ...said) => client.redrive(...said)) },
  { method: "POST", path: "/items/:id/effects/:key{.+}/resolve", answer: resolve },
];

async function signal(c: Context, door: Door): Promise<Response> {
  const { ref } = itemOf(c);
  const name = c.req.param("name") ?? "";
  if (!SIGNAL_PATTERN.test(name)) throw new InvalidArgumentError("name of a signal", "1 to 63 letters, digits, ., - and _", name);
  const body = await readFields(c, door, ["payload", "id"]);
  const { workId, engine } = await door.client.status(ref);
  const answer = await door.client.signal(door.contractOf(engine), workId, name, body.payload(), idOf(body));
  return c.json({ workId, ...answer }, 202);
}

/** The whole body is the payload: whoever calls back does not know us. */
async function callback(c: Context, door: Door): Promise<Response> {
  queryOf(c, []);
  const token = c.req.param("token") ?? "";
  const { workId } = parseCallbackToken(token);
  const payload = await readJson(c, door);
  const { engine } = await door.client.status(workId).catch((thrown: unknown) => {
    throw thrown instanceof UnknownWorkItemError ? new UnknownCallbackError() : thrown;
  });
  return c.json(await door.client.callback(door.contractOf(engine), token, payload), 202);
}

type Send = (client: Client, ref: Ref, text: string | undefined, how: CommandOptions) => Promise<void>;

/** `why` is what its text is called. */
function command(why: "reason" | "note" | null, send: Send): Route["answer"] {
  return async (c, door) => {
    const { ref } = itemOf(c);
    const body = await readFields(c, door, why === null ? ["id"] : [why, "id"]);
    await send(door.client, ref, why === null ? undefined : body.text(why), idOf(body));
    return c.json({ accepted: true }, 202);
  };
}
function idOf(body: Fields): CommandOptions {
  const id = body.text("id");
  return id === undefined ? {} : { id };
}

async function resolve(c: Context, door: Door): Promise<Response> {
  const { ref } = itemOf(c);
  const body = await readFields(c, door, ["happened", "result", "fail", "step"]);
  const step = body.number("step");
  const key = c.req.param("key") ?? "";
  return c.json(await door.client.resolve(ref, key, resolutionOf(body), step === undefined ? {} : { step }));
}
function resolutionOf(body: Fields): Resolution {
  const [happened, fail, result] = [body.flag("happened"), body.text("fail"), body.json("result")];
  if (happened === undefined && fail !== undefined && result === undefined) return { fail };
  if (happened === false && fail === undefined && result === undefined) return { happened };
  if (happened === true && fail === undefined) return { happened, result: result ?? null };
  throw new InvalidArgumentError("body", "{ happened: true, result }, { happened: false } or { fail: reason }", toldBy(body));
}
function toldBy(body: Fields): string {
  return ["happened", "result", "fail"].filter((name) => body.has(name)).join(", ") || "none of these";
}
