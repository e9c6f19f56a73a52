/** What a route is given, and what it is. */
import type { Context } from "hono";
import type { AnyContract } from "../domain/contract.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Client } from "../runtime/client.ts";

export interface Door {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The engines whose contracts are known here. */
  readonly engines: readonly string[];
  /** @throws UnknownEngineError */
  readonly contractOf: (engine: string) => AnyContract;
  readonly maxBodyBytes: number;
  /** How long a stream of output lasts at most; null for as long as its item is open. */
  readonly streamMs: number | null;
  /** Fires when the client has gone away, and when the door closes. */
  readonly goneSignal: (c: Context) => AbortSignal;
  /** Whatever it takes that an answer that broke off in the middle does not look whole; false when it takes its stream. */
  readonly breakOff: (c: Context) => boolean;
}

export interface Route {
  readonly method: "GET" | "POST";
  /** As Hono writes it. */
  readonly path: string;
  readonly answer: (c: Context, door: Door) => Response | Promise<Response>;
}
