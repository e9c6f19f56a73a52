/**
 * What must never happen in the model of the protocol: it sees every execution, every commit, and what senders were
 * told, and knows nothing of what the workers think.
 */
import { type Head, isEnded } from "../../src/domain/head.ts";
import type { CommandKind, InboxEntry, SignalEntry } from "../../src/domain/inbox.ts";
import { idOfInboxKey } from "../../src/domain/keys.ts";

interface Execution {
  readonly version: number;
  readonly attempt: number;
  readonly life: string;
}
interface Commit {
  readonly token: number;
  readonly consumed: readonly string[];
  readonly inbox: readonly InboxEntry[];
  readonly signals: readonly SignalEntry[];
  readonly nowMs: number;
}

export class Witness {
  readonly broken: string[] = [];
  readonly committed: { version: number; token: number }[] = [];
  readonly #executions: Execution[] = [];
  readonly #wakes = new Map<string, string>();
  /** Signals whose step has committed, in that order. */
  readonly #delivered = new Set<string>();
  /** Of a signal: those of its sender and name that were there before it. */
  readonly #before = new Map<string, readonly string[]>();
  readonly #accepted = new Set<string>();
  /** Of a signal that was not accepted: in which life. A redrive begins another, whose steps find it in the inbox. */
  readonly #refused = new Map<string, string>();

  /** `recorded`: attempts on record; null when HEAD has gone on, so that whatever this one does is lost. */
  runs(head: Head, attempt: number, recorded: number | null): void {
    const { version, wake } = head;
    const life = lifeOf(head);
    if (recorded !== null && recorded < attempt)
      this.broken.push(`attempt ${attempt} of version ${version} runs, and ${recorded} are on record`);
    if (this.#executions.some((one) => one.version === version && one.attempt === attempt && one.life === life))
      this.broken.push(`attempt ${attempt} of version ${version} runs twice`);
    this.#executions.push({ version, attempt, life });
    const step = `${version} ${life}`;
    const found = JSON.stringify(wake);
    const known = this.#wakes.get(step) ?? found;
    if (known !== found) this.broken.push(`version ${version} ran for ${known}, and now for ${found}`);
    this.#wakes.set(step, found);
    if (recorded !== null && wake.kind === "signal" && this.#delivered.has(idOfInboxKey(wake.sort)))
      this.broken.push(`signal ${wake.sort} wakes another step`);
  }
  /** That attempt was given back: its number is free. */
  uncharged(head: Head, attempt: number): void {
    const life = lifeOf(head);
    const at = this.#executions.findIndex((one) => one.version === head.version && one.attempt === attempt && one.life === life);
    this.#executions.splice(at, 1);
  }

  commits(head: Head, next: Head, commit: Commit): void {
    const { token, consumed, inbox } = commit;
    if (next.version !== head.version) this.committed.push({ version: next.version, token });
    if (next.version < head.version) this.broken.push(`version ${next.version} was committed after ${head.version}`);
    if (token < head.token) this.broken.push(`token ${token} committed after ${head.token}`);
    const told = inbox.filter(({ sort }) => consumed.includes(sort)).map(({ command }) => command.kind);
    this.#checkStatus(head, next, told, commit.nowMs);
    this.#checkSignals(head, next, commit);
  }
  #checkStatus(head: Head, next: Head, told: readonly CommandKind[], nowMs: number): void {
    const became = `${head.status.kind} became ${next.status.kind}`;
    const by = (...kinds: CommandKind[]) => kinds.some((kind) => told.includes(kind));
    if (isEnded(head.status) && head.status.kind !== next.status.kind && !by("redrive"))
      this.broken.push(`${became} without a redrive`);
    if (head.status.kind === "paused" && next.status.kind !== "paused" && !by("resume", "cancel"))
      this.broken.push(`${became} without a command`);
    const isEarly = head.status.kind === "sleeping" && head.status.wakeAtMs > nowMs && next.status.kind === "ready";
    if (isEarly && next.version === head.version && next.recovery === head.recovery && !by("redrive"))
      this.broken.push(`${became} before its time`);
    const goesOn = !isEnded(head.status) && !isEnded(next.status) && head.recovery === null && next.recovery === null;
    if (goesOn && by("cancel") && !head.recovered) this.broken.push(`${became}, and a cancel was dropped`);
  }
  #checkSignals(head: Head, next: Head, { consumed, signals }: Commit): void {
    const ids = consumed.filter((sort) => signals.some((one) => one.sort === sort)).map(idOfInboxKey);
    for (const id of ids) {
      if (this.#delivered.has(id)) this.broken.push(`signal ${id} was delivered twice`);
      if (this.#refused.get(id) === budgetOf(head)) this.broken.push(`signal ${id} was not accepted, and was delivered`);
      for (const one of this.#before.get(id) ?? [])
        if (!this.#delivered.has(one)) this.broken.push(`signal ${id} was delivered before ${one}`);
      this.#delivered.add(id);
    }
    if (head.status.kind !== "closing" || next.status.kind !== "completed") return;
    for (const id of this.#accepted) if (!this.#delivered.has(id)) this.broken.push(`signal ${id} was accepted, and dropped`);
  }

  /** A sender put a signal into the inbox. */
  sent(signal: SignalEntry, signals: readonly SignalEntry[]): void {
    const sender = senderOf(signal);
    const earlier = signals.filter((one) => senderOf(one) === sender && one.sort < signal.sort).map(({ id }) => id);
    if (!this.#before.has(signal.id)) this.#before.set(signal.id, earlier);
  }
  /** It was told so because of that snapshot. */
  answered(id: string, accepted: boolean, head: Head): void {
    if (accepted) this.#accepted.add(id);
    else this.#refused.set(id, budgetOf(head));
  }
}

/** A redrive begins a life of its own, told from the one before by its instant. */
function budgetOf({ budget }: Head): string {
  return `${budget.sinceVersion}@${budget.sinceMs}`;
}
function lifeOf(head: Head): string {
  return `${budgetOf(head)} ${head.recovery === null ? "step" : "recover"}`;
}
function senderOf({ id, name }: SignalEntry): string {
  return `${id.slice(0, id.indexOf("."))} ${name}`;
}
