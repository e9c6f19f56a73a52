/**
 * Rookery's public entry: what engine authors and callers import. It loads in a browser bundle; stores and workers are
 * separate entries (`rookery/embedded`).
 */

export type { RookeryConfig } from "./domain/config.ts";
export { defineConfig } from "./domain/config.ts";
export { type AnyContract, type Contract, defineContract, type NoSignals, type Schema, type Signals } from "./domain/contract.ts";
export { DidNotHappen, type Effect, type Fence, type Verdict } from "./domain/effect.ts";
export {
  type ArtifactOptions,
  type ArtifactRef,
  type Artifacts,
  type Cause,
  type ChildOptions,
  type Ctx,
  defineEngine,
  type Ended,
  type Engine,
  type EngineCode,
  type EngineLimits,
  type JournalPolicy,
  type Outcome,
  type Signal,
  type StartOptions,
  type StepCtx,
  type WaitOptions,
  type Wake,
} from "./domain/engine.ts";
export * from "./domain/errors.ts";
export type { Until } from "./domain/group.ts";
export type { JournalEvent } from "./domain/journal.ts";
export type { Json } from "./domain/json.ts";
export type { Lane } from "./domain/lane.ts";
export type { LogFields, Logger } from "./domain/logger.ts";
export type { Resolution } from "./domain/resolution.ts";
export { classOf, type ErrorClass, type Retry } from "./domain/retry.ts";
export type { Page } from "./ports/record-store.ts";
export type { Client, CommandOptions, Ref } from "./runtime/client.ts";
export type { Enqueued, EnqueueOptions, StartSignal } from "./runtime/enqueue.ts";
export { toEventStream } from "./runtime/event-stream.ts";
export type { HistoryEntry, ItemStatus, ItemUnits, ShownStatus } from "./runtime/inspect.ts";
export type { ListOptions } from "./runtime/list.ts";
export type { OutputEvent, OutputOptions } from "./runtime/output-reader.ts";
export type { EffectEntry, ResolveOptions } from "./runtime/resolve.ts";
export type { Signalled } from "./runtime/signal.ts";
export type { ChildrenOptions, ChildStatus, GroupStatus } from "./runtime/tree.ts";
