/**
 * Rookery's public entry: what engine authors and callers import. It loads in a browser bundle; stores and workers are
 * separate entries (`rookery/embedded`).
 */

export type { RookeryConfig } from "./domain/config.ts";
export { defineConfig } from "./domain/config.ts";
export { type AnyContract, type Contract, defineContract, type Schema } from "./domain/contract.ts";
export {
  type ArtifactOptions,
  type ArtifactRef,
  type Artifacts,
  type Cause,
  type Ctx,
  defineEngine,
  type Engine,
  type EngineCode,
  type EngineLimits,
  type JournalPolicy,
  type Outcome,
  type StepCtx,
  type Wake,
} from "./domain/engine.ts";
export * from "./domain/errors.ts";
export type { JournalEvent } from "./domain/journal.ts";
export type { Json } from "./domain/json.ts";
export type { Lane } from "./domain/lane.ts";
export type { LogFields, Logger } from "./domain/logger.ts";
export { classOf, type ErrorClass, type Retry } from "./domain/retry.ts";
export type { Page } from "./ports/record-store.ts";
export type { Client, CommandOptions, Ended, Ref } from "./runtime/client.ts";
export type { Enqueued, EnqueueOptions, StartOptions } from "./runtime/enqueue.ts";
export type { HistoryEntry, ItemStatus, ShownStatus } from "./runtime/inspect.ts";
export type { ListOptions } from "./runtime/list.ts";
