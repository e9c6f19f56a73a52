/** A web server of this process: where it listens, and how it ends. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { messageOf } from "../domain/errors.ts";
import { CliError, EXIT } from "./exit.ts";
import { pauseFor } from "./pause-for.ts";

interface ListenOptions {
  /** 0 for a free one. */
  readonly port: number;
  readonly host: string;
  /** `env` is what the platform knows: its `outgoing` is the response of Node. */
  readonly fetch: (request: Request, env: unknown) => Promise<Response>;
}
interface Listening {
  readonly url: string;
  /** Takes no more requests, and resolves once those at work are answered, or after a while. */
  close(): Promise<void>;
}

const CLOSE_MS = 5_000;
const LOOK_MS = 50;

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** @throws CliError when it cannot listen there. */
export async function listen({ port, host, fetch }: ListenOptions): Promise<Listening> {
  const listener = getRequestListener(fetch, { hostname: host, overrideGlobalObjects: false });
  const server = createServer((incoming: IncomingMessage, outgoing: ServerResponse) => void listener(incoming, outgoing));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(listenError(error, port, host)));
    server.listen(port, host, resolve);
  });
  return { url: urlOf(server, host), close: () => close(server) };
}

function urlOf(server: Server, host: string): string {
  const at = server.address();
  const port = typeof at === "object" && at !== null ? at.port : 0;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function listenError(error: NodeJS.ErrnoException, port: number, host: string): CliError {
  const place = `port ${port} of ${host}`;
  switch (error.code) {
    case "EADDRINUSE":
      return new CliError(EXIT.failed, `cannot listen on ${place}: it is taken`, {
        hint: "take another one with --port, or --port 0 for one that is free",
        cause: error,
      });
    case "EACCES":
      return new CliError(EXIT.failed, `cannot listen on ${place}: it is not allowed`, {
        hint: "take one from 1024 on with --port",
        cause: error,
      });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new CliError(EXIT.failed, `cannot listen on ${place}: expected an address of this machine`, {
        hint: "127.0.0.1 for this machine alone, 0.0.0.0 for all of its addresses",
        cause: error,
      });
    default:
      return new CliError(EXIT.failed, `cannot listen on ${place}: ${messageOf(error)}`, { cause: error });
  }
}

/** A connection that is kept alive would keep the server, too. */
async function close(server: Server): Promise<void> {
  const closed = new AbortController();
  server.close(() => closed.abort());
  for (let waitedMs = 0; waitedMs < CLOSE_MS && !closed.signal.aborted; waitedMs += LOOK_MS) {
    server.closeIdleConnections();
    await pauseFor(LOOK_MS, closed.signal);
  }
  server.closeAllConnections();
}

/** What has begun cannot be taken back: its reader sees the connection end before the body does. `env` as above. */
export function destroyAnswer(env: unknown): void {
  const outgoing: unknown = typeof env === "object" && env !== null ? Reflect.get(env, "outgoing") : null;
  if (typeof outgoing !== "object" || outgoing === null || !("destroy" in outgoing)) return;
  if (typeof outgoing.destroy === "function") outgoing.destroy();
}
