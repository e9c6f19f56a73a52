/** One child process, seen from its supervisor: started, heard, asked to stop, killed by its own id. */
import { fork } from "node:child_process";
import { type Failure, type FromChild, type FromSupervisor, readFromChild } from "./messages.ts";

export interface MemberEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}
export interface Member {
  /** Undefined when the system could not start it. */
  readonly pid: number | undefined;
  readonly wasReady: boolean;
  /** It leaves, and its replacement has been started. */
  readonly isLeaving: boolean;
  readonly failure: Failure | null;
  /** When it last said something, or was forgiven for its silence; when it was started, until it is ready. */
  readonly heardAtMs: number;
  forgive(): void;
  stop(): void;
  kill(): void;
}
export interface MemberOptions {
  /** The module that it is started with. */
  readonly entry: string;
  readonly args: readonly string[];
  onMessage(member: Member, message: FromChild): void;
  onEnd(member: Member, end: MemberEnd): void;
}

export function startMember({ entry, args, onMessage, onEnd }: MemberOptions): Member {
  // What an engine prints is no result of ours: a child's stdout goes where the logs go.
  const child = fork(entry, args, { stdio: ["ignore", 2, 2, "ipc"] });
  const heard: { wasReady: boolean; isLeaving: boolean; failure: Failure | null } = {
    wasReady: false,
    isLeaving: false,
    failure: null,
  };
  let heardAtMs = performance.now();
  let over = false;
  const member: Member = {
    pid: child.pid,
    get wasReady() {
      return heard.wasReady;
    },
    get isLeaving() {
      return heard.isLeaving;
    },
    get failure() {
      return heard.failure;
    },
    get heardAtMs() {
      return heardAtMs;
    },
    forgive: () => {
      heardAtMs = performance.now();
    },
    stop: () => {
      const message: FromSupervisor = { kind: "stop" };
      if (child.connected) child.send(message, () => undefined);
    },
    kill: () => {
      if (!over) child.kill("SIGKILL");
    },
  };
  const end = (how: MemberEnd): void => {
    if (over) return;
    over = true;
    onEnd(member, how);
  };
  child.on("message", (raw) => {
    const message = readFromChild(raw);
    if (message === null) return;
    if (message.kind === "ready") heard.wasReady = true;
    if (heard.wasReady) heardAtMs = performance.now();
    if (message.kind === "leaving") heard.isLeaving = true;
    if (message.kind === "failed") heard.failure = message;
    onMessage(member, message);
  });
  child.on("error", (error) => {
    if (child.pid !== undefined) return;
    heard.failure = { message: `cannot start a process: ${error.message}`, hint: null, exit: 1 };
    end({ code: null, signal: null });
  });
  child.on("exit", (code, signal) => end({ code, signal }));
  return member;
}
