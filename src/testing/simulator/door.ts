/**
 * What stands between a process and its ports: every call is an event at an instant of its own, and here most faults
 * happen. A call that a dead or frozen process made is still on its way, as a request is.
 */
import type { Intercept, PortCall } from "../../adapters/memory/intercept.ts";
import { BlobMissingError, QueueUnavailableError, StoreUnavailableError } from "../../domain/errors.ts";
import { DUE_KEY } from "../../domain/keys.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/limits.ts";
import type { Message } from "../../ports/work-queue.ts";
import type { SimProcess } from "./sim-process.ts";
import type { Stage } from "./stage.ts";
import { describeCall, fieldOf } from "./trace.ts";

const LATENCY_MS = 8;
const SLOW_MS = 15 * SECOND_MS;
const FREEZE_MS = 70 * SECOND_MS;
const OUTAGE_MS = 90 * SECOND_MS;
const LATE_HINT_MS = 10 * MINUTE_MS;
const BLOB_GONE_MS = 30 * SECOND_MS;

type Run = () => Promise<unknown>;
/** A call on its way. */
interface Asked {
  readonly call: PortCall;
  readonly run: Run;
  readonly answer: (value: unknown) => void;
  readonly fail: (error: unknown) => void;
}

/** Ports out of reach, and blobs that are missing, until an instant. */
const troubles = new WeakMap<Stage, Map<string, number>>();

