/**
 * Keeps a crew of child processes at work.
 *
 *  - What dies is replaced at once. Only a child that dies before it became ready makes the next one wait. Several of
 *    those in a row, or a first one that says why, end the crew when nobody is at work: no step is to blame.
 *  - A child that is silent for `silenceMs` spins: it is killed and replaced. When the supervisor itself was frozen
 *    (Ctrl-Z, a laptop's sleep), nobody is blamed for it.
 *  - A child that leaves (a step does not heed its abort signal) has its replacement before it is gone.
 *  - A stop asks the children, who finish or give back; what is not gone after `killAfterMs` is killed. No process is ever killed but by the handle it was started with.
 */
import { SECOND_MS } from "../../domain/limits.ts";
import { type Member, type MemberEnd, startMember } from "./member.ts";
import type { Failure, FromChild, Over, Place } from "./messages.ts";

export type CrewEvent =
  | { readonly kind: "started"; readonly pid: number }
  | ({ readonly kind: "ready"; readonly pid: number } & Place)
  | { readonly kind: "silent"; readonly pid: number; readonly forMs: number }
  | { readonly kind: "leaving"; readonly pid: number; readonly workId: string }
  | ({
      readonly kind: "exited";
      readonly pid: number;
      readonly wasReady: boolean;
      readonly asked: boolean;
      readonly failure: Failure | null;
    } & MemberEnd)
  | { readonly kind: "waiting"; readonly forMs: number; readonly why: string };
/** `over`: a child was done with the item that it was started for. */
export type CrewEnd =
  | { readonly kind: "stopped"; readonly killed: boolean }
  | { readonly kind: "over"; readonly how: Over }
  | { readonly kind: "gave_up"; readonly failure: Failure };

export interface CrewOptions {
  readonly entry: string;
  readonly args: readonly string[];
  readonly processes: number;
  readonly silenceMs: number;
  readonly killAfterMs: number;
  readonly onEvent: (event: CrewEvent) => void;
}
export interface Crew {
  /** True once all have been ready; false when the crew ended before. */
  readonly ready: Promise<boolean>;
  /** Resolves when the last child is gone. Never rejects. */
  readonly ended: Promise<CrewEnd>;
  /** Asks the children to finish or give back what they have, and to end. */
  stop(): void;
  /** Ends them at once. */
  kill(): void;
}

/** Loading a config and engines may take its time. */
const START_MS = 30 * SECOND_MS;
/** So many deaths in a row, before anybody was ready, end the crew. */
const EARLY_DEATHS = 5;
const FIRST_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 10 * SECOND_MS;
const CHECKS_PER_SILENCE = 4;

export function startCrew(options: CrewOptions): Crew {
  const { onEvent } = options;
  const members = new Set<Member>();
  const waiting = new Set<NodeJS.Timeout>();
  const [ready, ended] = [Promise.withResolvers<boolean>(), Promise.withResolvers<CrewEnd>()];
  let end: CrewEnd | null = null;
  let earlyDeaths = 0;
  let anyReady = false;
  let killed = false;
  let killTimer: NodeJS.Timeout | undefined;

  function start(): void {
    const member = startMember({ entry: options.entry, args: options.args, onMessage, onEnd });
    members.add(member);
    if (member.pid !== undefined) onEvent({ kind: "started", pid: member.pid });
  }
  function startLater(why: string): void {
    const forMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (earlyDeaths - 1));
    onEvent({ kind: "waiting", forMs, why });
    const timer = setTimeout(() => {
      waiting.delete(timer);
      start();
    }, forMs);
    waiting.add(timer);
  }
  function onMessage(member: Member, message: FromChild): void {
    const pid = member.pid ?? 0;
    if (message.kind === "over") finish({ kind: "over", how: message.how });
    if (message.kind === "leaving") {
      onEvent({ kind: "leaving", pid, workId: message.workId });
      if (end === null) start();
    }
    if (message.kind !== "ready") return;
    earlyDeaths = 0;
    anyReady = true;
    onEvent({ ...message, pid });
    if (end === null && working().length >= options.processes) ready.resolve(true);
  }
  function onEnd(member: Member, how: MemberEnd): void {
    members.delete(member);
    onEvent({
      kind: "exited",
      pid: member.pid ?? 0,
      wasReady: member.wasReady,
      asked: end !== null || member.isLeaving,
      failure: member.failure,
      ...how,
    });
    if (end === null && !member.isLeaving) replace(member, how);
    settle();
  }
  function replace(dead: Member, how: MemberEnd): void {
    if (!dead.wasReady) earlyDeaths += 1;
    const saidWhy = dead.failure !== null && !anyReady;
    const hopeless = working().length === 0 && (saidWhy || earlyDeaths >= EARLY_DEATHS);
    const failure = dead.failure ?? unexplained(how);
    if (dead.wasReady) start();
    else if (hopeless) finish({ kind: "gave_up", failure });
    else startLater(failure.message);
  }
  const working = (): Member[] => [...members].filter((member) => member.wasReady && !member.isLeaving);

  function finish(how: CrewEnd): void {
    if (end !== null) return;
    end = how;
    for (const timer of waiting) clearTimeout(timer);
    waiting.clear();
    for (const member of members) member.stop();
    killTimer = setTimeout(kill, options.killAfterMs);
    settle();
  }
  function kill(): void {
    killed ||= members.size > 0;
    for (const member of members) member.kill();
  }
  function settle(): void {
    if (end === null || members.size > 0) return;
    clearTimeout(killTimer);
    clearInterval(watch);
    ready.resolve(false);
    ended.resolve(end.kind === "stopped" ? { ...end, killed } : end);
  }
  const watch = watchSilence(options, members);
  for (let i = 0; i < options.processes; i++) start();
  const stop = (): void => finish({ kind: "stopped", killed });
  return {
    ready: ready.promise,
    ended: ended.promise,
    stop,
    kill: () => {
      stop();
      kill();
    },
  };
}

function watchSilence({ silenceMs, onEvent }: CrewOptions, members: ReadonlySet<Member>): NodeJS.Timeout {
  const checkMs = Math.min(SECOND_MS, silenceMs / CHECKS_PER_SILENCE);
  let checkedAtMs = performance.now();
  return setInterval(() => {
    const nowMs = performance.now();
    const wasFrozen = nowMs - checkedAtMs > checkMs + silenceMs / 2;
    checkedAtMs = nowMs;
    for (const member of members) {
      if (wasFrozen) member.forgive();
      const forMs = nowMs - member.heardAtMs;
      if (forMs <= (member.wasReady ? silenceMs : Math.max(silenceMs, START_MS))) continue;
      onEvent({ kind: "silent", pid: member.pid ?? 0, forMs: Math.round(forMs) });
      member.kill();
      member.forgive();
    }
  }, checkMs);
}

function unexplained({ code, signal }: MemberEnd): Failure {
  return { message: `worker processes end before they are ready (${signal ?? `exit code ${code}`})`, hint: null, exit: 1 };
}
