import { handle, streamHandle } from "hono/aws-lambda";
import type { AnyContract } from "../domain/contract.ts";
import { SECOND_MS } from "../domain/limits.ts";
import { type CallbackAppOptions, createCallbackApp, createHttpApp } from "../http/app.ts";
import { createClient } from "../runtime/client.ts";
import { HTTP_TIMEOUT_S } from "../wire/environment.ts";
import { createFunctionWorld } from "./wiring.ts";

export type StreamHandler = ReturnType<typeof streamHandle>;
export type CallbackHandler = ReturnType<typeof handle>;
export interface DoorHandlerOptions {
  /**
   * Of the engines whose payloads and signals are checked at the door; an engine is a contract. Default none: then items
   * of any engine are let in with any JSON, and what does not fit is found by the worker, whose step fails with it.
   */
  readonly contracts?: readonly AnyContract[];
}

/** What is streamed ends before the invocation does, and a browser goes on with a new one. */
const FINISH_MS = 5 * SECOND_MS;

function optionsOf({ contracts = [] }: DoorHandlerOptions): CallbackAppOptions {
  const { deps } = createFunctionWorld();
  const { clock, logger } = deps;
  return { client: createClient(deps), clock, logger, contracts, allowUnknownEngines: contracts.length === 0 };
}

/** The whole door, behind a function URL whose callers sign their requests. */
export function createHttpHandler(options: DoorHandlerOptions = {}): StreamHandler {
  return streamHandle(createHttpApp({ ...optionsOf(options), streamMs: HTTP_TIMEOUT_S * SECOND_MS - FINISH_MS }));
}
/** Callbacks only, behind a URL that anybody may call: a token is unguessable, and good once. */
export function createCallbackHandler(options: DoorHandlerOptions = {}): CallbackHandler {
  return handle(createCallbackApp(optionsOf(options)));
}
