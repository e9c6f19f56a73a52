/** Every command, with what `rookery --help` says of it. Its options and its code are loaded when it is the one. */
import type { Configure } from "./configure.ts";

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly group: string;
  readonly load: () => Promise<Configure>;
}

const START = "Start work:";
const LOOK = "Look at it:";
const CHANGE = "Change its course:";
const CARE = "Care for the store:";

export const COMMANDS: readonly CommandEntry[] = [
  entry(
    "enqueue",
    START,
    "hand a work item to the workers and print its id",
    async () => (await import("./commands/enqueue.ts")).configureEnqueue,
  ),
  entry("run", START, "enqueue and work here until it ends", async () => (await import("./commands/run.ts")).configureRun),
  entry(
    "worker",
    START,
    "work on everything that is enqueued",
    async () => (await import("./commands/worker.ts")).configureWorker,
  ),
  entry("dev", START, "workers that reload your engines on save", async () => (await import("./commands/dev.ts")).configureDev),
  entry(
    "serve",
    START,
    "everything here over HTTP, for other programs",
    async () => (await import("./commands/serve.ts")).configureServe,
  ),
  entry(
    "engines",
    START,
    "engines that can be worked here",
    async () => (await import("./commands/engines.ts")).configureEngines,
  ),
  entry("list", LOOK, "work items, newest first", async () => (await import("./commands/list.ts")).configureList),
  entry(
    "status",
    LOOK,
    "what an item is doing and what you can do next",
    async () => (await import("./commands/status.ts")).configureStatus,
  ),
  entry(
    "children",
    LOOK,
    "the items that an item has started, and how many have ended",
    async () => (await import("./commands/children.ts")).configureChildren,
  ),
  entry(
    "events",
    LOOK,
    "what happened to an item, oldest first",
    async () => (await import("./commands/events.ts")).configureEvents,
  ),
  entry(
    "history",
    LOOK,
    "committed versions and their states",
    async () => (await import("./commands/history.ts")).configureHistory,
  ),
  entry("log", LOOK, "the log that its engine appends to", async () => (await import("./commands/log.ts")).configureLog),
  entry("tail", LOOK, "what its steps write, as they write it", async () => (await import("./commands/tail.ts")).configureTail),
  entry(
    "effects",
    LOOK,
    "an item's side effects, and which are in doubt",
    async () => (await import("./commands/effects.ts")).configureEffects,
  ),
  entry(
    "artifact",
    LOOK,
    "list an item's artifacts, or show one",
    async () => (await import("./commands/artifact.ts")).configureArtifact,
  ),
  entry(
    "signal",
    CHANGE,
    "send an item a signal that its engine knows",
    async () => (await import("./commands/signal.ts")).configureSignal,
  ),
  entry(
    "callback",
    CHANGE,
    "send the signal that a step gave a token for",
    async () => (await import("./commands/callback.ts")).configureCallback,
  ),
  entry(
    "cancel",
    CHANGE,
    "end items; their engine may clean up first",
    async () => (await import("./commands/cancel.ts")).configureCancel,
  ),
  entry("pause", CHANGE, "hold items before their next step", async () => (await import("./commands/pause.ts")).configurePause),
  entry("resume", CHANGE, "let paused items go on", async () => (await import("./commands/resume.ts")).configureResume),
  entry(
    "resolve",
    CHANGE,
    "say what became of an effect in doubt",
    async () => (await import("./commands/resolve.ts")).configureResolve,
  ),
  entry(
    "redrive",
    CHANGE,
    "give failed or dead-lettered items new attempts",
    async () => (await import("./commands/redrive.ts")).configureRedrive,
  ),
  entry("sweep", CARE, "look once at everything that is due", async () => (await import("./commands/sweep.ts")).configureSweep),
  entry(
    "doctor",
    CARE,
    "check the set-up and say how to mend it",
    async () => (await import("./commands/doctor.ts")).configureDoctor,
  ),
];
/** Started by this program itself, as its child processes. */
export const HIDDEN: readonly CommandEntry[] = [
  entry("worker-child", "", "a worker process", async () => (await import("./commands/worker-child.ts")).configureWorkerChild),
];

function entry(name: string, group: string, summary: string, load: () => Promise<Configure>): CommandEntry {
  return { name, group, summary, load };
}
