/** What a supervisor and its children say to each other, over the channel that `fork` gives them. */
import { z } from "zod";
import type { Settings } from "../../runtime/deps.ts";

/** A child leaves to be replaced: a step in it did not heed its abort signal. */
export const LEAVING_EXIT = 75;

const fromChild = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("alive") }),
  z.object({ kind: z.literal("ready"), home: z.string(), namespace: z.string(), engines: z.array(z.string()) }),
  /** It takes nothing new: its replacement may start. */
  z.object({ kind: z.literal("leaving"), workId: z.string() }),
  /** It could not start, or what it was started for failed. */
  z.object({ kind: z.literal("failed"), message: z.string(), hint: z.string().nullable(), exit: z.number() }),
  /** What it was started for is over: no replacement. */
  z.object({ kind: z.literal("over"), how: z.enum(["ended", "reached", "paused", "stopped"]) }),
]);
export type FromChild = z.infer<typeof fromChild>;
/** What a child works with, as it found it. */
export type Place = Omit<Extract<FromChild, { kind: "ready" }>, "kind">;
export type Failure = Omit<Extract<FromChild, { kind: "failed" }>, "kind">;

export interface FromSupervisor {
  readonly kind: "stop";
}

export function readFromChild(message: unknown): FromChild | null {
  return fromChild.safeParse(message).data ?? null;
}
export function isStop(message: unknown): boolean {
  return typeof message === "object" && message !== null && "kind" in message && message.kind === "stop";
}

const milliseconds = z.number().positive();
export const settingsSchema = z
  .strictObject({
    leaseDurationMs: milliseconds,
    heartbeatMs: milliseconds,
    visibilityMs: milliseconds,
    abandonMs: milliseconds,
    retentionMs: milliseconds,
    patienceMs: z.number().nonnegative(),
  } satisfies Record<keyof Settings, z.ZodType>)
  .partial();

const spec = z.strictObject({
  aliveMs: milliseconds,
  graceMs: z.number().nonnegative(),
  settings: settingsSchema,
  work: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("queue"),
      concurrency: z.number().int().positive(),
      lanes: z.array(z.enum(["high", "normal", "low"])).nullable(),
    }),
    z.strictObject({ kind: z.literal("item"), workId: z.string(), untilVersion: z.number().int().nullable() }),
  ]),
});
/** What a child is started for: handed over as one argument. */
export type ChildSpec = z.infer<typeof spec>;

/** @throws SyntaxError, ZodError: only a supervisor writes one. */
export function parseChildSpec(text: string): ChildSpec {
  return spec.parse(JSON.parse(text));
}
