/**
 * The HTTP door, as one Hono app: `rookery serve` on one machine, and a function URL in AWS. It holds no truth: every
 * request is one call of the client. docs/http.md describes the routes.
 */
import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { routePath } from "hono/route";
import type { AnyContract } from "../domain/contract.ts";
import { messageOf, UnknownEngineError, UnknownWorkItemError } from "../domain/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Client } from "../runtime/client.ts";
import { untypedContract } from "../runtime/untyped.ts";
import { CALLBACK_ROUTE, CHANGE_ROUTES } from "./changes.ts";
import type { Door, Route } from "./door.ts";
import { DoorError, type Failure, failureOf } from "./errors.ts";
import { refuseOtherSites, requireToken } from "./guards.ts";
import { ITEM_ROUTES } from "./items.ts";
import { LOOK_ROUTES } from "./looks.ts";
import { OUTPUT_ROUTE } from "./output.ts";

export interface CallbackAppOptions {
  readonly client: Client;
  readonly clock: Clock;
  /** Told of what fails here: once for every 5xx. */
  readonly logger: Logger;
  /** Of the engines whose payloads and signals are checked at the door; an engine is a contract. Default none. */
  readonly contracts?: readonly AnyContract[];
  /**
   * Whether items of engines without a contract here are let in, and signalled, with any JSON. What does not fit is then
   * found by the worker, whose step fails with it. Default false: 404.
   */
  readonly allowUnknownEngines?: boolean;
  /** A larger body is refused with 413. Default 1 MiB. */
  readonly maxBodyBytes?: number;
}
export interface HttpAppOptions extends CallbackAppOptions {
  /** Who may come in at all: `localhost` is for a door on a loopback address, and keeps web pages out. Default anyone. */
  readonly from?: "anyone" | "localhost";
  /** Asked for as `authorization: Bearer <token>`, on every route but `/healthz`. Default none. */
  readonly token?: string;
  /** `POST /callback/<token>` goes without `token`: for webhooks, which know only their own. Default false. */
  readonly openCallbacks?: boolean;
  /** Origins whose web pages may use the door, such as `https://console.example.com`. Default none. */
  readonly cors?: readonly string[];
  /** A stream of output ends after so long, and a browser goes on with a new one: for where a request has an end. Default never. */
  readonly streamMs?: number;
  /** Ends what is waited for and streamed. */
  readonly stop?: AbortSignal;
  /** Ends the connection of an answer that broke off; it is given Hono's `env`. Default: the body's stream fails. */
  readonly breakOff?: (env: unknown) => void;
}

const MAX_BODY_BYTES = 1_048_576;
/** Well-formed, and of no item: ids are random. */
const NOBODY = "00000000000000000000";
const HEALTH = "/healthz";

const ROUTES: readonly Route[] = [
  { method: "GET", path: "/", answer: index },
  { method: "GET", path: HEALTH, answer: health },
  ...ITEM_ROUTES,
  OUTPUT_ROUTE,
  ...LOOK_ROUTES,
  ...CHANGE_ROUTES,
];

/** Everything that the client can do. Without `from` and `token` it lets in whoever reaches it. */
export function createHttpApp(options: HttpAppOptions): Hono {
  const { token, cors: origins = [] } = options;
  const app = createApp(options, failureOf);
  if (options.from === "localhost") app.use(refuseOtherSites(origins));
  if (origins.length > 0) app.use(corsFor(origins));
  const isOpen = ({ req }: Context): boolean =>
    req.path === HEALTH || (options.openCallbacks === true && req.method === "POST" && /^\/callback\/[^/]+$/.test(req.path));
  if (token !== undefined) app.use(requireToken(token, isOpen));
  mount(app, doorOf(options), ROUTES);
  return app;
}

/**
 * `POST /callback/<token>` and nothing else, for a URL that anybody may call: the token is what lets in, once. What
 * fails here is told in no words of ours.
 */
export function createCallbackApp(options: CallbackAppOptions): Hono {
  const app = createApp(options, (thrown) => {
    const failure = failureOf(thrown instanceof UnknownEngineError ? new Error(thrown.message) : thrown);
    return failure.status < 500 ? failure : { ...failure, code: "internal", message: "this failed here; try again later" };
  });
  mount(app, doorOf(options), [CALLBACK_ROUTE]);
  return app;
}

function createApp({ logger }: CallbackAppOptions, explain: (thrown: unknown) => Failure): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
    c.header("x-content-type-options", "nosniff");
    logger.debug("request", { method: c.req.method, route: routePath(c, -1), status: c.res.status });
  });
  const refuse = (thrown: Error, c: Context): Response => {
    const { status, code, message, headers } = explain(thrown);
    // Whoever has gone away left nothing to answer.
    if (status >= 500 && !c.req.raw.signal.aborted)
      logger[status === 503 ? "warn" : "error"]("request failed", {
        method: c.req.method,
        // Not the path itself, which may hold the token of a callback.
        route: routePath(c, -1),
        error: messageOf(thrown),
        stack: thrown.stack,
      });
    return c.json({ error: { code, message } }, status, headers);
  };
  app.onError(refuse);
  app.notFound((c) => refuse(new DoorError(404, "unknown_route", `no route ${c.req.method} ${c.req.path}`), c));
  return app;
}

function mount(app: Hono, door: Door, routes: readonly Route[]): void {
  for (const { method, path, answer } of routes) app.on(method, path, (c) => answer(c, door));
  for (const path of new Set(routes.map((route) => route.path))) {
    const allowed = routes.filter((route) => route.path === path).map(({ method }) => method);
    app.all(path, ({ req }) => {
      const allow = allowed.join(", ");
      throw new DoorError(405, "wrong_method", `${req.path}: expected ${allow}, got ${req.method}`, { allow });
    });
  }
}

function doorOf(options: HttpAppOptions): Door {
  const { client, clock, logger, contracts = [], stop, breakOff } = options;
  const byId = new Map(contracts.map((contract) => [contract.id, contract]));
  const engines = [...byId.keys()];
  return {
    client,
    clock,
    logger,
    engines,
    contractOf: (engine) => {
      const found = byId.get(engine);
      if (found !== undefined) return found;
      if (options.allowUnknownEngines === true) return untypedContract(engine);
      throw new UnknownEngineError(engine, engines);
    },
    maxBodyBytes: options.maxBodyBytes ?? MAX_BODY_BYTES,
    streamMs: options.streamMs ?? null,
    goneSignal: ({ req }) => (stop === undefined ? req.raw.signal : AbortSignal.any([stop, req.raw.signal])),
    breakOff: ({ env }) => {
      breakOff?.(env);
      return breakOff !== undefined;
    },
  };
}

function corsFor(origins: readonly string[]) {
  return cors({
    origin: [...origins],
    allowMethods: ["GET", "POST"],
    allowHeaders: ["authorization", "content-type", "last-event-id"],
    exposeHeaders: ["location", "retry-after", "etag"],
    maxAge: 600,
  });
}

function index(c: Context, { engines }: Door): Response {
  return c.json({ engines, routes: ROUTES.map(({ method, path }) => `${method} ${path.replace("{.+}", "")}`) });
}
/** The store is asked, so that a door without one says so. */
async function health(c: Context, { client }: Door): Promise<Response> {
  await client.status(NOBODY).catch((thrown: unknown) => {
    if (!(thrown instanceof UnknownWorkItemError)) throw thrown;
  });
  return c.json({ status: "ok" });
}