export function createDoor(stage: Stage, actor: SimProcess, charmed: boolean): Intercept {
  const { scheduler, trace } = stage;
  const until = troubles.get(stage) ?? new Map<string, number>();
  troubles.set(stage, until);
  const isTroubled = (name: string): boolean => !stage.isCalm() && (until.get(name) ?? 0) > scheduler.elapsedMs();
  const note = (call: PortCall, answer: unknown, text: string): void =>
    trace.add({ atMs: scheduler.elapsedMs(), who: actor.name, call, answer, text });

  /** Its effect, once, seen by whoever observes. */
  async function apply(call: PortCall, run: Run, how = ""): Promise<unknown> {
    const answer = await run();
    note(call, answer, how);
    if (fieldOf(call.args[0], "sort") === DUE_KEY)
      stage.dueSetAtMs.set(String(fieldOf(call.args[0], "partition")), scheduler.elapsedMs());
    const seeing = stage.see(actor.name, call, answer);
    if (seeing !== null) await seeing;
    return answer;
  }
  function unreachable(call: PortCall, why: string): Error {
    note(call, null, ` ! ${why}`);
    return call.port === "queue"
      ? new QueueUnavailableError("simulated", new Error(why))
      : new StoreUnavailableError("simulated", new Error(why));
  }
  function die(call: PortCall, kind: "crashBefore" | "crashAfter"): void {
    stage.inject(kind, actor.name, describeCall(call), call);
    actor.die();
  }
  /** The answer comes when the process can hear it, or never. */
  function deliver(settle: () => void): void {
    if (actor.isDead()) return;
    const heldMs = actor.frozenMs();
    if (heldMs > 0) scheduler.in(heldMs, () => deliver(settle));
    else settle();
  }
  function begin(asked: Asked): void {
    const { call, run } = asked;
    if (actor.isDead()) {
      // It had left before its process died.
      if (call.method !== "receive" && stage.draw("late") < 0.5) void apply(call, run, " (sender dead)").catch(() => undefined);
      return;
    }
    const heldMs = actor.frozenMs();
    if (heldMs > 0) {
      scheduler.in(heldMs + stage.draw("latency") * LATENCY_MS, () => begin(asked));
      return;
    }
    stage.calls += 1;
    for (const observer of stage.observers) observer.called?.(actor.name, call);
    if (charmed || stage.isCalm()) finish(asked);
    else befall(asked);
  }
  function befall(asked: Asked): void {
    const { call, run } = asked;
    const what = `${call.port} ${call.method}`;
    if (stage.chance("clockJump")) {
      actor.jump(Math.floor((2 * stage.draw("clockJump") - 1) * (stage.settings.leaseDurationMs / 2 - 1)));
      stage.inject("clockJump", actor.name, `${actor.offsetMs()} ms off`);
    }
    if (stage.chance("outage")) {
      const ms = stage.draw("outage") ** 2 * OUTAGE_MS;
      until.set(call.port, scheduler.elapsedMs() + ms);
      stage.inject("outage", actor.name, `${call.port} for ${Math.ceil(ms)} ms`);
    }
    if (isTroubled(call.port)) {
      asked.fail(unreachable(call, "out of reach"));
      return;
    }
    if (call.port === "blobs" && isBlobGone(call)) {
      asked.fail(new BlobMissingError(String(call.args[0]), String(call.args[1])));
      return;
    }
    if (stage.chance("crashBefore")) {
      die(call, "crashBefore");
      return;
    }
    if (stage.chance("freeze")) {
      const ms = stage.draw("freeze") ** 2 * FREEZE_MS;
      actor.freeze(ms);
      stage.inject("freeze", actor.name, `${Math.ceil(ms)} ms, at ${describeCall(call)}`, call);
      // The call is on its way, or yet to be made.
      if (stage.draw("freeze") < 0.5) {
        begin(asked);
        return;
      }
    }
    if (stage.chance("failBefore")) {
      stage.inject("failBefore", actor.name, what, call);
      asked.fail(unreachable(call, "no answer"));
      return;
    }
    if (call.method === "send" && isWayward(call, run)) {
      asked.answer(undefined);
      return;
    }
    finish(asked);
  }
  function finish(asked: Asked): void {
    if (asked.call.method === "receive") actor.polls.begin();
    apply(asked.call, asked.run).then(
      (answer) => after(asked, answer),
      (error: unknown) => deliver(() => asked.fail(error)),
    );
  }
  function after(asked: Asked, answer: unknown): void {
    const { call, run } = asked;
    if (call.port === "queue") moved(call, answer);
    if (charmed || stage.isCalm()) {
      deliver(() => asked.answer(answer));
      return;
    }
    if (stage.chance("crashAfter")) {
      die(call, "crashAfter");
      return;
    }
    if (call.method !== "receive" && stage.chance("failAfter")) {
      stage.inject("failAfter", actor.name, describeCall(call), call);
      deliver(() => asked.fail(unreachable(call, "answer lost")));
      return;
    }
    const isWrite = call.method === "write" || call.method === "remove";
    if (isWrite && fieldOf(answer, "ok") === true && stage.chance("lostAnswer")) {
      stage.inject("lostAnswer", actor.name, describeCall(call), call);
      scheduler.in(stage.draw("latency") * SECOND_MS, () => {
        // Of a process that has died meanwhile, nobody makes it once more.
        if (!actor.isDead()) apply(call, run, " (again)").then((again) => deliver(() => asked.answer(again)), asked.fail);
      });
      return;
    }
    deliver(() => asked.answer(call.method === "due" ? lagging(answer) : answer));
  }
  /** True when the hint does not take the straight way. */
  function isWayward(call: PortCall, run: Run): boolean {
    const later = (): void => {
      const ms = stage.draw("hint") ** 2 * LATE_HINT_MS;
      scheduler.in(ms, () => void apply(call, run, " (late)").then(() => moved(call, undefined)));
    };
    if (stage.chance("hintLost")) stage.inject("hintLost", actor.name, describeCall(call), call);
    else if (stage.chance("hintLate")) {
      stage.inject("hintLate", actor.name, describeCall(call), call);
      later();
    } else {
      if (stage.chance("hintTwice")) {
        stage.inject("hintTwice", actor.name, describeCall(call), call);
        later();
      }
      return false;
    }
    return true;
  }
  /** Whoever waits for messages is told when one of these is to be seen. */
  function moved(call: PortCall, answer: unknown): void {
    const [first, second] = call.args;
    if (call.method === "send") stage.pokeIn(Number(fieldOf(second, "delayMs")) + 0.01);
    if (call.method === "hide") stage.pokeIn(Number(second) + 0.01);
    if (call.method === "receive" && Array.isArray(answer)) received(answer, Number(fieldOf(first, "visibilityMs")));
  }
  function received(messages: readonly Message[], visibilityMs: number): void {
    const broker = stage.environment.brokerOf(actor.deps.namespace);
    if (messages.length > 0) stage.pokeIn(visibilityMs + 0.01);
    for (const { id } of messages) {
      const inMs = actor.isDead() ? 0 : !charmed && stage.chance("lapse") ? stage.draw("lapse") * visibilityMs : null;
      if (inMs === null) continue;
      scheduler.in(inMs, () => {
        const entry = broker.entries.get(id);
        if (entry === undefined || entry.visibleAtMs === null) return;
        entry.visibleAtMs = stage.nowMs();
        if (!actor.isDead()) stage.inject("lapse", actor.name, `message ${id}`);
        stage.pokeIn(0.01);
      });
    }
  }
  function isBlobGone({ method, args }: PortCall): boolean {
    if (method !== "get") return false;
    const name = `blob ${String(args[0])} ${String(args[1])}`;
    if (isTroubled(name)) return true;
    if (!stage.chance("blobGone")) return false;
    until.set(name, scheduler.elapsedMs() + stage.draw("blobGone") * BLOB_GONE_MS);
    stage.inject("blobGone", actor.name, name);
    return true;
  }
  /** What was written a moment ago is not in the index yet. */
  function lagging(answer: unknown): unknown {
    const { indexLagMs } = stage.rates();
    if (indexLagMs === 0 || !Array.isArray(answer)) return answer;
    const lagMs = stage.draw("lag") * indexLagMs;
    return answer.filter(
      (entry) => scheduler.elapsedMs() - (stage.dueSetAtMs.get(String(fieldOf(entry, "partition"))) ?? 0) > lagMs,
    );
  }
  return <T>(call: PortCall, run: () => Promise<T>): Promise<T> => {
    if (actor.isDead()) return new Promise<T>(() => undefined);
    const isPoll = call.method === "receive";
    if (!isPoll) actor.pending += 1;
    return new Promise<T>((resolve, reject) => {
      const slowMs = !charmed && stage.chance("slow") ? stage.draw("slow") * SLOW_MS : 0;
      // What `run` gives is what is answered: the types have met in `call`.
      const asked: Asked = {
        call,
        run,
        answer: (value) => {
          if (!isPoll) actor.pending -= 1;
          resolve(value as T);
        },
        fail: (error) => {
          if (!isPoll) actor.pending -= 1;
          reject(error);
        },
      };
      scheduler.in(slowMs + stage.draw("latency") ** 2 * LATENCY_MS, () => begin(asked));
    });
  };
}
