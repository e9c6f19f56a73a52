/** Who sends things to the item of the model: each writes what it has to, then DUE, then the hint. */
import { inboxAlarm } from "../../src/domain/alarm.ts";
import { isEnded } from "../../src/domain/head.ts";
import type { Command } from "../../src/domain/inbox.ts";
import { inboxKey } from "../../src/domain/keys.ts";
import { aSignal, mail } from "./builders.ts";
import type { Model, Thread } from "./protocol-model.ts";

/** How often a sender looks at an item that is about to end. */
const LOOKS = 40;

/** A command from outside: inbox, DUE, hint. */
export function* sendCommand(model: Model, command: Command): Thread {
  yield;
  // A redrive begins a life of its own, told from the one before by its instant.
  model.nowMs += 1;
  model.inbox.push(mail(command, `c${model.nextId()}`, model.nowMs));
  yield* model.ringBy(inboxAlarm(model.head.version, model.nowMs));
  yield;
  model.send(null, 0);
}

export interface Sent {
  /** `<sender>.<n>`: the same again is the same signal. */
  readonly id: string;
  readonly name: string;
}

/** A signal: SEEN, inbox, DUE, hint; then the look at HEAD that tells whether it was accepted. */
export function* sendSignal(model: Model, { id, name }: Sent): Thread {
  const { witness } = model;
  yield;
  if (isEnded(model.head.status)) {
    const { head } = model;
    yield;
    witness.answered(id, wasTaken(model, id, head.consumed), head);
    return;
  }
  const { version } = model.head;
  yield;
  model.nowMs += 1;
  const seen = model.seen.get(id) ?? { sentAtMs: model.nowMs, consumed: false };
  const found = { ...seen };
  model.seen.set(id, seen);
  const signal = aSignal(name, id, found.sentAtMs);
  if (!found.consumed) {
    yield;
    if (model.signals.some(({ sort }) => sort === signal.sort)) model.happened.add("sent a signal again");
    else {
      witness.sent(signal, model.signals);
      model.signals.push(signal);
    }
    yield* model.ringBy(inboxAlarm(version, model.nowMs));
    model.rung.add(signal.sort);
  }
  yield;
  model.send(null, 0);
  for (let looks = 0; looks < LOOKS; looks++) {
    yield;
    const { head } = model;
    const { status, consumed } = head;
    if (status.kind === "closing") {
      model.happened.add("came as it closed");
      continue;
    }
    if (isEnded(status) && !consumed.includes(signal.sort)) yield;
    const accepted = !isEnded(status) || wasTaken(model, id, consumed);
    model.happened.add(accepted ? "was accepted" : "was not accepted");
    witness.answered(id, accepted, head);
    return;
  }
}

function wasTaken(model: Model, id: string, consumed: readonly string[]): boolean {
  const seen = model.seen.get(id);
  return seen !== undefined && (seen.consumed || consumed.includes(inboxKey(seen.sentAtMs, id)));
}
