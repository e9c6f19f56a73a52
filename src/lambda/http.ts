import { handle, streamHandle } from "hono/aws-lambda";
import { SECOND_MS } from "../domain/limits.ts";
import { type CallbackAppOptions, createCallbackApp, createHttpApp } from "../http/app.ts";
import { createClient } from "../runtime/client.ts";
import { HTTP_TIMEOUT_S } from "../wire/environment.ts";
import { createFunctionWorld } from "./wiring.ts";

/** As Lambda calls them for a function URL. */
export type StreamHandler = ReturnType<typeof streamHandle>;
export type Handler = ReturnType<typeof handle>;

/** What is streamed ends before the invocation does, and a browser goes on with a new one. */
const FINISH_MS = 5 * SECOND_MS;

function optionsOf(): CallbackAppOptions {
  const { deps } = createFunctionWorld();
  return { client: createClient(deps), clock: deps.clock, logger: deps.logger, allowUnknownEngines: true };
}

/** The whole door, behind a function URL whose callers sign their requests. */
export function createHttpHandler(): StreamHandler {
  return streamHandle(createHttpApp({ ...optionsOf(), streamMs: HTTP_TIMEOUT_S * SECOND_MS - FINISH_MS }));
}
/** Callbacks only, behind a URL that anybody may call: a token is unguessable, and good once. */
export function createCallbackHandler(): Handler {
  return handle(createCallbackApp(optionsOf()));
}
